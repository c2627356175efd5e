"""The past as it was: what the run log tells is learned again up to an earlier instant."""

from dataclasses import replace

from rocketd.core.explain.why import why_then
from rocketd.core.history.as_of import history_as_of, runs_needed
from rocketd.core.history.history import History
from rocketd.core.language.parser import parse
from rocketd.core.model.records import RunView
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Task
from support.evaluation import Asked, at


def view(start: str, end: str = "", action: Action = Action.SUCCESS, *, number: int = 1, task: str = "me") -> RunView:
    run = Run(task, number, f"{task}-{number}", 1, at(start), at(start), Trigger.SCHEDULE, "")
    if action is Action.MISSED:
        return RunView(replace(run, number=0, start=at(end)), action, None, 0)
    done = End(action, Cause.EXIT, at(end)) if end else None
    return RunView(run, action if end else Action.RUN, done, 0)


def task(when: str) -> Task:
    return replace(Asked().task, when=parse(when))


def known(*names: str, armed: str = "2026-03-01 00:00") -> History:
    asked = Asked().armed(armed)
    for name in names:
        asked.history.load(name)
    return asked.history


def holds(when: str, now: str, *views: RunView, others: tuple[str, ...] = ()) -> bool | None:
    asked, instant = task(when), at(now)
    return why_then(asked, history_as_of(asked, known(*others), views, instant), instant).holds


def test_a_run_of_later_is_not_known_yet() -> None:
    runs = [view("2026-03-04 12:00", "2026-03-04 12:05")]
    assert holds("daily", "2026-03-04 11:00", *runs) is True
    assert holds("daily", "2026-03-04 13:00", *runs) is False


def test_a_run_that_has_ended_since_was_going_on_then() -> None:
    runs = [view("2026-03-04 12:00", "2026-03-04 12:05")]
    assert holds("running", "2026-03-04 12:04", *runs) is True
    assert holds("running", "2026-03-04 12:05", *runs) is False


def test_a_run_that_ended_as_it_began_is_over() -> None:
    assert holds("running", "2026-03-04 12:00", view("2026-03-04 12:00", "2026-03-04 12:00")) is False


def test_runs_are_learned_in_the_order_in_which_they_happened_whatever_order_they_come_in() -> None:
    """An end at the instant of a start came before it: the start is what it brought about."""
    extract = view("2026-03-04 09:00", "2026-03-04 10:00", task="extract")
    mine = view("2026-03-04 10:00", "2026-03-04 10:00")
    for runs in ([extract, mine], [mine, extract]):
        assert holds('after_success("extract")', "2026-03-04 11:00", *runs, others=("extract",)) is False
    assert holds('after_success("extract")', "2026-03-04 11:00", extract, others=("extract",)) is True


def test_a_task_that_is_not_loaded_now_is_unknown_then() -> None:
    assert holds('after_success("extract")', "2026-03-04 11:00") is None


def test_what_was_missed_is_used_up() -> None:
    missed = view("2026-03-04 10:00", "2026-03-04 11:00", Action.MISSED)
    assert holds('cron("0 10 * * *")', "2026-03-04 11:30", missed) is False
    assert holds('cron("0 * * * *")', "2026-03-04 11:00", missed) is True  # the next tick came as it was told


def test_what_had_been_missed_by_then_counts_although_it_grew_later() -> None:
    """Its record only has when it was reported last."""
    grown = replace(view("2026-03-04 10:00", "2026-03-04 14:00", Action.MISSED), first_at=at("2026-03-04 11:00"))
    of_other = replace(grown, run=replace(grown.run, task="other"))
    assert holds('cron("0 10 * * *")', "2026-03-04 11:30", grown) is False
    assert holds('cron("0 10 * * *")', "2026-03-04 10:30", grown) is True
    assert holds('cron("0 * * * *")', "2026-03-04 12:30", grown) is True  # that of 12:00, however far it had grown
    for word in ('after_missed("other")', 'missed("other").today', '(missed("other").today == 1)'):
        assert holds(word, "2026-03-04 10:30", of_other, others=("other",)) is False
        assert holds(word, "2026-03-04 11:30", of_other, others=("other",)) is True
        assert holds(word, "2026-03-04 14:30", of_other, others=("other",)) is True


def test_counts_look_as_far_back_as_they_need() -> None:
    runs = [view(f"2026-03-04 1{hour}:00", f"2026-03-04 1{hour}:05", number=hour + 1) for hour in range(4)]
    assert holds("(succeeded.today == 3)", "2026-03-04 12:30", *runs) is True


def test_what_was_armed_later_is_told_so() -> None:
    asked, instant = task('cron("0 * * * *")'), at("2026-03-04 11:30")
    history = history_as_of(asked, known(armed="2026-03-05 00:00"), [], instant)
    assert history.of("me").armed_at == at("2026-03-05 00:00")
    assert "came before the task was armed" in why_then(asked, history, instant).parts[0].because


def test_the_runs_of_the_task_and_of_those_it_asks_about_are_looked_at_up_to_that_instant() -> None:
    instant = at("2026-03-04 11:30")
    past = known()
    past.load("db-1")
    asked = task('daily & ~running("b") | after_success("c") | after_any_fail("db-*")')
    wanted = runs_needed(asked, past, instant)
    names = ("b", "c", "db-1", "me")
    assert [(one.task, one.until) for one in wanted[:4]] == [(name, instant + 1) for name in names]
    assert [(one.task, one.since, one.actions) for one in wanted[4:]] == [
        (name, instant + 1, (Action.MISSED,)) for name in names
    ]
