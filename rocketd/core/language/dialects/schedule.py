"""A schedule read from English, and the condition that does the same."""

from __future__ import annotations

import re
from typing import Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.language.dialects.day_fields import DAYS, MONTHS

ADVERBS: Final = {
    "minute": "minutely",
    "hour": "hourly",
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "year": "yearly",
}
_NOTHING: Final = ("", "")


@dataclass(slots=True)
class ParsedSchedule:
    """The parts of a schedule that have been read so far."""

    count: int = 0
    """The interval, in units; 0: not given."""
    unit: str = ""
    weekdays: str = ""
    """As a cron field."""
    nth: str = ""
    """As a cron field of weekdays: `1#1`."""
    monthday: str = ""
    """As a cron field."""
    working_day: int = 0
    """Of the month, from 1, or -1 for the last."""
    months: str = "*"
    minute: int | None = None
    """Of the hour."""
    times: list[tuple[int, int]] = field(default_factory=list)
    between: tuple[str, str] | None = None
    zone: str = ""

    def conditions(self) -> tuple[str, str]:
        """Return the condition, and another one that may be meant; empty: there is none."""
        if self.between is not None and self.times:
            return _NOTHING
        if (
            self.nth
            or self.monthday
            or self.working_day
            or self.months != "*"
            or (self.unit in ("month", "year") and self.times)
        ):
            return self._dated(), ""
        if self.minute is not None:
            return self._hourly()
        if self.count > 1 and (self.times or (self.unit == "week" and self.weekdays)):
            return self._apart()
        return self._timed() if self.times else (self._untimed(), "")

    @property
    def _narrowed(self) -> bool:
        return bool(self.weekdays or self.between)

    def _joined(self, base: str) -> str:
        """Add the days and the hours to a word."""
        parts = [base]
        if self.weekdays:
            first, dash, last = self.weekdays.title().partition("-")
            days = f"between {first} and {last}" if dash else f"on {first.replace(',', ', ')}"
            parts.append(f"time of week {days}")
        if self.between:
            parts.append(f"time of day between {self.between[0]} and {self.between[1]}")
        return " & ".join(parts)

    def _untimed(self) -> str:
        """Return the condition for a schedule without a time of day."""
        if self.unit == "quarter":
            return "" if self._narrowed or self.count > 1 else "quarterly"
        if self.count > 1 or self.unit == "second":
            return self._joined(f"every {self.count} {self.unit}s")
        if self.unit:
            return self._joined(ADVERBS[self.unit])
        if not self.weekdays or self.between:
            return ""
        return f"weekly on {self.weekdays.title()}" if self.weekdays in DAYS else self._joined("daily")

    def _hourly(self) -> tuple[str, str]:
        """Return the conditions for a minute of the hour."""
        if self.unit not in ("", "hour") or self.count > 1 or self.times:
            return _NOTHING
        ticks = "" if self._narrowed else f"cron('{self.minute} * * * *')"
        return self._joined(f"hourly at {self.minute}:00"), ticks

    def _timed(self) -> tuple[str, str]:
        """Return the conditions for times of day, every day or on some weekdays."""
        if self.unit not in ("", "day", "week") or (self.unit == "week" and not self.weekdays):
            return _NOTHING
        minutes = {minute for _, minute in self.times}
        hours = ",".join(str(hour) for hour, _ in sorted(self.times))
        weekdays = re.sub("[a-z]{3}", _day_number, self.weekdays) or "*"
        ticks = f"cron('{minutes.pop()} {hours} * * {weekdays}')" if len(minutes) == 1 else ""
        if self.weekdays:
            return ticks, ""
        return f"daily at {', '.join(f'{hour}:{minute:02}' for hour, minute in sorted(self.times))}", ticks

    def _apart(self) -> tuple[str, str]:
        """Return the conditions for every so many days or weeks, counted from the last run, or from a date."""
        if len(self.times) > 1 or self.between or self.unit not in ("day", "week"):
            return _NOTHING
        if (self.unit == "week") is not (self.weekdays in DAYS) or (self.unit == "day" and self.weekdays):
            return _NOTHING
        hour, minute = self.times[0] if self.times else (0, 0)
        line = f"cron('{minute} {hour} * * {self.weekdays or '*'}')"
        length = f"'{self.count} {self.unit}s'"
        return f"{line} & every({length})", f"{line} & cycle({length}, since='2026-12-03')"

    def _dated(self) -> str:
        """Return the condition for days of a month."""
        if self.unit not in ("", "month", "year") or self.count > 1 or len(self.times) > 1 or self._narrowed:
            return ""
        hour, minute = self.times[0] if self.times else (0, 0)
        months = str(MONTHS.index(self.months) + 1) if self.months != "*" else "1" if self.unit == "year" else "*"
        day = self.monthday or ("*" if self.nth else "1")
        if self.working_day:
            return f"cron('{minute} {hour} * {months} *') & workday_of_month.on({self.working_day})"
        return f"cron('{minute} {hour} {day} {months} {self.nth or '*'}')"


def _day_number(found: re.Match[str]) -> str:
    return str(DAYS.index(found[0])) if found[0] in DAYS else found[0]
