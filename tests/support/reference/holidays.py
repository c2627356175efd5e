"""The holidays and listed dates that the naive scheduler (scheduler.py) knows, around the times of its worlds."""

from datetime import date
from typing import Final, NamedTuple

HOLIDAYS: Final = frozenset(
    {"2025-03-10", "2025-03-31", "2025-10-24", "2025-10-27", "2025-11-03", "2025-03-28", "2026-04-03", "2026-04-06"}
    | {"2026-03-23", "2026-03-27", "2026-03-30", "2026-10-30", "2026-11-02", "2026-12-25", "2026-12-26", "2027-01-01"}
    | {"2026-12-24", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-06", "2026-03-06", "2026-10-23"}
)
WORKED: Final = frozenset({"2025-10-25", "2026-03-28", "2026-10-24", "2026-12-26", "2027-01-02", "2025-03-29"})
"""Days that are working days although they lie on a weekend or are listed."""
LISTED: Final = frozenset(
    {"2025-10-26", "2025-10-27", "2025-03-30", "2025-11-02", "2025-03-09", "2026-03-29", "2026-03-30", "2026-04-12"}
    | {"2026-10-25", "2026-11-01", "2026-11-08", "2026-12-31", "2027-01-01", "2027-01-02", "2027-01-17", "2026-03-08"}
)
"""What one file lists."""


class Listing(NamedTuple):
    """What the files of the calendars list at a time."""

    holidays: frozenset[str] = HOLIDAYS
    worked: frozenset[str] = WORKED
    listed: frozenset[str] = LISTED
    last_year: int | None = None
    """The last year that they know of; None: they know all."""
    is_broken: bool = False
    """Whether nothing can be known of any day."""

    def knows(self, day: date) -> bool:
        return not self.is_broken and (self.last_year is None or day.year <= self.last_year)


LISTINGS: Final = (
    Listing(),
    Listing(last_year=2026),
    Listing(HOLIDAYS - {"2026-03-27", "2026-12-24", "2026-10-30"}, frozenset(), WORKED | {"2026-03-25", "2026-11-11"}),
    Listing(is_broken=True),
)
"""What somebody may write into them, one after the other."""
