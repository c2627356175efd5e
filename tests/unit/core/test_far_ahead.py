"""What lies ahead, because the clock was set back since: conditions.md, "Time"."""

import pytest

from rocketd.core.events import Event, Finished, Missed, Started
from rocketd.core.far_ahead import bring_back, not_far_ahead
from rocketd.core.history import History
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.core.need import Need
from rocketd.core.past import Past
from rocketd.core.run import Action, Cause, End, Run, Trigger

NOW: Instant = 1_790_000_000 * SECOND
LATEST = NOW + 3 * HOUR
"""The last instant that is left as it is."""


def run(number: int, at: Instant, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    return Run("a", number, f"id-{number}", 1, at, at, trigger, "")


def ended(one: Run, action: Action, cause: Cause = Cause.EXIT) -> list[Event]:
    return [Started(one), Finished(one, End(action, cause, one.start))]


def past_of(at: Instant) -> Past:
    """Make a past in which all there is happened at that instant."""
    history = History()
    history.keep([Need("a", Action.RUN, DAY)])
    for event in [
        *ended(run(1, at), Action.SUCCESS),
        *ended(run(2, at), Action.CRASH, Cause.DOWN),
        Started(run(3, at, Trigger.HAND)),
    ]:
        history.learn(event)
    history.of("a").armed_at = at
    return history.of("a")


def instants(past: Past) -> set[Instant]:
    """All that a past knows."""
    assert past.failed is not None
    assert past.scheduled is not None
    assert past.scheduled_end is not None
    return {
        *(past.armed_at, past.consumed, past.done, *past.crashes),
        *(at for one in (*past.going.values(), past.scheduled) for at in (one.start, one.due)),
        *(past.failed.at, past.scheduled_end.at, *past.scheduled_ends.values()),
        *(seen.at for seen in past.last.values()),
        *(at for kept in past.instants.values() for at in kept),
    }


def test_what_lies_three_hours_ahead_is_left_as_it_is() -> None:
    past = past_of(LATEST)
    assert not bring_back(past, NOW)
    assert instants(past) == {LATEST}


def test_what_lies_further_ahead_counts_as_now_whatever_it_is() -> None:
    past = past_of(LATEST + 1)
    assert bring_back(past, NOW)
    assert instants(past) == {NOW}


def test_what_lies_less_far_ahead_is_left_as_it_is_beside_what_lies_further() -> None:
    past = past_of(LATEST + 1)
    past.done = NOW + HOUR
    past.crashes = (NOW - HOUR, LATEST)
    assert bring_back(past, NOW)
    assert (past.done, past.crashes) == (NOW + HOUR, (NOW - HOUR, LATEST))


@pytest.mark.parametrize("event", [*ended(run(1, LATEST), Action.SUCCESS), Missed("a", "id", LATEST, 0, LATEST, 1, "")])
def test_a_record_of_three_hours_ahead_is_learned_as_it_is(event: Event) -> None:
    assert not_far_ahead(event, NOW) is event


@pytest.mark.parametrize(
    ("event", "learned"),
    [
        (Started(run(1, LATEST + 1)), Started(run(1, NOW))),
        (Finished(run(1, NOW), End(Action.FAIL, Cause.EXIT, LATEST + 1)), ended(run(1, NOW), Action.FAIL)[1]),
        (ended(run(1, LATEST + 1), Action.FAIL)[1], ended(run(1, NOW), Action.FAIL)[1]),
        (Missed("a", "id", LATEST + 1, 0, LATEST, 1, ""), Missed("a", "id", NOW, 0, NOW, 1, "")),
        (Missed("a", "id", LATEST + 1, 0, NOW - MINUTE, 1, ""), Missed("a", "id", NOW, 0, NOW - MINUTE, 1, "")),
    ],
)
def test_a_record_of_further_ahead_is_learned_as_of_now(event: Event, learned: Event) -> None:
    assert not_far_ahead(event, NOW) == learned
