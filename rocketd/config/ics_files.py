"""iCalendar files (RFC 5545) as lists of dates: the days of their all-day events.

An event without times counts for each of its days, with its recurrences up to the year 2100. Cancelled events do not
count, and neither do events with times; TRANSP is ignored. The library that reads them is an extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from rocketd.config.date_lines import FIRST_YEAR, LAST_YEAR, MAX_DATES, MAX_NAME
from rocketd.config.problems import Problem, Severity
from rocketd.core.model.work_calendar import DateList
from rocketd.core.plural import counted

_END: Final = datetime(2101, 1, 1)  # noqa: DTZ001 - dates have no zone
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DATED: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_LONGEST: Final = 3_660
"""Days that one event may last."""
_Event: TypeAlias = Any  # icalendar has types only in newer versions


class _BadEvent(Exception):
    pass


class _AllDay(NamedTuple):
    uid: str
    first: date
    days: int
    name: str
    replaces: date | None


def read_ics(content: bytes, path: str, digest: bytes) -> tuple[DateList | None, tuple[Problem, ...]]:
    """Read the bytes of a file: the dates, or none, and what is wrong."""
    try:
        import icalendar  # noqa: PLC0415 - an extra, and slow to import
        from dateutil import rrule  # type: ignore[import-untyped]  # noqa: PLC0415 - as above; it has no types
    except ImportError:
        hint = "install rocketd[ics], of Debian python3-icalendar, or use a file of dates"
        return None, (_problem(path, "error", "this needs the Python library icalendar, which is not installed", hint),)
    try:
        calendars = icalendar.Calendar.from_ical(content, multiple=True)
        found = [one for calendar in calendars if calendar.name == "VCALENDAR" for one in calendar.walk()]
        days, timed = _days([one for one in found if one.name == "VEVENT"], rrule)
    except (_BadEvent, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        message = str(error) if isinstance(error, _BadEvent) else f"this is not iCalendar: {error}"
        return None, (_problem(path, "error", message[:300]),)
    if not found:
        return None, (_problem(path, "error", "this is not iCalendar: it has no VCALENDAR"),)
    message = f"{counted(timed, 'event')} with a time {'does' if timed == 1 else 'do'} not count: only whole days do"
    return DateList(path, digest, days), (_problem(path, "note", message),) if timed else ()


def _problem(path: str, severity: Severity, message: str, hint: str = "") -> Problem:
    return Problem(path, 1, 1, "", severity, message, hint)


def _days(events: Iterable[_Event], rrule: Any) -> tuple[dict[int, str], int]:  # noqa: ANN401 - a module without types
    """Return the dates of the events with their names, and how many events have times."""
    timed, all_day = 0, []
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED" and "RECURRENCE-ID" not in event:
            continue
        if isinstance(_start(event), datetime):
            timed += 1
        else:
            all_day.append((event, _all_day(event)))
    moved = {(one.uid, one.replaces) for _, one in all_day if one.replaces is not None}
    days: dict[int, str] = {}
    for event, one in all_day:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        for begin in _begins(event, one, rrule):
            if one.replaces is None and (one.uid, begin) in moved:
                continue
            for day in range(begin.toordinal(), begin.toordinal() + one.days):
                days[day] = one.name
            if len(days) > MAX_DATES:
                raise _BadEvent(f"the file lists more than {MAX_DATES} dates")
    return days, timed


def _check(event: _Event) -> None:
    """Raise _BadEvent for a date or a rule that the library has left out because it cannot read it."""
    for name, error in event.errors:
        if found := next((key for key in _DATED if key in str(name or error).upper()), ""):
            raise _BadEvent(f"the {found} of the event {_name(event)!r} cannot be read: {error}")
    if "RRULE" in event and not event.get("RRULE"):
        raise _BadEvent(f"the RRULE of the event {_name(event)!r} cannot be read")


def _start(event: _Event) -> date:
    _check(event)
    if "DTSTART" not in event:
        raise _BadEvent(f"the event {_name(event)!r} has no DTSTART")
    start: date = event.decoded("DTSTART")
    return start


def _name(event: _Event) -> str:
    return " ".join(str(event.get("SUMMARY", "")).split())[:MAX_NAME]


def _all_day(event: _Event) -> _AllDay:
    first = _start(event)
    length = timedelta(days=1)
    if "DTEND" in event:
        length = event.decoded("DTEND") - first
    elif "DURATION" in event:
        length = event.decoded("DURATION")
    days = max(length.days, 1)
    if days > _LONGEST or not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise _BadEvent(f"the event {_name(event)!r} on {first} is longer than {_LONGEST} days, or too far away")
    replaces = event.decoded("RECURRENCE-ID") if "RECURRENCE-ID" in event else None
    return _AllDay(str(event.get("UID", "")), first, days, _name(event), _as_date(replaces))


def _as_date(value: date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _begins(event: _Event, one: _AllDay, rrule: Any) -> Iterator[date]:  # noqa: ANN401 - as above
    """Yield when it begins each time."""
    if one.replaces is not None or ("RRULE" not in event and "RDATE" not in event):
        yield one.first
        return
    without = set(_dates(event.get("EXDATE")))
    start = datetime.combine(one.first, time())
    begins = {one.first, *_dates(event.get("RDATE"))}
    rules = event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        if str((rule.get("FREQ") or [""])[0]).upper() not in _FREQUENCIES:
            raise _BadEvent(f"the event {_name(event)!r} recurs more often than daily")
        text = rule.to_ical().decode()
        text = ";".join(_without_time(part) for part in text.split(";"))
        dates = rrule.rrulestr(text, dtstart=start)
        begins |= {at.date() for at in islice(dates.between(start, _END, inc=True), MAX_DATES + 1)}
    yield from sorted(begins - without)


def _without_time(part: str) -> str:
    """Leave the time out of UNTIL: the dates have none."""
    return part[: len("UNTIL=") + 8] if part.upper().startswith("UNTIL=") else part


def _dates(value: Any) -> Iterator[date]:  # noqa: ANN401 - one list of dates or several
    for listed in value if isinstance(value, list) else [value]:
        for one in getattr(listed, "dts", ()):
            with suppress(AttributeError):
                found = _as_date(one.dt)
                if found is not None:
                    yield found
