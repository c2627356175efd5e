"""Why a task runs or what it waits for: the tree of its condition, and what else is in the way."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rocketd.core.explain.tree import draw
from rocketd.core.explain.why import Explanation, explain, why, why_then
from rocketd.core.instant import FOREVER, HOUR, MINUTE, SECOND, Instant, datetime_of
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Finished, NoSuchTask, Spawned, Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Command, On, Overlap, Task
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from rocketd.core.scheduler.scheduler import Scheduler
from support.evaluation import BERLIN, Asked, at

NOW = at("2026-03-04 10:30")


def task(name: str = "me", when: str = "daily", **other: object) -> Task:
    made = Task(name, Command(("/bin/true",)), parse(when))
    return replace(made, **other)  # type: ignore[arg-type] # whatever a test says of a task


def loaded(*tasks: Task, slots: int = 32, now: Instant = NOW) -> Scheduler:
    scheduler = Scheduler(host="here", new_run_id=lambda _: "id", max_running=slots)
    scheduler.load(tasks, now, {})
    return scheduler


def finish(scheduler: Scheduler, name: str, when: Instant, action: Action = Action.SUCCESS) -> None:
    for run in [run for run in scheduler.running_runs if run.task == name]:
        scheduler.learn(Finished(run, End(action, Cause.EXIT, when)))


def waiting(scheduler: Scheduler, name: str = "me", now: Instant = NOW) -> str:
    return why(scheduler, name, now).waiting_for


# -- the tree


def test_each_part_has_its_verdict_and_what_it_rests_on() -> None:
    asked = Asked()
    condition = parse('(daily | retry) & time_of_day.after("12:00") & running("b")')
    tree = explain(condition, asked.moment("2026-03-04 10:00"))
    assert (tree.condition, tree.holds) == (str(condition), False)
    assert [(part.condition, part.holds) for part in tree.parts] == [
        ("daily | retry", True),
        ('time_of_day.after("12:00")', False),
        ('running("b")', None),
    ]
    daily = tree.parts[0].parts[0]
    assert (daily.since, daily.until) == (at("2026-03-04 00:00"), at("2026-03-05 00:00"))


@pytest.mark.parametrize("text", ["daily", "~(daily | retry)", 'daily & time_of_day.after("12:00") | true', "false"])
def test_the_whole_has_the_verdict_that_the_scheduler_goes_by(text: str) -> None:
    asked = Asked()
    for now in ("2026-03-04 10:00", "2026-03-04 13:00"):
        verdict = asked.judge(text, now)
        tree = explain(parse(text), asked.moment(now))
        assert (tree.holds, tree.until, tree.since) == (verdict.answer.value, verdict.until, verdict.since)


DRAWN = """\
✗ (daily | retry(3, delay="1h")) & ~(running("b") | false) & time_of_day.between("10:00", "12:00")
│    2 of 3 parts hold; since 10:05; until 11:05
├─ ✗ daily | retry(3, delay="1h")
│  │    0 of 2 parts hold; since 10:05; until 11:05
│  ├─ ✗ daily
│  │       already ran in the window 00:00-24:00: me/1 failed at 10:05; \
the next one opens tomorrow at 00:00; since 10:00; until 00:00
│  └─ ✗ retry(3, delay="1h")
│          me/1 failed at 10:05 (attempt 1 of 4); the next attempt is at 11:05; since 10:05; until 11:05
├─ ✓ ~(running("b") | false)
│  │    0 of 2 parts hold
│  ├─ ✗ running("b")
│  │       b is not running
│  └─ ✗ false
│          never
└─ ✓ time_of_day.between("10:00", "12:00")
        inside the window 10:00-12:00; since 10:00; until 12:00"""


def test_the_tree_is_drawn() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL)
    asked.history.load("b")
    hours = 'time_of_day.between("10:00", "12:00")'
    condition = parse(f'(daily | retry(3, delay="1 h")) & ~(running("b") | false) & {hours}')
    tree = explain(condition, asked.moment(NOW))
    assert "\n".join(map(str, draw(tree, lambda instant: f"{datetime_of(instant):%H:%M}"))) == DRAWN


def test_as_text_it_is_what_the_task_waits_for_and_the_tree_in_the_zone_of_the_task() -> None:
    answer = why_then(replace(task(when='daily.at("12:00")'), zone=BERLIN), Asked().history, NOW)
    assert str(answer).split("\n") == [
        'me is waiting for daily.at("12:00") (at 12:00)',
        '✗ daily.at("12:00")',
        "     outside the window; the next one opens at 12:00; since 2026-03-03 13:00:00; until 2026-03-04 12:00:00",
    ]


def test_a_word_alone_is_its_own_only_part_and_a_joined_condition_has_what_it_is_joined_of() -> None:
    history = Asked().history
    assert [part.condition for part in why_then(task(), history, NOW).parts] == ["daily"]
    assert [part.condition for part in why_then(task(when="daily & ~running"), history, NOW).parts] == [
        "daily",
        "~running",
    ]


class Raises(Condition):
    """A condition of somebody else's, with a defect."""

    def judge(self, moment: Moment) -> Verdict:
        raise ZeroDivisionError(f"at {moment.now}")

    def __str__(self) -> str:
        return "mine"


