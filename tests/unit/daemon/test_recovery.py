"""What two looks at the clocks say about the time between them."""

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND
from rocketd.core.model.clock_reading import ClockReading, trusted_reading
from rocketd.daemon.recovery import LONG_DOWNTIME, Outage, outage

NOW = 1_790_000_000 * SECOND
BEFORE = ClockReading(NOW, "boot", 5 * HOUR)


def later(wall: int, up: int, boot_id: str = "boot") -> ClockReading:
    return ClockReading(NOW + wall, boot_id, 5 * HOUR + up if boot_id == "boot" else up)


def test_within_a_boot_the_time_that_passed_is_known_whatever_the_wall_clock_shows() -> None:
    for wall in (-10 * DAY, 0, MINUTE, 365 * DAY):
        assert outage(BEFORE, NOW, later(wall, MINUTE)) == Outage(
            NOW + wall - MINUTE, NOW, known=True, stepped=wall - MINUTE
        )
    for slewed in (-SECOND, SECOND):
        assert outage(BEFORE, NOW, later(MINUTE + slewed, MINUTE)) == Outage(NOW, NOW, known=True, stepped=0)


def test_a_record_shortly_after_the_sign_of_life_is_one_as_well() -> None:
    assert outage(BEFORE, NOW + 20 * SECOND, later(MINUTE, MINUTE)) == Outage(
        NOW + 20 * SECOND, NOW + 20 * SECOND, known=True, stepped=0
    )
    assert outage(BEFORE, NOW + 3650 * DAY, later(MINUTE, MINUTE)) == Outage(NOW, NOW, known=True, stepped=0)


def test_across_boots_a_long_time_may_be_a_wrong_clock() -> None:
    assert outage(BEFORE, None, later(LONG_DOWNTIME, MINUTE, "next")) == Outage(NOW, NOW, known=True, stepped=0)
    assert outage(BEFORE, None, later(LONG_DOWNTIME + 1, MINUTE, "next")) == Outage(NOW, NOW, known=False, stepped=0)
    assert outage(BEFORE, None, later(-DAY, MINUTE, "next")) == Outage(NOW - DAY, NOW, known=False, stepped=0)


def test_without_a_reading_that_fits_the_newest_record_tells() -> None:
    assert outage(None, None, later(0, 0)) is None
    assert outage(None, NOW, later(DAY, 0)) == Outage(NOW, NOW, known=True, stepped=0)
    assert outage(BEFORE, NOW - DAY, later(0, 0)) == Outage(NOW - DAY, NOW - DAY, known=True, stepped=0)


def test_time_is_trusted_to_come_no_faster_than_the_host_is_up() -> None:
    assert trusted_reading(BEFORE, later(HOUR, HOUR)).wall == NOW + HOUR
    assert trusted_reading(BEFORE, later(365 * DAY, HOUR)) == later(365 * DAY, HOUR)._replace(wall=NOW + HOUR)
    assert trusted_reading(BEFORE, later(365 * DAY, MINUTE, "next")).wall == NOW + MINUTE
    assert trusted_reading(BEFORE, later(-DAY, HOUR)).wall == NOW - DAY
