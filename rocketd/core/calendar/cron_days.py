"""Days of a cron line that depend on the month, as Quartz has them: `15W`, `LW`, `L-3`, and `?` for either day field.

LW     the last day from Monday to Friday
nW     the day from Monday to Friday that is nearest to the n-th, in the same month; none where there is no n-th
L-n    n days before the last one
"""

from __future__ import annotations

import re
from typing import Final

from rocketd.core.errors import ConditionError

WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MOVED: Final = re.compile(r"(?P<last>LW|WL)|(?P<nearest>\d{1,2})W|L-(?P<before>\d{1,4})", re.IGNORECASE)
_BEFORE_LAST: Final = re.compile(r"L-(?P<before>\d{1,2})W|LW-(?P<after>\d{1,2})", re.IGNORECASE)
"""`L-3W`, the working day nearest to the third before the last one, and `LW-3`, the third before the last of them."""
_MOST: Final = 31
_SATURDAY, _SUNDAY = 6, 0
_WEEK: Final = 7


def read_moved(item: str, start: int) -> tuple[str, int] | None:
    """Read one item of the day field; None: it is no such day. Raises ConditionError with its offsets."""
    found = _MOVED.fullmatch(item)
    if not found:
        if "W" in item.upper() and not item.upper().strip("0123456789LW-"):
            raise _no_workday(item, start)
        return None
    if found["last"]:
        return "LW", 0
    number = int(found["nearest"] or found["before"])
    kind = "W" if found["nearest"] else "L-"
    least, most = (1, _MOST) if kind == "W" else (0, _MOST - 1)
    if not least <= number <= most:
        message = f"{item} is not a day of the month"
        hint = f"write {'1W to 31W' if kind == 'W' else 'L-1 to L-30'}"
        raise ConditionError(message, hint=hint, start=start, end=start + len(item))
    return kind, number


def _no_workday(item: str, start: int) -> ConditionError:
    """Return the error for a day with a W that cannot be read; say which word means it."""
    hint = "W stands for one day, as in 15W or LW, also in a list; a range is workday_of_month.between(-3, -1)"
    if found := _BEFORE_LAST.fullmatch(item):
        number = -1 - int(found["before"] or found["after"])
        word = f'workday_at({number}, roll="nearest")' if found["before"] else f"workday_of_month.on({number})"
        hint = f"join the line for each day with the word for it: & {word}"
    return ConditionError(f"{item} is not a day of the month", hint=hint, start=start, end=start + len(item))


def moved_day(moved: tuple[str, int], length: int, before_first: int) -> int:
    """Return which day that is in a month so long, the day before whose first is that weekday (0: Sunday); 0: none."""
    kind, number = moved
    if kind == "L-":
        return max(length - number, 0)
    day = length if kind == "LW" else number
    if day > length:
        return 0
    weekday = (before_first + day) % _WEEK
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def refuse_quartz_numbers(day: str, weekday: str, start: int, *, line: str) -> None:
    """Refuse a number as weekday in a line with `?`: there Sunday is 1, and here it is 0. Raises ConditionError."""
    if "?" in (day, weekday) and (found := re.search(r"(?<![#/\w])\d", weekday)):
        message = "with ? this is a line of Quartz, where 1 is Sunday: days of the week in numbers would be shifted"
        at = start + found.start()
        raise ConditionError(message, hint="write their names, as in MON-FRI", start=at, end=at + 1, about=line)


def normal_field(text: str) -> str:
    """Return the one spelling of a field, by which fields are compared."""
    text = "*" if text == "?" else re.sub("L-0+$", "L", text, flags=re.IGNORECASE)
    return re.sub(r"[a-z]+", _normal_name, text, flags=re.IGNORECASE)


def _normal_name(found: re.Match[str]) -> str:
    name = found[0].lower()
    if name in ("w", "lw", "wl"):
        return "W" if name == "w" else "LW"
    return f"{name[:-1]}L" if name[:-1] in (*WEEKDAYS, "") and name[-1] == "l" else name
