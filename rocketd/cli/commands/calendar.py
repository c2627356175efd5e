"""`rocketctl calendar`: the calendars of working days, and files of holidays for countries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.render.columns import table
from rocketd.cli.render.terminal_text import Cell
from rocketd.core.instant import datetime_of
from rocketd.core.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rocketd.cli.context import Context
    from rocketd.core.model.work_calendar import WorkCalendar
    from rocketd.daemon.json_format import JsonObject

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ACTIONS: Final = ("make", "show")


def calendar(call: Context) -> ExitCode:
    """`rocketctl calendar make COUNTRY [YEARS]` and `rocketctl calendar show [NAME] [YEAR]`."""
    action, words = call.choices.subject, call.choices.words
    if action == "make":
        from rocketd.cli.commands.calendar_make import make  # noqa: PLC0415 - the other needs the task files

        return make(call, words)
    if action == "show":
        return _show(call, words)
    raise UsageError(f"calendar cannot {action!r}", hint=did_you_mean(action, _ACTIONS) or "write make or show")


def _show(call: Context, words: Sequence[str]) -> ExitCode:
    from rocketd.cli.backend.loaded_files import checked  # noqa: PLC0415 - only this verb reads the files

    calendars = checked(call.choices).calendars
    if not words:
        _show_all(call, calendars)
        return ExitCode.DONE
    name, year = _name_and_year(words, datetime_of(call.now).year)
    if name not in calendars:
        hint = did_you_mean(name, calendars) or f"add [calendar.{name}] to rocketd.toml"
        raise Failure(f"there is no calendar {name!r}", hint=hint)
    known = calendars[name]
    if known.problem:
        raise Failure(f"nothing is known of any day: {known.problem}")
    _show_year(call, known, year)
    return ExitCode.DONE


def _name_and_year(words: Sequence[str], now: int) -> tuple[str, int]:
    names = [word for word in words if not word.isdecimal()]
    years = [word for word in words if word.isdecimal()]
    if len(names) > 1 or len(years) > 1 or any(not 1 <= int(year) <= date.max.year - 1 for year in years):
        raise UsageError("calendar show takes a name and a year", hint="as in rocketctl calendar show default 2027")
    return names[0] if names else "default", int(years[0]) if years else now


def _show_all(call: Context, calendars: Mapping[str, WorkCalendar]) -> None:
    if call.choices.json:
        call.terminal.json([_as_json(name, known) for name, known in sorted(calendars.items())])
        return
    if not calendars:
        lines = ["No calendars are set: the weekend is Saturday and Sunday, and nothing is a holiday."]
        call.terminal.show([*lines, "Add [calendar.default] to rocketd.toml."])
        return
    rows = [
        [Cell(name), Cell(_weekend(known)), Cell(_covers(known)), Cell(known.problem or _files(known))]
        for name, known in sorted(calendars.items())
    ]
    headings = ("CALENDAR", "WEEKEND", "COVERS", "FILES")
    call.terminal.show(table(headings, rows, columns=call.look.columns, colour=call.look.colour))


def _as_json(name: str, known: WorkCalendar) -> JsonObject:
    return {
        "calendar": name,
        "weekend": [_WEEKDAYS[day] for day in sorted(known.weekend)],
        "covers": None if known.covers is None else [*known.covers],
        "files": [one.path for one in known.lists],
        "problem": known.problem,
    }


def _weekend(known: WorkCalendar) -> str:
    return ", ".join(_WEEKDAYS[day] for day in sorted(known.weekend)) or "none"


def _covers(known: WorkCalendar) -> str:
    return "all years" if known.covers is None else f"{known.covers.first} to {known.covers.last}"


def _files(known: WorkCalendar) -> str:
    return ", ".join(one.path for one in known.lists) or "none"


def _show_year(call: Context, known: WorkCalendar, year: int) -> None:
    days = [*_listed(known, year)]
    if call.choices.json:
        call.terminal.json([{"date": str(day), "name": name, "file": path} for day, name, path in days])
        return
    rows = [[Cell(f"{day:%a %Y-%m-%d}"), Cell(name), Cell(path)] for day, name, path in days]
    drawn = table(("DATE", "NAME", "FILE"), rows, columns=call.look.columns, colour=call.look.colour)
    call.terminal.show(drawn if rows else [f"No dates of {year} are listed."])
    if not known.knows(date(year, 1, 1).toordinal()) or not known.knows(date(year, 12, 31).toordinal()):
        call.terminal.note(f"nothing is known of {year}: its files do not cover it")


def _listed(known: WorkCalendar, year: int) -> Iterator[tuple[date, str, str]]:
    for day in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()):
        at = date.fromordinal(day)
        for one in known.lists:
            if (name := one.name_of(day)) is not None:
                yield at, name, one.path
            if day in one.workdays:
                yield at, f"{one.workdays[day]} (a working day)".strip(), one.path
