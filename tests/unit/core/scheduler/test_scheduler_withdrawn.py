"""A run that never began: its number is used, and everything else is as if it had never been started."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocketd.core.history.history import History
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.logged_events import Occurrence
from rocketd.core.model.run import Action, Cause, End, Run, RunKey, Trigger
from rocketd.core.model.task import Command, Overlap, Task
from rocketd.core.model.task_history import TaskHistory
from support.simulated_world import Behaviour, World

NOON: Instant = 1_772_452_800 * SECOND
"""2026-03-02 12:00 UTC, a Monday."""
TASKS = ("a", "b")


# -- the past


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """What could happen to two tasks, their runs beside each other; some of them never begin."""
    story: list[Event] = []
    going: list[Run] = []
    numbers = dict.fromkeys(TASKS, 0)
    now = NOON
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.integers(0, 3 * HOUR))
        kind = draw(st.sampled_from(["start", "start", "end", "withdraw", "withdraw", "missed"]))
        if kind == "start":
            name = draw(st.sampled_from(TASKS))
            numbers[name] += 1
            trigger = draw(st.sampled_from([Trigger.SCHEDULE, Trigger.RETRY, Trigger.HAND]))
            due = now - draw(st.integers(0, HOUR))
            run = Run(name, numbers[name], f"{name}-{numbers[name]}", draw(st.integers(1, 3)), due, now, trigger, "")
            going.append(run)
            story.append(Started(run))
            if draw(st.booleans()):
                story.append(Spawned(run, 7, 7, now))
        elif kind == "missed":
            story.append(Missed(draw(st.sampled_from(TASKS)), "m", now, now, now, 1, "paused"))
        elif going:
            run = going.pop(draw(st.integers(0, len(going) - 1)))
            end = End(draw(st.sampled_from(ENDS)), draw(st.sampled_from([Cause.EXIT, Cause.OPERATOR])), now)
            story.append(Finished(run, end) if kind == "end" else Withdrawn(run, now, "no process"))
    return story


ENDS = (Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.INACTION, Action.CRASH)


def learned(story: list[Event]) -> History:
    history = History()
    history.set_needs(HistoryNeed(task, action, 10 * DAY) for task in TASKS for action in (Action.RUN, Action.FAIL))
    for event in story:
        history.learn(event)
    return history


def without(story: list[Event]) -> list[Event]:
    """The story in which the runs that never began were never started."""
    gone = {event.run.key for event in story if isinstance(event, Withdrawn)}
    return [event for event in story if isinstance(event, Missed) or event.run.key not in gone]


def told(history: History) -> list[object]:
    """All that conditions can ask, with the order of things in the place of their positions."""
    pasts = [history.of(name) for name in TASKS]
    positions = sorted({place for past in pasts for place in _positions(past)} | {0})
    return [_told(past, positions) for past in pasts]


def _positions(past: TaskHistory) -> list[int]:
    seen = [*past.last_events.values(), *([past.last_failure] if past.last_failure else [])]
    end = past.scheduled_end_position if past.scheduled_end else 0
    return [past.scheduled_position, end, *(one.position for one in seen)]


def _told(past: TaskHistory, positions: list[int]) -> object:
    def ranked(seen: Occurrence | None) -> Occurrence | None:
        return seen and seen._replace(position=positions.index(seen.position))

    return (
        {action: ranked(seen) for action, seen in past.last_events.items()},
        ranked(past.last_failure),
        positions.index(past.scheduled_position),
        positions.index(past.scheduled_end_position) if past.scheduled_end else 0,
        *(past.last_scheduled, past.scheduled_end, {**past.running}, {**past.spawned_at}),
        *([use[:2] for use in uses] for uses in (past.consumed, past.completed)),
        [crash.at for crash in past.crashes],
        {action: end.at for action, end in past.scheduled_ends.items()},
        {action: list(kept.counted) for action, kept in past.recorded_instants.items()},
    )


@settings(max_examples=300)
@given(stories())
def test_the_past_is_as_if_it_had_never_been_started(story: list[Event]) -> None:
    history, plain = learned(story), learned(without(story))
    assert told(history) == told(plain)
    numbers: dict[str, int] = {}
    for event in story:
        if isinstance(event, Started):
            numbers[event.run.task] = event.run.number + 1
    assert {name: history.of(name).next_number for name in numbers} == numbers, "numbers are never given out again"


@given(stories())
def test_to_learn_it_again_changes_nothing(story: list[Event]) -> None:
    history = learned(story)
    before = told(history)
    for event in story:
        if isinstance(event, Withdrawn):
            history.learn(event)
    assert told(history) == before


def test_what_is_recalled_for_new_conditions_leaves_it_out() -> None:
    history = learned([])
    first, second = (Run("a", number, "", 1, NOON, NOON, Trigger.SCHEDULE, "") for number in (1, 2))
    history.recall([Started(first), Withdrawn(first, NOON + 1, "no process"), Started(second)])
    assert history.of("a").recorded_instants[Action.RUN].counted == [NOON]


# -- the scheduler


def task(name: str, when: str, **given: object) -> Task:
    return replace(Task(name, Command(("/bin/true",)), parse(when)), **given)  # type: ignore[arg-type]  # of a Task


def world(*tasks: Task, now: Instant = NOON) -> World:
    made = World(1, now)
    for one in tasks:
        made.add(one, Behaviour(takes=SECOND))
    made.boot()
    return made


def withdrawn(made: World) -> list[RunKey]:
    return [event.run.key for event in made.log if isinstance(event, Withdrawn)]


@pytest.mark.parametrize(
    "when",
    ["daily", "cron('0 12 * * *')", "cron('0 12 * * *', within='10 min')", "every('1 d')", "daily | retry(2)"],
)
def test_a_start_that_the_host_refuses_uses_up_no_window_tick_or_interval(when: str) -> None:
    made = world(task("a", when), task("alarm", "after_finish('a') | after_any_fail('a')"), now=NOON - SECOND)
    made.bears = lambda _: False
    made.run_until(NOON + 5 * MINUTE)
    assert not made.begun
    assert len(withdrawn(made)) > 3
    made.bears = lambda _: True
    made.run_until(NOON + 6 * MINUTE)
    [run, alarm] = made.begun
    assert (run.task, run.attempt, run.trigger) == ("a", 1, Trigger.SCHEDULE)
    assert run.due in {NOON, NOON - SECOND, NOON - 12 * HOUR}
    assert alarm.cause_run_id == run.run_id
    assert made.missed("a") == []


def test_a_chance_that_closes_meanwhile_is_missed_for_the_true_reason_and_told_once() -> None:
    made = world(task("a", "cron('0 12 * * *', within='2 min')"), now=NOON - SECOND)
    made.bears = lambda _: False
    made.run_until(NOON + 10 * MINUTE)
    [missed] = made.missed("a")
    assert (missed.first, missed.count) == (NOON, 1)
    assert missed.reason == "the host lacks the resources to start tasks: no process is left"
    made.bears = lambda _: True
    made.run_until(NOON + HOUR)
    assert not made.begun


def test_a_retry_that_the_host_refuses_is_the_same_attempt_later() -> None:
    made = world(task("a", "daily | retry(1, delay='1 min')"))
    made.behaviours["a"] = Behaviour(takes=SECOND, fails=1.0)
    made.run_until(NOON + 30 * SECOND)
    made.bears = lambda _: False
    made.run_until(NOON + 5 * MINUTE)
    made.bears = lambda _: True
    made.run_until(NOON + HOUR)
    assert [run.attempt for run in made.begun] == [1, 2]


def test_four_hundred_daily_tasks_on_a_host_that_bears_sixty_all_run_that_day() -> None:
    made = World(1, NOON, max_running=500)
    for number in range(400):
        made.add(task(f"d{number}", "daily"), Behaviour(takes=5 * SECOND))
    made.bears = lambda world: len(world.processes) < 60
    made.boot()
    made.run_until(NOON + 2 * MINUTE)
    assert len({run.task for run in made.begun}) == 400
    assert all(end.action is Action.SUCCESS for run in made.begun for end in made.ends(run.task))
    assert len(withdrawn(made)) < 2 * 400, "what is tried in vain is bounded"


def test_a_neighbour_that_uses_up_all_processes_costs_few_tries_and_nobodys_tick() -> None:
    tasks = [task(f"m{number}", "minutely") for number in range(20)]
    made = world(*tasks)
    made.run_until(NOON + 10 * SECOND)
    before = len(made.log)
    made.bears = lambda _: False
    made.run_until(NOON + HOUR)
    assert len(made.log) - before < 20 * 60 + 600, "one missed a minute, and two tries a minute in all"
    made.bears = lambda _: True
    made.run_until(NOON + HOUR + 40 * SECOND)
    assert {run.task for run in made.begun if run.start >= NOON + HOUR} == {one.name for one in tasks}


def test_what_lacks_something_alone_holds_up_nobody() -> None:
    made = world(task("poor", "daily", priority=9), task("good", "every('1 s')"))
    made.refuses = lambda run: run.task == "poor"
    made.run_until(NOON + MINUTE)
    assert len(made.starts("good")) > 25
    assert 5 <= len(withdrawn(made)) <= 9, "after 1, 2, 4, 8, 16 and 30 seconds"


def test_what_alone_wants_too_much_of_the_host_holds_up_nobody_for_long() -> None:
    made = world(task("greedy", "daily", priority=9), task("good", "every('1 s')"))
    made.bears = lambda world: world.trying != "greedy"
    made.run_until(NOON + MINUTE)
    assert len(made.starts("good")) > 25
    assert len(withdrawn(made)) <= 12


@pytest.mark.parametrize("by", [-10 * DAY, -HOUR, HOUR])
def test_a_clock_that_is_set_neither_lengthens_nor_ends_the_pause_of_what_lacks_something_alone(by: Duration) -> None:
    made = world(task("poor", "true"))
    made.refuses = lambda _: True
    made.run_until(NOON + 8 * SECOND)  # tried after 0, 1, 3 and 7 seconds, and next after 15
    made.refuses = lambda _: False
    made.set_clock(by)
    made.run_until(made.now + MINUTE)
    assert made.starts("poor")[0] == NOON + by + 15 * SECOND


def test_when_a_run_has_ended_the_next_starts_at_once() -> None:
    made = world(task("long", "every('1 d')", priority=1), task("next", "daily"))
    made.behaviours["long"] = Behaviour(takes=100 * SECOND)
    made.bears = lambda world: not world.processes
    made.run_until(NOON + 5 * MINUTE)
    assert made.starts("next") == [NOON + 100 * SECOND]


def test_what_an_operator_asked_for_is_started_as_soon_as_it_can_be() -> None:
    made = world(task("a", "false"))
    made.bears = lambda _: False
    made.carry_out(made.scheduler.run("a", made.now, "by hand, uid 7"))
    made.run_until(NOON + MINUTE)
    made.bears = lambda _: True
    made.run_until(NOON + 2 * MINUTE)
    [run] = made.begun
    assert (run.trigger, run.reason) == (Trigger.HAND, "by hand, uid 7")


def test_two_that_operators_asked_for_are_both_started() -> None:
    made = world(task("a", "false", overlap=Overlap.ALLOW))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.bears = lambda _: False
    for who in ("uid 7", "uid 8"):
        made.carry_out(made.scheduler.run("a", made.now, who))
    made.run_until(NOON + MINUTE)
    made.bears = lambda _: True
    made.run_until(NOON + 2 * MINUTE)
    assert {run.reason for run in made.begun} == {"uid 7", "uid 8"}


def test_an_operator_may_give_up_what_he_asked_for() -> None:
    made = world(task("a", "false"))
    made.bears = lambda _: False
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    made.run_until(NOON + MINUTE)
    assert made.scheduler.stop("a") == []
    made.bears = lambda _: True
    made.run_until(NOON + HOUR)
    assert not made.begun


# -- the store does not answer


def test_a_timeout_counts_from_the_process_and_not_while_the_record_waits() -> None:
    made = world(task("a", "daily", timeout=10 * SECOND), task("alarm", "after_fail('a')"))
    made.away = True
    made.run_until(NOON + HOUR)
    assert not made.begun
    made.come_back()
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.run_until(NOON + HOUR + MINUTE)
    assert [run.task for run in made.begun] == ["a"], "it is within its time"
    made = world(task("b", "daily", timeout=10 * SECOND))
    made.behaviours["b"] = Behaviour(takes=HOUR)
    made.run_until(NOON + MINUTE)
    [end] = made.ends("b")
    assert (end.cause, end.at) == (Cause.TIMEOUT, NOON + 10 * SECOND)


def test_while_nothing_can_be_recorded_nothing_is_started_and_it_says_so() -> None:
    made = world(task("a", "daily"), task("b", "hourly"))
    made.run_until(NOON + MINUTE)
    made.fail_to_write()
    made.run_until(NOON + 90 * MINUTE)
    entry = made.scheduler.find("b")
    assert not made.scheduler.history.of("b").running
    assert entry.blocked_reason == "the run log cannot be written"
    made.come_back()
    made.run_until(NOON + 91 * MINUTE)
    assert [run.number for run in made.begun if run.task == "b"] == [1, 2]


def test_what_waited_for_its_record_is_withdrawn_once_it_is_known_that_there_will_be_none() -> None:
    made = world(task("a", "daily"))
    made.away = True
    made.run_until(NOON + SECOND)
    assert made.scheduler.running_runs
    made.fail_to_write()
    assert not made.scheduler.running_runs
    made.come_back()
    made.run_until(NOON + MINUTE)
    assert [run.number for run in made.begun] == [2]
    assert withdrawn(made) == [("a", 1)]


@pytest.mark.parametrize("cause", [Cause.SHUTDOWN, Cause.REPLACE])
def test_what_is_not_wanted_before_it_began_is_withdrawn_and_runs_later(cause: Cause) -> None:
    made = world(task("a", "daily"))
    made.away = True
    made.run_until(NOON + SECOND)
    made.carry_out(made.scheduler.stop_all(cause))
    assert not made.scheduler.running_runs
    made.come_back()
    made.kill()
    made.boot()
    made.run_until(NOON + MINUTE)
    assert [(run.number, run.attempt) for run in made.begun] == [(2, 1)]


def test_what_an_operator_stops_before_it_began_is_over() -> None:
    made = world(task("a", "daily"))
    made.away = True
    made.run_until(NOON + SECOND)
    made.carry_out(made.scheduler.stop("a"))
    made.come_back()
    made.run_until(NOON + HOUR)
    assert not made.begun
    assert [(end.action, end.cause) for end in made.ends("a")] == [(Action.TERMINATE, Cause.OPERATOR)]


@pytest.mark.parametrize(
    "stop_when", ["running", "started", 'started("a").today', "(started.today >= 1)", 'started.past("1 h")']
)
def test_a_stop_when_about_a_run_waits_until_it_has_begun(stop_when: str) -> None:
    """Its own start is no reason to withdraw it: nothing would keep it from starting again at once, without end."""
    made = world(task("a", "daily", stop_when=parse(stop_when)))
    made.away = True
    made.run_until(NOON + MINUTE)
    made.come_back()
    made.run_until(NOON + HOUR)
    assert [(end.action, end.cause) for end in made.ends("a")] == [(Action.TERMINATE, Cause.STOP_WHEN)]


def test_a_stop_when_that_holds_for_none_in_particular_withdraws_it() -> None:
    made = world(task("a", "daily", stop_when=parse("time_of_day.between('12:01', '12:30')")))
    made.away = True
    made.run_until(NOON + 5 * MINUTE)
    assert not made.scheduler.running_runs
    made.come_back()
    made.run_until(NOON + HOUR)
    [run] = made.begun
    assert run.start == NOON + 30 * MINUTE


def test_the_age_of_a_run_counts_from_its_process() -> None:
    made = world(task("a", "daily"), task("b", "running('a').more_than('10 min')"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.away = True
    made.run_until(NOON + 30 * MINUTE)
    made.come_back()
    made.run_until(NOON + 39 * MINUTE)
    assert not made.starts("b")
    made.run_until(NOON + 41 * MINUTE)
    assert made.starts("b")[0] == NOON + 40 * MINUTE


def test_a_kill_between_the_two_records_is_a_crash_and_before_them_nothing() -> None:
    made = world(task("a", "daily"))
    made.bears = lambda _: False
    made.run_until(NOON + SECOND)
    log = list(made.log)
    assert isinstance(log[-1], Withdrawn)
    made.log = log[:-1]  # died before it was written
    made.bears = lambda _: True
    made.kill()
    made.boot()
    made.run_until(NOON + MINUTE)
    assert made.begun[-1].attempt == 2
    made.log = log  # died after it
    made.begun.clear()
    made.processes.clear()
    made.kill()
    made.boot()
    made.run_until(NOON + 2 * MINUTE)
    assert made.begun[-1].attempt == 1
