"""The marks of a period as text: times of day, days of the month, names; and the errors about them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.core.errors import ConditionError
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration

if TYPE_CHECKING:
    from rocketd.core.calendar.unit import Unit, Written

FRACTION: Final = r"(?:\.(?P<fraction>[0-9]{1,6}))?"


def fraction(found: re.Match[str]) -> Duration:
    return int((found["fraction"] or "0").ljust(6, "0"))


def spell_fraction(clock: Duration) -> str:
    return f".{clock % SECOND:06d}".rstrip("0") if clock % SECOND else ""


def mistake(unit: Unit, written: Written, message: str, hint: str = "", *, word: str = "") -> ConditionError:
    """Return the error; `word` is the part at fault, if it is not all of it."""
    size = len(written) if isinstance(written, str) else 0
    start = written.rfind(word) if word and isinstance(written, str) else 0
    end = start + len(word) if word else size
    return ConditionError(message, hint=hint or f"allowed here: {unit.allowed}", start=start, end=end, about=written)


def quoted(written: Written) -> str:
    return f'"{written[:40]}"' if isinstance(written, str) else str(written)


def number(number: float, least: int, most: int, unit: Unit) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise mistake(unit, number, f"{str(number)[:40]} is not from {least} to {most}")
    return number


def named(name: str, short: tuple[str, ...], long: tuple[str, ...]) -> int | None:
    wanted = name.lower()
    for number, (one, other) in enumerate(zip(short, long, strict=True), 1):
        if wanted in (one.lower(), other):
            return number
    return None


_DAY: Final = re.compile(r"(?P<number>-?[0-9]{1,2})(?:st|nd|rd|th|\.)?", re.ASCII | re.IGNORECASE)


def day_of_month(unit: Unit, text: str, name: str) -> int:
    """Read a day of the month: `5`, `5th`, `-1`, `last`."""
    if name.lower() == "last":
        return -1
    found = _DAY.fullmatch(name)
    if not found:
        raise mistake(unit, text, f"{quoted(name)} is not a day of the {_dated(unit)}", word=name)
    return day_number(unit, text, int(found["number"]))


def day_number(unit: Unit, written: Written, number: float) -> int:
    most = 92 if unit.name == "quarter" else 31
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= abs(number) <= most:
        message = f"{str(number)[:40]} is not a day of the {_dated(unit)}"
        raise mistake(unit, written, message, f'days are 1 to {most}, or from the end "last", "-1" … "-{most}"')
    return number


def _dated(unit: Unit) -> str:
    return "quarter" if unit.name == "quarter" else "month"


def or_last_after(unit: Unit, text: str, day: int, rest: str) -> tuple[bool, str]:
    """Read the `or last` that may follow a day: whether it is there, and what follows it."""
    words = rest.split()
    if [word.lower() for word in words[:2]] != ["or", "last"]:
        return False, rest
    if day <= 1:
        hint = 'write "last", or a day from 2 on, "31 or last"'
        raise mistake(unit, text, f"no {_dated(unit)} lacks that day", hint)
    return True, " ".join(words[2:])


def clock_after(unit: Unit, text: str, rest: str, *, end: bool) -> Duration | None:
    """Read the time of day that may follow a day."""
    if not rest.strip():
        return None
    clock = time_of_day(rest)
    if clock is None or (clock == DAY and not end):
        hint = 'write a time of day after the day, "10:00"'
        raise mistake(unit, text, f"{quoted(rest.strip())} is not a time of day", hint, word=rest.strip())
    return clock


_TIME: Final = re.compile(
    rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]){FRACTION})?(?:\s*(?P<half>[ap]m))?",
    re.ASCII | re.IGNORECASE,
)
_HALF: Final = re.compile(r"(?P<hour>[0-9]{1,2})\s*(?P<half>[ap]m)", re.ASCII | re.IGNORECASE)
_NOON: Final = 12


def time_of_day(text: str) -> Duration | None:
    """Read `10:00`, `10:00:15.5`, `10 am`, `10:30 pm`, `24:00`."""
    if found := _HALF.fullmatch(text.strip()):
        return _half_day(int(found["hour"]), found["half"], 0)
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    rest = int(found["minute"]) * MINUTE + int(found["second"] or 0) * SECOND + fraction(found)
    if found["half"]:
        return _half_day(int(found["hour"]), found["half"], rest)
    clock = int(found["hour"]) * HOUR + rest
    return clock if clock <= DAY else None


def _half_day(hour: int, half: str, rest: Duration) -> Duration | None:
    if not 1 <= hour <= _NOON:
        return None
    return (hour % _NOON + (_NOON if half.lower() == "pm" else 0)) * HOUR + rest


def spell_time(clock: Duration) -> str:
    text = f"{clock // HOUR:02d}:{clock % HOUR // MINUTE:02d}"
    if clock % MINUTE:
        text += f":{clock % MINUTE // SECOND:02d}{spell_fraction(clock)}"
    return text
