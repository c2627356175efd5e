"""Instants and durations: whole microseconds, so that comparing them is exact and cheap.

Python compares two aware datetimes of the *same* zone by their wall clock, which is wrong across a change of
daylight saving time. So every instant in the core is an integer, and zones appear only inside `Period.window` and
the tick words.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeAlias

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time)."""

Duration: TypeAlias = int
"""Microseconds of real time."""

MICROSECOND: Final[Duration] = 1
MILLISECOND: Final[Duration] = 1_000
SECOND: Final[Duration] = 1_000_000
MINUTE: Final[Duration] = 60 * SECOND
HOUR: Final[Duration] = 60 * MINUTE
DAY: Final[Duration] = 24 * HOUR
WEEK: Final[Duration] = 7 * DAY

BEGINNING: Final[Instant] = -(2**62)
"""Before every instant: the `since` of what has always held."""

FOREVER: Final[Instant] = 2**62
"""After every instant: the `until` of what only an event can change."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def instant_of(moment: datetime) -> Instant:
    """Turn an aware datetime into an instant; exact to the microsecond."""
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


def datetime_of(instant: Instant, zone: tzinfo = UTC) -> datetime:
    """Turn an instant into an aware datetime of that zone; raises OverflowError outside the years 1 to 9999."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)