def test_a_condition_that_raises_is_unknown_and_says_what_it_raised() -> None:
    answer = why_then(replace(task(), when=Raises()), Asked().history, 5)
    assert answer.holds is None
    assert answer.parts[0].because == "evaluating it raised ZeroDivisionError: at 5"


class Theirs(Condition):
    """A condition of somebody else's, of which nothing is known but its answer."""

    def judge(self, moment: Moment) -> Verdict:
        return Verdict(FOR if moment.now < NOW else AGAINST, FOREVER)

    def __str__(self) -> str:
        return "theirs"


def test_a_condition_of_others_is_told_by_its_answer() -> None:
    mine = replace(task(), when=Theirs())
    assert why_then(mine, Asked().history, NOW - 1).parts[0].because == "true"
    assert why_then(mine, Asked().history, NOW).waiting_for == "me is waiting for theirs to become true"


# -- what it waits for


@pytest.mark.parametrize(
    ("when", "awaited"),
    [
        ('daily.at("12:00")', 'is waiting for daily.at("12:00") (at 12:00)'),
        (
            '~time_of_day.between("10:00", "12:00")',
            'is waiting for the end of time_of_day.between("10:00", "12:00") (at 12:00)',
        ),
        ("retry", "is waiting for a failed run to retry"),
        ('running("b")', "is waiting for b to run"),
        ('after_success("b")', "is waiting for b to succeed"),
        ('after_any_fail("b", "c")', "is waiting for b or c to fail"),
        ('after_all_finish("b", "c")', "is waiting for b and c to finish"),
        (
            'after_success("gone")',
            "is waiting for after_success(\"gone\"), which is unknown (task 'gone' is not loaded)",
        ),
        ('failed("b").today', "is waiting for b to fail"),
        ('failed("b").past("2 h")', "is waiting for b to fail"),
        ('failed("b").today.before("12:00")', 'is waiting for failed("b").today.before("12:00") to become true'),
        ('running("b").more_than("10 min")', "is waiting for b to run for 10min"),
        ('(running("b") >= 1)', "is waiting for b to start"),
        ('(running("b") > 1)', 'is waiting for (running("b") > 1) to become true'),
        ('crontime("* 12 * * *")', 'is waiting for crontime("* 12 * * *") (at 12:00)'),
        ("load_below(2.0)", "is waiting for load_below(2.0), which is unknown (not observed yet)"),
        ('scheduler_running(more_than="10 min")', 'is waiting for scheduler_running(more_than="10min") (at 10:40)'),
        ("scheduler_cycles(more_than=2)", "is waiting for 2 more passes of the scheduler"),
        ("~scheduler_cycles", "never starts on its own: its condition can never be true"),
        ("scheduler_cycles(less_than=1)", "never starts on its own: its condition can never be true"),
        ("~scheduler_cycles(less_than=2)", "is waiting for 1 more pass of the scheduler"),
        ('(failed("b").today == 1) & daily', 'is waiting for (failed("b").today == 1) to become true'),
        ('~(started("b") | true)', "never starts on its own: its condition can never be true"),
        ("false", "never starts on its own: its condition can never be true"),
        ("daily & false", "never starts on its own: its condition can never be true"),
        ("retry & false", "never starts on its own: its condition can never be true"),
        ('false | running("b")', "is waiting for b to run"),
        ('running("b") & running("c")', "is waiting for b to run and c to run"),
        (
            '(running("b") | failed("b")) & retry',
            "is waiting for (b to run or b to fail) and a failed run to retry",
        ),
        ('~(daily & ~running("b"))', "is waiting for the end of daily (tomorrow at 00:00) or b to run"),
    ],
)
def test_what_it_waits_for_are_the_parts_that_are_in_the_way(when: str, awaited: str) -> None:
    scheduler = loaded(task(when=when), task("b", "false"), task("c", "false"))
    scheduler.decide(NOW)
    assert waiting(scheduler) == f"me {awaited}"


