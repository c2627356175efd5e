"""What is told of a missed stretch that grows: its begin, few of its steps, and all of it once it is over."""

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration
from rocketd.core.messages.missed_filter import MissedFilter
from rocketd.core.model.events import Event, Finished, Missed, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger

BEGIN = 1_795_521_600 * SECOND
RUN = Run("hung", 1, "0193-run", 1, BEGIN, BEGIN, Trigger.SCHEDULE, "every('1s')")
FINISHED = Finished(RUN, End(Action.SUCCESS, Cause.EXIT, BEGIN))


def missed(at: Duration, count: int, run_id: str = "0193-m", task: str = "hung") -> Missed:
    return Missed(task, run_id, BEGIN + at, BEGIN, BEGIN + at, count, "still running")


def told(misses: MissedFilter, *events: Event) -> list[Event]:
    return [one for event in events for one in misses.pass_on(event)]


def grown(misses: MissedFilter, step: Duration, until: Duration) -> list[Missed]:
    """What is told of a stretch that grows at each step."""
    events = [missed(at, number) for number, at in enumerate(range(0, until, step), 1)]
    return [one for one in told(misses, *events) if isinstance(one, Missed)]


@pytest.mark.parametrize(
    ("step", "until", "at"),
    [
        (SECOND, HOUR, [0, 1, 3, 7, 15, 31]),
        (MINUTE, HOUR, [0, 1, 3, 7, 15, 31]),
        (HOUR, DAY, [0, 60, 120, 180, 240, 300, 360, 480, 660, 960]),
    ],
)
def test_a_stretch_is_told_at_growing_distances(step: Duration, until: Duration, at: list[int]) -> None:
    found = grown(MissedFilter(), step, until)
    assert [(one.at - BEGIN) // MINUTE for one in found] == at
    assert [one.count for one in found] == [(one.at - BEGIN) // step + 1 for one in found]


def test_what_is_missed_once_a_day_is_told_each_day() -> None:
    assert len(grown(MissedFilter(), DAY, 40 * DAY)) == 40


def test_a_year_of_seconds_is_told_some_four_hundred_times() -> None:
    misses = MissedFilter()
    last = told(misses, missed(0, 1))
    for minute in range(1, 525_600):  # a step in each minute is enough to see the days
        last += told(misses, missed(minute * MINUTE, 60 * minute))
    assert 365 < len(last) < 380


@pytest.mark.parametrize("over", [FINISHED, Started(RUN)])
def test_its_end_is_told_complete_before_what_ends_it(over: Event) -> None:
    misses = MissedFilter()
    grown(misses, SECOND, 10 * SECOND)
    assert told(misses, over) == [missed(9 * SECOND, 10), over]
    assert told(misses, over) == [over]
    assert misses.end() == []


def test_nothing_is_told_twice() -> None:
    misses = MissedFilter()
    told(misses, missed(0, 1))
    assert told(misses, FINISHED) == [FINISHED]


def test_another_reason_begins_another_stretch() -> None:
    misses, other = MissedFilter(), missed(3 * SECOND, 1, "0193-n")
    assert told(misses, missed(0, 1), missed(SECOND, 2), other) == [missed(0, 1), missed(SECOND, 2), other]


def test_tasks_are_told_apart() -> None:
    misses, other = MissedFilter(), missed(SECOND, 1, "0193-o", "other")
    grown = missed(2 * SECOND, 2, "0193-o", "other")
    assert told(misses, missed(0, 1), other, missed(SECOND, 2), grown) == [missed(0, 1), other]
    assert misses.end() == [missed(SECOND, 2), grown]


def test_what_grows_no_more_is_told_by_the_heartbeat() -> None:
    misses = MissedFilter()
    told(misses, missed(0, 1), missed(SECOND, 2))
    assert misses.due(BEGIN + 59 * SECOND) == []
    assert misses.due(BEGIN + MINUTE) == [missed(SECOND, 2)]
    assert misses.due(BEGIN + DAY) == []


def test_a_clock_that_was_set_back_keeps_nothing_back() -> None:
    misses = MissedFilter()
    assert len(told(misses, missed(0, 1), missed(-DAY, 2), missed(1 - DAY, 3))) == 2
