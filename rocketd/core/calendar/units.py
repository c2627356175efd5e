"""Every unit there is."""

from typing import Final

from rocketd.core.calendar.clock_units import Day, Hour, Minute, Second
from rocketd.core.calendar.date_units import Month, Quarter, Week, Year
from rocketd.core.calendar.unit import Unit

SECOND_UNIT: Final = Second()
MINUTE_UNIT: Final = Minute()
HOUR_UNIT: Final = Hour()
DAY_UNIT: Final = Day()
WEEK_UNIT: Final = Week()
MONTH: Final = Month()
QUARTER: Final = Quarter()
YEAR: Final = Year()

UNITS: Final[tuple[Unit, ...]] = (SECOND_UNIT, MINUTE_UNIT, HOUR_UNIT, DAY_UNIT, WEEK_UNIT, MONTH, QUARTER, YEAR)
"""From the shortest to the longest."""
