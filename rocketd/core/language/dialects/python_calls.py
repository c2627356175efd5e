"""Schedules as Python libraries write them.

interval(minutes=5), CronTrigger(hour=3)    APScheduler: what is left out is *, below the smallest that is given 0
crontab(minute='*/15')                      Celery: what is left out is *
schedule.every(10).minutes.do(job)          schedule
timedelta(hours=1)                          the standard library
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

from rocketd.core.language.dialects import english
from rocketd.core.language.dialects.day_fields import DAYS
from rocketd.core.language.dialects.equivalent import Equivalent

_WHAT: Final = "this is a schedule in Python"
_UNITS: Final = {"weeks": "week", "days": "day", "hours": "h", "minutes": "min", "seconds": "s"}
_INTERVALS: Final = ("interval", "intervaltrigger", "timedelta", "every")
_CRONS: Final = ("cron", "crontrigger", "crontab")
_FIELDS: Final = {"second": "0", "minute": "0", "hour": "0", "day": "1", "month": "1", "day_of_week": "*"}
"""The fields of a cron line from the smallest on, and their least value."""
_NAMES: Final = {"day_of_month": "day", "month_of_year": "month"}
_ITEM: Final = re.compile(r"(\d)(?:-(\d))?")

Values = dict[str, str]


def advice(text: str) -> Equivalent | None:
    """Say what does the same as a call of APScheduler, Celery or schedule, or a timedelta."""
    try:
        with warnings.catch_warnings(action="ignore"):  # newer versions warn of '\\d' and 5in, and print that
            node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    while type(node) is ast.Call and type(node.func) is ast.Attribute and node.func.attr in ("do", "tag"):
        node = node.func.value
    if type(node) is ast.Call and (values := _values(node)) is not None:
        name = _name(node.func).lower()
        if name in _INTERVALS and values and not values.keys() - _UNITS:
            return _interval(values)
        if name in _CRONS and values:
            return _cron(values, celery=name == "crontab")
    return _sentence(node)


def _name(node: ast.expr) -> str:
    return node.id if type(node) is ast.Name else node.attr if type(node) is ast.Attribute else ""


def _values(call: ast.Call) -> Values | None:
    """Return the named values of a call as text; None: others were given."""
    found = {key.arg or "": str(key.value.value) for key in call.keywords if type(key.value) is ast.Constant}
    return None if call.args or len(found) < len(call.keywords) else found


def _interval(values: Values) -> Equivalent | None:
    spans = [f"{values[name]} {unit}" for name, unit in _UNITS.items() if name in values]
    return Equivalent(_WHAT, f"every('{' '.join(spans)}')")


def _cron(values: Values, *, celery: bool) -> Equivalent | None:
    values = {_NAMES.get(name, name): value for name, value in values.items()}
    zone = values.pop("timezone", "")
    if values.keys() - _FIELDS:
        return None
    if not celery and "day_of_week" in values:
        values["day_of_week"] = _ITEM.sub(_from_monday, values["day_of_week"])
    smallest = 0 if celery else next(place for place, name in enumerate(_FIELDS) if name in values)
    if smallest == len(_FIELDS) - 1:
        smallest = 3  # a day of the week is a day
    fields = [
        values.get(name, least if place < smallest else "*") for place, (name, least) in enumerate(_FIELDS.items())
    ]
    if celery or fields[0] == "0":
        del fields[0]
    line = " ".join(field.replace(" ", "") for field in fields)
    return Equivalent(_WHAT, f"cron('{line}')", (f'timezone = "{zone}"',) if zone else ())


def _from_monday(item: re.Match[str]) -> str:
    """Name the days that APScheduler counts from Monday as 0 on."""
    return "-".join(DAYS[(int(day) + 1) % 7] for day in item.groups() if day)


def _sentence(node: ast.expr) -> Equivalent | None:
    """Read the attributes of `every(10)` as words: `every(2).days.at("10:30")` is `every 2 days at 10:30`."""
    words: list[str] = []
    while type(node) in (ast.Attribute, ast.Call):
        if type(node) is ast.Attribute:
            words.append(node.attr)
            node = node.value
        elif type(node) is ast.Call:
            words += [str(one.value) for one in reversed(node.args) if type(one) is ast.Constant]
            if node.keywords or not all(type(one) is ast.Constant for one in node.args):
                return None
            node = node.func
    words.append(_name(node))
    text = " ".join(reversed(words)).lower().removeprefix("schedule ")
    found = english.advice(text) if text.startswith("every ") else None
    return found and found._replace(what=_WHAT)
