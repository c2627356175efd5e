"""Durations as systemd spells time spans: `2h30m`, `1 h 30 min`, `1.5h`, `1 week`; a bare number is seconds.

Source: systemd.time(7), "Parsing Time Spans". Also read is what Rocketry reads: `1 hour, 20 mins`, `00:10:00`.
"""

import re
from typing import Final

from rocketd.core.errors import ConditionError
from rocketd.core.instant import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, WEEK, Duration

_YEAR: Final = 365 * DAY + 6 * HOUR
_MONTH: Final = _YEAR // 12

_SPELLINGS: Final = {
    MICROSECOND: "microseconds microsecond usec us µs μs",
    MILLISECOND: "milliseconds millisecond msec ms",
    SECOND: "seconds second secs sec s",
    MINUTE: "minutes minute mins min m",
    HOUR: "hours hour hrs hr h",
    DAY: "days day d",
    WEEK: "weeks week w",
    _MONTH: "months month M",
    _YEAR: "years year y",
}
_UNITS: Final = {name: length for length, names in _SPELLINGS.items() for name in names.split()}
_DIGITS: Final = 18

_SHORT: Final = {
    "w": WEEK,
    "d": DAY,
    "h": HOUR,
    "min": MINUTE,
    "s": SECOND,
    "ms": MILLISECOND,
    "us": MICROSECOND,
}

_LONG: Final = {"y": 365 * DAY, "d": DAY, "h": HOUR, "min": MINUTE, "s": SECOND}

_PART: Final = re.compile(r"[ \t\n\r]*(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]+))?[ \t\n\r]*(?P<unit>[a-zA-Zµμ]*)")
_CLOCK: Final = re.compile(r"[ \t\n\r]*([0-9]{1,6}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]+)?)(?![0-9:.])")
_COMMA: Final = re.compile(r"[ \t\n\r]*,(?=[ \t\n\r]*[0-9])")
_BLANK: Final = " \t\n\r"

LONGEST: Final[Duration] = 1000 * _YEAR
"""Anything longer is a typing mistake."""

_HINT: Final = 'write a number and a unit, as in "10s", "5 min", "2h30m", "1 day"'


def parse_duration(text: str) -> Duration:
    """Read a time span; raises ConditionError with the offsets of the mistake in this text."""
    if not isinstance(text, str):
        raise ConditionError(f"{text!r} is not a duration: a duration is text", hint=_HINT, about=text)
    end = len(text.rstrip(_BLANK))
    if not end:
        raise ConditionError("a duration is missing", hint=_HINT, end=len(text), about=text)
    total = at = 0
    while at < end:
        length, at = _clock(text, at) or _part(text, at)
        total += length
        if comma := _COMMA.match(text, at):
            at = comma.end()
    if total > LONGEST:
        raise ConditionError(f"{text.strip()[:40]} is longer than 1000 years", end=len(text), about=text)
    return total


def parse_length(text: str) -> Duration:
    """Read a length of time in a condition: as above, but months, quarters and years are none. They are not equal."""
    for found in re.finditer("[a-zA-Z]+", text) if isinstance(text, str) else ():
        if unit := _calendar_unit(found[0]):
            adverb = f"{unit}ly"
            hint = f'once a {unit} is {adverb}, every second {unit} {adverb} & cycle("2 {unit}s", since="2026-12-01")'
            raise ConditionError(
                f"a {unit} is not a length of time", hint=hint, start=found.start(), end=found.end(), about=text
            )
    return parse_duration(text)


def _calendar_unit(name: str) -> str:
    if name in ("quarter", "quarters"):
        return "quarter"
    return {_MONTH: "month", _YEAR: "year"}.get(_UNITS.get(name, 0), "")


def _clock(text: str, at: int) -> tuple[Duration, int] | None:
    """Read hours, minutes and seconds with colons from that offset on; None: there are none."""
    found = _CLOCK.match(text, at)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * HOUR + int(minutes) * MINUTE + round(float(seconds) * SECOND), found.end()


def _part(text: str, at: int) -> tuple[Duration, int]:
    """Read one number and its unit from that offset on; return their length and where they end."""
    found = _PART.match(text, at)
    if found is None or not (found["whole"] or found["fraction"]):
        negative = text[at:].lstrip(_BLANK).startswith("-")
        raise _mistake(text, at, "a length of time cannot be negative" if negative else "a number is missing")
    unit = found["unit"] or "s"
    if unit not in _UNITS:
        raise _mistake(text, found.start("unit"), f"{unit[:20]} is not a unit of time")
    if len(found["whole"]) > _DIGITS:
        raise _mistake(text, found.start("whole"), "the number is too long")
    if not found["unit"] and text[found.end() : found.end() + 1].strip(_BLANK) and found[0][-1] not in _BLANK:
        raise _mistake(text, found.end(), "a unit of time is missing")  # 12.34.56
    length = _UNITS[unit]
    total = int(found["whole"] or 0) * length
    if fraction := (found["fraction"] or "")[:_DIGITS]:
        total += int(fraction) * length // 10 ** len(fraction)
    return total, found.end()


def _mistake(text: str, start: int, message: str) -> ConditionError:
    start += len(text[start:]) - len(text[start:].lstrip(_BLANK))
    length = len(text[start:].split(maxsplit=1)[0]) if text[start:].strip() else 0
    return ConditionError(message, hint=_HINT, start=start, end=start + max(length, 1), about=text)


def approximate_duration(duration: Duration) -> str:
    """Return how long something takes as people read it: `40us`, `250ms`, `5.19s`, `2min 3s`, `89d 4h`.

    Below a second whole milliseconds, below ten seconds three digits, then the two largest units; the rest is cut off.
    """
    duration = abs(duration)
    if duration < SECOND:
        return f"{duration // MILLISECOND}ms" if duration >= MILLISECOND or not duration else f"{duration}us"
    if duration < 10 * SECOND:  # a second more or less matters there
        return f"{duration // (10 * MILLISECOND) / 100:.3g}s"
    parts: list[str] = []
    for unit, length in _LONG.items():
        count, duration = divmod(duration, length)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break  # `3h 5s` would say more than it knows
    return " ".join(parts[:2])


def parse_positive_length(text: str) -> Duration:
    """Read a time span that is longer than zero; raises ConditionError."""
    length = parse_length(text)
    if length <= 0:
        raise ConditionError("it must be longer than zero", hint=_HINT, end=len(text), about=text)
    return length


def format_duration(duration: Duration) -> str:
    """Spell a duration exactly, the way systemd does: `1h 30min`; reads back as the same."""
    words = []
    rest = abs(duration)
    for unit, length in _SHORT.items():
        count, rest = divmod(rest, length)
        if count:
            words.append(f"{count}{unit}")
    return ("-" if duration < 0 else "") + (" ".join(words) or "0s")
