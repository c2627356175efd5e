"""When a task is expected next where the clock decides only a part of it."""

from typing import NamedTuple

import pytest

from rocketd.core.conditions.probe import observed
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Finished, Observed, Start
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.scheduler import Scheduler
from support.fakes.probes import BELL, DOOR

NOON: Instant = 20_000 * DAY + 12 * HOUR
EVENING = NOON + 6 * HOUR
LOAD = parse("load_below(2.0)")


class Told(NamedTuple):
    """What is told about a task's next start."""

    next: Instant | None = None
    next_if: str = ""
    now_if: str = ""


def scheduler(when: Condition) -> Scheduler:
    """Make one with one task, and have its first pass at noon."""
    made = Scheduler(host="here", new_run_id=str)
    made.load([Task("t", Command(("/bin/true",)), when)], NOON, {})
    made.decide(NOON)
    return made


def told(made: Scheduler) -> Told:
    entry = made.find("t")
    return Told(entry.next_start, entry.next_if, entry.now_if)


def show(made: Scheduler, seen: Observed) -> list[Start]:
    made.observe(seen)
    return [decision for decision in made.decide(seen.at) if isinstance(decision, Start)]


def end(made: Scheduler, start: Start, at: Instant) -> None:
    made.learn(Finished(start.run, End(Action.SUCCESS, Cause.EXIT, at)))
    made.decide(at)


def test_where_the_clock_closes_it_the_next_opening_is_told_and_what_must_be_observed_then() -> None:
    made = scheduler(parse('daily.between("18:00", "20:00")') & LOAD)
    assert told(made) == Told(EVENING, "load_below(2.0)")


def test_where_the_clock_has_opened_it_only_what_is_awaited_is_told() -> None:
    """Neither the end of the observation's time nor the window of tomorrow is made up as its next start."""
    made = scheduler(parse('daily.between("10:00", "14:00")') & LOAD)
    assert told(made) == Told(now_if="load_below(2.0)")
    show(made, observed(LOAD, value=False, at=NOON + SECOND))  # type: ignore[arg-type]
    assert told(made) == Told(now_if="load_below(2.0)")


def test_an_interval_is_told_with_what_must_be_observed_at_its_end_and_without_the_instant_when_it_is_over() -> None:
    made = scheduler(parse('every("1h")') & DOOR)
    (start,) = show(made, observed(DOOR, value=True, at=NOON + SECOND))
    end(made, start, NOON + MINUTE)
    due = NOON + HOUR + SECOND
    assert told(made) == Told(due, "shown('door')")
    made.decide(due)
    assert told(made) == Told(now_if="shown('door')")
    show(made, observed(DOOR, value=False, at=due + SECOND))
    assert told(made) == Told(now_if="shown('door')")


def test_an_instant_that_is_sure_is_told_beside_what_makes_it_due_sooner() -> None:
    made = scheduler(parse('cron("0 18 * * *")') | DOOR)
    assert told(made) == Told(EVENING, now_if="shown('door')")


def test_while_it_is_open_nothing_is_told_of_what_comes_after_it_has_closed() -> None:
    made = scheduler((parse('daily.between("10:00", "14:00")') & DOOR) | parse('cron("0 18 * * *")'))
    assert told(made) == Told(now_if="shown('door')")
    made.decide(NOON + 2 * HOUR)
    assert told(made) == Told(EVENING)


def test_an_instant_that_is_sure_and_comes_first_needs_nothing_observed() -> None:
    made = scheduler(parse('cron("0 18 * * *")') | (parse('cron("0 20 * * *")') & DOOR))
    assert told(made) == Told(EVENING)


def test_what_starts_now_awaits_nothing() -> None:
    made = scheduler(DOOR | BELL)
    made.observe(observed(DOOR, value=True, at=NOON + SECOND))
    made.max_running = 0
    made.decide(NOON + SECOND)
    assert told(made) == Told(NOON + SECOND)


def test_what_can_be_due_again_while_it_runs_awaits_what_is_observed_after_its_end() -> None:
    made = scheduler(DOOR)
    (start,) = show(made, observed(DOOR, value=True, at=NOON + SECOND))
    assert told(made) == Told(now_if="shown('door')")
    end(made, start, NOON + 2 * SECOND)
    assert told(made).next == NOON + 3 * SECOND


@pytest.mark.parametrize(
    ("when", "left"),
    [
        (DOOR & parse("daily"), "shown('door')"),
        (~DOOR, "~shown('door')"),
        (DOOR & BELL, "shown('door') & shown('bell')"),
        (DOOR & parse("daily") & (BELL | parse("false")), "shown('door') & shown('bell')"),
        ((DOOR | BELL) & parse("daily"), "shown('door') | shown('bell')"),
        (~(DOOR & parse("daily")), "~shown('door')"),
        ((DOOR & parse('time_of_day.before("10:00")')) | BELL, "shown('bell')"),
        (DOOR & parse("after_success('t')"), ""),
    ],
    ids=str,
)
def test_of_the_condition_only_what_the_clock_and_the_past_leave_open_is_told(when: Condition, left: str) -> None:
    assert told(scheduler(when)).now_if == left


@pytest.mark.parametrize("other", ["after_success('gone')", "running('gone')"])
def test_what_is_unknown_for_another_reason_is_not_promised(other: str) -> None:
    """Nothing is known of a task that is not there: what is observed alone makes nothing due."""
    assert told(scheduler(parse(other))) == told(scheduler(parse(other) & DOOR)) == Told()


@pytest.mark.parametrize(
    ("when", "next_start"),
    [
        (parse('every("1h")'), Told(EVENING)),
        (parse('every("1h")') & DOOR, Told(EVENING, "shown('door')")),
        (parse("daily"), Told(NOON + 12 * HOUR)),
        (parse('daily.between("17:00", "20:00")'), Told(EVENING)),
        (parse('daily.between("10:00", "14:00")'), Told(NOON + 22 * HOUR)),
        (parse('cron("0 * * * *")'), Told(EVENING + HOUR)),
        (parse('cron("0 3 * * *")'), Told(NOON + 15 * HOUR)),
        (parse('cron("0 3 * * *")') & DOOR, Told(NOON + 15 * HOUR, "shown('door')")),
        (parse('after_success("gone")'), Told()),
    ],
    ids=str,
)
def test_a_paused_task_is_next_due_after_its_pause(when: Condition, next_start: Told) -> None:
    made = scheduler(when)
    made.pause("t", until=EVENING, by="", reason="")
    made.decide(NOON + SECOND)
    assert told(made) == next_start
    assert made.history.of("t").armed_at == NOON, "it was only asked what if"


def test_a_task_that_is_paused_until_it_is_resumed_has_no_next_start() -> None:
    made = scheduler(parse("daily"))
    made.pause("t", until=None, by="", reason="")
    made.decide(NOON + SECOND)
    assert told(made) == Told()
    made.resume("t", NOON + HOUR)
    made.decide(NOON + HOUR)
    assert told(made).next is not None