def test_a_part_that_must_cease_is_waited_for_by_its_end() -> None:
    scheduler = loaded(task(when='daily & ~running("b")'), task("b", "true", priority=1))
    scheduler.decide(NOW)
    assert waiting(scheduler) == "me is waiting for b to finish"


def _paused(scheduler: Scheduler) -> None:
    scheduler.pause("me", until=NOW + HOUR, by="uid 0", reason="a new disk")


def _paused_for_good(scheduler: Scheduler) -> None:
    scheduler.pause("me", until=None, by="", reason="")


def _draining(scheduler: Scheduler) -> None:
    scheduler.drain()


def _nothing(scheduler: Scheduler) -> None:
    pass


@pytest.mark.parametrize(
    ("before", "mine", "sentence"),
    [
        (_nothing, task(), "me is about to run: me/1 is waiting for its record to be written"),
        (_nothing, task(mutex="disk"), "me has been due since 10:30 but cannot start: mutex 'disk' is held by first/1"),
        (_paused, task(), "me is paused by uid 0 until 11:30: a new disk"),
        (_paused_for_good, task(), "me is paused until someone resumes it"),
        (_draining, task(), "me has been due since 10:30 but cannot start: rocketd is shutting down"),
        (_nothing, task(stop_when=parse("true")), "me is due but cannot start: its stop_when condition is true"),
    ],
)
def test_what_hinders_a_due_task_is_said(before: Callable[[Scheduler], None], mine: Task, sentence: str) -> None:
    scheduler = loaded(task("first", "true", priority=1, mutex="disk"), mine)
    before(scheduler)
    scheduler.decide(NOW)
    assert waiting(scheduler) == sentence


def test_what_runs_has_run_since_its_process_was_there() -> None:
    scheduler = loaded(task())
    scheduler.decide(NOW)
    [run] = scheduler.running_runs
    scheduler.learn(Spawned(run, 7, 7, NOW + MINUTE))
    assert waiting(scheduler) == "me is waiting for me/1 to finish (running since 10:31)"


def test_without_a_free_slot_a_due_task_waits_for_one() -> None:
    scheduler = loaded(task("first", "true", priority=1), task(), slots=1)
    scheduler.decide(NOW)
    assert waiting(scheduler) == "me has been due since 10:30 but cannot start: all slots are in use"


def test_a_splay_and_a_restart_delay_say_when_they_are_over() -> None:
    scheduler = loaded(task(splay=6 * HOUR), task("again", "true", restart_delay=MINUTE))
    scheduler.decide(NOW)
    finish(scheduler, "again", NOW + SECOND)
    scheduler.decide(NOW + SECOND)
    begins = scheduler.find("me").earliest_start
    assert begins > NOW
    assert waiting(scheduler).startswith("me is due; it starts at ")
    assert waiting(scheduler).endswith(" (splay)")
    assert waiting(scheduler, "again", NOW + SECOND) == "again is due; it starts at 10:31:01 (restart_delay)"


def test_a_task_that_nothing_hinders_is_about_to_start() -> None:
    scheduler = loaded(task())
    assert waiting(scheduler) == "me is due and about to start"


