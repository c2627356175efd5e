"""What is told of this host's place in the fleet: each change once."""

from rocketd.core.errors import StoreError
from rocketd.core.instant import MILLISECOND
from rocketd.core.messages.message import Priority
from rocketd.fleet.presence import Presence, PresenceState

PASSING = StoreError("connection refused", temporary=True)
LASTING = StoreError("no such database")


def presence() -> Presence:
    return Presence("default", "web1", 100.0)


def text(message: object) -> str:
    return getattr(message, "message", "")


def test_joining_is_told_once() -> None:
    one = presence()
    assert text(one.renewed(101.0, 101.1)) == "joined the fleet default as web1"
    assert one.renewed(102.0, 102.1) is None
    assert (one.state, one.trouble) == (PresenceState.MEMBER, "")


def test_an_error_that_may_pass_is_told_when_the_lease_is_over() -> None:
    one = presence()
    one.renewed(101.0, 101.1)
    assert one.failed(PASSING) is None
    assert one.state is PresenceState.MEMBER
    told = one.lease_over()
    assert told is not None
    assert (told.priority, "connection refused" in told.message) == (Priority.ERROR, True)
    assert "connection refused" in one.trouble
    assert one.lease_over() is None
    assert text(one.renewed(121.0, 121.0)) == "the fleet hears of this host again, after 20s"
    assert one.trouble == ""


def test_an_error_that_lasts_is_told_at_once_and_the_newest_is_shown() -> None:
    one = presence()
    assert "no such database" in text(one.failed(LASTING))
    assert one.failed(LASTING) is None
    one.failed(PASSING)
    assert "connection refused" in one.trouble


def test_a_silent_database_needs_no_error_to_be_told() -> None:
    one = presence()
    assert "its database does not answer" in text(one.lease_over())


def test_another_of_its_name_is_told_once_for_each() -> None:
    one = presence()
    assert "another rocketd calls itself web1 in the fleet: A" in text(one.refused("A"))
    assert one.refused("A") is None
    assert one.lease_over() is None
    assert "B" in text(one.refused("B"))
    assert one.state is PresenceState.REFUSED
    assert text(one.renewed(110.0, 110.0)) == "the fleet hears of this host again, after 10s"


def test_a_clock_that_differs_is_told_until_it_clearly_agrees() -> None:
    one = presence()
    assert one.clock_measured(499 * MILLISECOND) is None
    assert text(one.clock_measured(-600 * MILLISECOND)).startswith("the clock is ")
    assert one.clock_measured(400 * MILLISECOND) is None
    assert text(one.clock_measured(100 * MILLISECOND)) == "the clock agrees with that of the fleet's database again"
    assert one.clock_measured(0) is None
