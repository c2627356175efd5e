"""`rocketctl calendar make`: writes the public holidays of a country as a file of dates.

By the library holidays, an extra: a file can be read, copied and covers what it says, and no schedule changes because a
library was upgraded.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.core.instant import datetime_of
from rocketd.core.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rocketd.cli.context import Context
    from rocketd.daemon.json_format import JsonObject

_YEARS: Final = re.compile(r"(?P<first>\d{4})(?:\.\.(?P<last>\d{4}))?", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,2}", re.ASCII)
_DEFAULT_COUNT: Final = 3
_FIRST: Final = 1900
_LAST: Final = 2999
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_USAGE: Final = "as in rocketctl calendar make DE-BY 2026..2028"


class _Holidays(NamedTuple):
    """What the library knows."""

    days: dict[date, str]
    workdays: Sequence[date]
    weekend: Sequence[int]
    version: str


def make(call: Context, words: Sequence[str]) -> ExitCode:
    """Write the file to standard output. Raises Failure for a country that the library does not know."""
    if not 1 <= len(words) <= 2:  # noqa: PLR2004 - a country, and years
        msg = "calendar make takes a country, and perhaps years"
        raise UsageError(msg, hint=_USAGE)
    first, last = _years(words[1] if len(words) > 1 else "", datetime_of(call.now).year)
    found = _looked_up(words[0], first, last)
    if call.choices.json:
        call.terminal.json([_as_json(day, name) for day, name in sorted(found.days.items())])
    else:
        call.terminal.write([*_lines(words[0], first, last, found)])
    return ExitCode.DONE


def _as_json(day: date, name: str) -> JsonObject:
    return {"date": str(day), "name": name}


def _lines(country: str, first: int, last: int, found: _Holidays) -> Iterator[str]:
    yield f"# public holidays of {country}, written by rocketctl calendar make {country} {first}..{last}"
    yield f"# from the Python library holidays {found.version}; some dates may be estimates"
    weekend = ", ".join(f'"{_WEEKDAYS[day]}"' for day in found.weekend)
    yield f"# the weekend there: weekend = [{weekend}], which is for rocketd.toml"
    yield f"covers {first}..{last}"
    yield from (f"{day} {_harmless(name)}".rstrip() for day, name in sorted(found.days.items()))
    yield from (f"+{day} a working day in exchange" for day in sorted(found.workdays))


def _harmless(name: str) -> str:
    """Return the name as one line without a comment in it."""
    return " ".join(name.replace("#", " ").split())


def _years(text: str, now: int) -> tuple[int, int]:
    """Read `2026..2028`, `2026`, or how many from this year on."""
    if not text or _COUNT.fullmatch(text):
        return now, now + max(int(text or _DEFAULT_COUNT), 1) - 1
    found = _YEARS.fullmatch(text)
    if found is None:
        msg = f"{text!r} are not years"
        raise UsageError(msg, hint=_USAGE)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if not _FIRST <= first <= last <= _LAST:
        msg = f"{text} are not years in order, from {_FIRST} to {_LAST}"
        raise UsageError(msg, hint=_USAGE)
    return first, last


def _looked_up(country: str, first: int, last: int) -> _Holidays:
    try:
        import holidays  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        hint = "pip install 'rocketd[holidays]', on any host: the file can be copied"
        raise Failure("this needs the Python library holidays, which is not installed", hint=hint) from None
    found = _calendar(holidays, country, range(first, last + 1))
    least, most = getattr(found, "start_year", first), getattr(found, "end_year", last)
    if first < least or last > most:
        raise Failure(f"the library knows the holidays of {country} from {least} to {most} only")
    days = {day: name for day, name in found.items() if first <= day.year <= last}
    workdays = [day for day in getattr(found, "weekend_workdays", ()) if first <= day.year <= last]
    return _Holidays(days, workdays, sorted(getattr(found, "weekend", (5, 6))), holidays.__version__)


def _calendar(holidays: Any, country: str, years: range) -> Any:  # noqa: ANN401 - a library without types
    """Return what the library has of a country, DE or DE-BY, or of a market, XNYS."""
    name, _, part = country.partition("-")
    name = name.upper()
    countries, markets = holidays.list_supported_countries(), holidays.list_supported_financial()
    if name in markets and not part:
        return holidays.financial_holidays(name, years=years)
    if name not in countries:
        hint = did_you_mean(name, [*countries, *markets]) or "a country is written as in ISO 3166: DE, DE-BY, US-NY"
        raise Failure(f"the library does not know a country or market {name!r}", hint=hint)
    part = next((one for one in countries[name] if one.casefold() == part.casefold()), part)
    if part and part not in countries[name]:
        hint = did_you_mean(part, countries[name]) or f"it knows {', '.join(countries[name]) or 'none'}"
        raise Failure(f"the library does not know a part {part!r} of {name}", hint=hint)
    return holidays.country_holidays(name, subdiv=part or None, years=years)