def test_beside_its_own_run_a_task_may_be_due() -> None:
    scheduler = loaded(task(when="true", overlap=Overlap.ALLOW))
    assert any(isinstance(decision, Start) for decision in scheduler.decide(NOW))
    assert waiting(scheduler).startswith("me has been due")


def test_where_nothing_starts_at_all_the_reason_is_said() -> None:
    scheduler = loaded(task(), slots=0)
    scheduler.decide(NOW)
    assert why(scheduler, "me", NOW, idle="no daemon is running").waiting_for == (
        "me has been due since 10:30 but cannot start: no daemon is running"
    )


def test_a_later_instant_is_judged_as_if_nothing_happened_until_then() -> None:
    scheduler = loaded(task(when='daily.at("12:00")'))
    scheduler.decide(NOW)
    later: Explanation = why(scheduler, "me", NOW, at("2026-03-05 12:30"))
    assert (later.holds, later.since, later.until) == (True, at("2026-03-05 12:00"), at("2026-03-05 13:00"))
    assert later.waiting_for == "me would start: its condition is true"


def test_a_pause_that_is_over_by_then_hinders_nothing() -> None:
    scheduler = loaded(task())
    _paused(scheduler)
    assert why(scheduler, "me", NOW, NOW + HOUR).waiting_for == "me would start: its condition is true"
    assert why(scheduler, "me", NOW, NOW + HOUR - 1).waiting_for.startswith("me is paused")


def test_a_task_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoSuchTask):
        why(loaded(), "me", NOW)


def test_what_is_asked_about_after_the_end_of_a_pause_is_told_as_it_will_be_armed_then() -> None:
    scheduler = loaded(task(when='cron("0 12 * * *")'), now=at("2026-03-04 10:00"))
    scheduler.pause("me", until=at("2026-03-04 14:00"), by="", reason="")
    scheduler.decide(NOW)
    assert why(scheduler, "me", NOW, at("2026-03-04 13:00")).waiting_for == "me is paused until 14:00"
    answer = why(scheduler, "me", NOW, at("2026-03-04 15:00"))
    assert answer.waiting_for == 'me is waiting for cron("0 12 * * *") (tomorrow at 12:00)'
    assert scheduler.history.of("me").armed_at == at("2026-03-04 10:00")


@pytest.mark.parametrize(
    ("on", "at_occasion", "occasion"),
    [
        (On.BOOT, "me starts at the next boot", "the next boot"),
        (On.STARTUP, "me starts at the next start of rocketd", "the next start of rocketd"),
        (On.SHUTDOWN, "me starts at the shutdown of rocketd", "the shutdown of rocketd"),
    ],
)
def test_an_occasion_starts_a_task_as_its_condition_does(on: On, at_occasion: str, occasion: str) -> None:
    scheduler = loaded(
        task("me", "false", on=on), task("both", "daily.at('12:00')", on=on), task("fed", "after_success('me')", on=on)
    )
    scheduler.decide(NOW)
    assert waiting(scheduler) == at_occasion
    assert waiting(scheduler, "both") == f'both is waiting for daily.at("12:00") (at 12:00), or for {occasion}'
    assert waiting(scheduler, "fed") == f"fed is waiting for me to succeed, or for {occasion}"
    assert waiting(loaded(task("me", "false"))) == "me never starts on its own: its condition can never be true"
    assert why_then(task("me", "false", on=on), scheduler.history, NOW).waiting_for == at_occasion


def test_what_an_occasion_has_made_due_and_what_is_in_its_way_is_said() -> None:
    scheduler = loaded(task("me", "false", on=On.BOOT), slots=0)
    scheduler.start_on(On.BOOT)
    scheduler.decide(NOW)
    assert waiting(scheduler) == "me is due (on boot) but cannot start: all slots are in use"
    scheduler.max_running = 1
    assert any(isinstance(decision, Start) for decision in scheduler.decide(NOW))
    finish(scheduler, "me", NOW)
    assert waiting(scheduler) == "me starts at the next boot"
