"""Schedules in English words: `every weekday at 6`, `first monday of the month`, `every 15 minutes on weekdays`.

The text is read from left to right, phrase by phrase. The first unknown phrase ends the reading, without advice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.core.language.dialects.day_fields import DAYS, with_known_names
from rocketd.core.language.dialects.equivalent import Equivalent
from rocketd.core.language.dialects.schedule import ADVERBS, ParsedSchedule

if TYPE_CHECKING:
    from collections.abc import Callable

_WEEK: Final = (*DAYS[1:], DAYS[0])
_NTH: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_COUNTS: Final = {"other": 2, "two": 2, "second": 2, "three": 3, "third": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_DAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?)"
_MONTH: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_BETWEEN: Final = r"\s*(?:-|\.\.|,| to | through | thru | and |&)\s*"
_DAYS: Final = rf"(?:weekdays?|weekends?|workdays?|(?:business|working) days?|{_DAY}(?:{_BETWEEN}{_DAY})*)"
_NUMBER: Final = r"(?P<nth>first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th))"
_TIME: Final = r"(?P<h>\d{1,2})(?::(?P<m>\d\d))?\s*(?P<half>am|pm)?(?![\d:.])|(?P<word>noon|midnight)"
_SPOKEN: Final = r"(?:\d{1,2}(?::\d\d)?\s*(?:am|pm)?(?![\d:.])|noon|midnight)"
_OF_HOUR: Final = r"(?: (?:past|after|of)(?: (?:the|each|every))? hour)?"
_OF_MONTH: Final = r"(?:\s+(?:of|in)(?: (?:the|a|each|every))? month| (?:each|every|a) month| monthly)?"


def advice(text: str) -> Equivalent | None:
    """Return what does the same as a schedule in English; None: it could not be read."""
    schedule, rest = ParsedSchedule(), _plain(text)
    if rest.lower() in ADVERBS.values():
        return None  # apart from its capitals, it is a word of the condition language
    while rest:
        for pattern, take in _PHRASES:
            if (found := pattern.match(rest)) and found.end() and take(schedule, found):
                rest = rest[found.end() :].lstrip()
                break
        else:
            return None
    condition, otherwise = schedule.conditions()
    zone = (f'timezone = "{schedule.zone}"',) if schedule.zone else ()
    return (
        Equivalent("this is a schedule in English", condition, zone, "" if zone else otherwise) if condition else None
    )


def _plain(text: str) -> str:
    """Remove the punctuation of a call: `monthly.on('2nd Tue')` is `monthly on 2nd Tue`."""
    if call := re.fullmatch(r"""(\w+)\.(on|at)\((["'])(.*)\3\)""", text.strip()):
        text = f"{call[1]} {call[2]} {call[4]}"
    return " ".join(text.split())


def _clock(found: re.Match[str]) -> tuple[int, int] | None:
    if found["word"]:
        return (12, 0) if found["word"].lower() == "noon" else (0, 0)
    hour, minute = int(found["h"]), int(found["m"] or 0)
    if found["half"] and not 1 <= hour <= 12:  # noqa: PLR2004 - hours with am and pm
        return None
    if found["half"]:
        hour = hour % 12 + 12 * (found["half"].lower() == "pm")
    return (hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 - a day


def _take_interval(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    word = (found["count"] or "1").lower()
    count = _COUNTS.get(word) or (int(word) if word.isdecimal() else 0)
    unit = {"sec": "second", "min": "minute", "hr": "hour", "night": "day"}.get(
        found["unit"].lower(), found["unit"].lower()
    )
    if schedule.unit and (schedule.unit, schedule.count) != (unit, count):
        return False
    schedule.count, schedule.unit = count, unit
    return count > 0


def _take_times_per(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    count = {"once": 1, "twice": 2}.get(found["often"].lower()) or int(found["n"] or 0)
    unit = (found["unit"] or {"daily": "day", "hourly": "hour"}[found["adverb"].lower()]).lower()
    whole, smaller = {"day": (24, "hour"), "hour": (60, "minute")}.get(unit, (1, unit))
    if not count or whole % count or schedule.unit:
        return False
    schedule.count, schedule.unit = (1, unit) if count == 1 else (whole // count, smaller)
    return True


def _take_adverb(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    unit = next(unit for unit, adverb in ADVERBS.items() if adverb == found[0].lower())
    if schedule.unit not in ("", unit):
        return False
    schedule.unit, schedule.count = unit, schedule.count or 1
    return True


def _take_fortnight(schedule: ParsedSchedule, found: re.Match[str]) -> bool:  # noqa: ARG001 - it says all by itself
    if schedule.unit:
        return False
    schedule.count, schedule.unit = 2, "week"
    return True


def _take_alternate(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    schedule.count, schedule.unit = (2 if found["count"].lower() in ("other", "second", "2nd") else 3), "week"
    return _take_days(schedule, re.match("(.*)", found["day"]) or found)


def _take_nth(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    number = _NTH.get(found["nth"].lower()) or int(found["nth"][0])
    day = DAYS.index(found["day"][:3].lower())
    schedule.nth = f"{day}L" if number < 0 else f"{day}#{number}"
    return not (schedule.weekdays or schedule.monthday)


def _take_monthday(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    day = "L" if found["last"] else found["a"] or found["b"] or "1"
    schedule.monthday = f"{schedule.monthday},{day}" if schedule.monthday else day
    return not (schedule.nth or schedule.weekdays) and (day == "L" or 1 <= int(day) <= 31)  # noqa: PLR2004 - a month


def _take_working_day(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    last = found["which"].lower() == "last"
    if found["day"].lower() == "weekday":
        schedule.monthday = "LW" if last else "1W"
    else:
        schedule.working_day = -1 if last else 1
    return not (schedule.nth or schedule.weekdays)


def _take_part_of_hour(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    schedule.count, schedule.unit = {"half": 30, "quarter": 15}[found["part"].lower()], "minute"
    return True


def _take_days(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    text = re.sub(r"\s*(?:-|\.\.| to | through | thru )\s*", "-", found[0].lower())
    text = re.sub(r"\s*(?:,| and |&| or )\s*", ",", re.sub(r"^(?:business|working) days?", "weekdays", text))
    schedule.weekdays = with_known_names("day of the week", text)
    return not schedule.nth


def _take_except(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    left_out = ParsedSchedule()
    if schedule.weekdays or not _take_days(left_out, re.match(r"(.*)", found["days"]) or found):
        return False
    out = _days_of(left_out.weekdays)
    left = [day for day in _WEEK if day not in out]
    runs = "-".join((left[0], left[-1])) if left else ""
    schedule.weekdays = runs if _days_of(runs) == left else ",".join(left)
    return bool(left)


def _days_of(weekdays: str) -> list[str]:
    """Name each day of a field, from Monday on."""
    found: set[str] = set()
    for item in filter(None, weekdays.split(",")):
        first, _, last = item.partition("-")
        if first in _WEEK and (last or first) in _WEEK:
            found.update(_WEEK[_WEEK.index(first) : _WEEK.index(last or first) + 1])
    return [day for day in _WEEK if day in found]


def _take_month(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    schedule.months = found["month"][:3].lower()
    if found["day"]:
        schedule.monthday = found["day"]
    return True


def _take_time(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    clock = _clock(found)
    if found["h"] and not (found["at"] or found["m"] or found["half"] or schedule != ParsedSchedule()):
        return False  # a number alone
    if clock is not None:
        schedule.times.append(clock)
    return clock is not None


def _take_minute(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    schedule.minute = int(found["a"] or found["b"])
    return schedule.minute < 60  # noqa: PLR2004 - an hour


def _take_between(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    ends = [_clock(one) if (one := re.fullmatch(_TIME, end, re.IGNORECASE)) else None for end in (found[1], found[2])]
    if None in ends:
        return False
    first, last = (f"{end[0]}:{end[1]:02}" for end in ends if end)
    schedule.between = (first, last)
    return True


def _take_zone(schedule: ParsedSchedule, found: re.Match[str]) -> bool:
    schedule.zone = found["zone"]
    return True


def _take_nothing(schedule: ParsedSchedule, found: re.Match[str]) -> bool:  # noqa: ARG001 - words that say nothing
    return True


def _phrase(pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})(?![\w.(])", flags)


_PHRASES: Final[tuple[tuple[re.Pattern[str], Callable[[ParsedSchedule, re.Match[str]], bool]], ...]] = (
    (_phrase(r"(?P<a>\d{1,2}) ?(?:min(?:ute)?s? )?past (?:(?:the|each|every) )?hour(?P<b>)"), _take_minute),
    (_phrase(r"(?:every|each) (?P<part>half|quarter)(?: an| of an)?[ -]hour"), _take_part_of_hour),
    (
        _phrase(rf"(?:(?:on|the) )*(?P<which>first|last) (?P<day>weekday|workday|(?:business|working) day){_OF_MONTH}"),
        _take_working_day,
    ),
    (_phrase(rf"(?:on )?every (?P<count>other|second|third|2nd|3rd) (?P<day>{_DAY})(?! of| in)"), _take_alternate),
    (
        _phrase(rf"(?:(?:every|each) )?(?!second {_DAY})"
                r"(?:(?P<count>\d{1,4}|other|second|t?wo|three|third|four|five|six|ten) ?)?"
                r"(?P<unit>sec|second|min|minute|hr|hour|day|night|week|month|year|quarter)s?"),
        _take_interval,
    ),
    (
        _phrase(r"(?P<often>once|twice|(?P<n>\d{1,2}) times) "
                r"(?:(?:a|an|per|every|each) (?P<unit>day|hour|week|month|year)|(?P<adverb>daily|hourly))"),
        _take_times_per,
    ),
    (_phrase("fortnightly|biweekly|(?:every |each )?fortnight"), _take_fortnight),
    (_phrase("minutely|hourly|daily|weekly|monthly|yearly"), _take_adverb),
    (_phrase(rf"(?:(?:on|every|the|each) )*{_NUMBER} (?P<day>{_DAY}){_OF_MONTH}"), _take_nth),
    (
        _phrase(rf"(?:(?:on|every|the|each) )*(?:day (?P<a>\d{{1,2}})|(?P<last>last day)"
                rf"|(?P<b>\d{{1,2}})(?:st|nd|rd|th)(?: day)?|first day){_OF_MONTH}"),
        _take_monthday,
    ),
    (
        _phrase(rf"(?:(?:except|but not|excluding) (?:on )?(?P<days>{_DAYS}))"),
        _take_except,
    ),
    (_phrase(_DAYS), _take_days),
    (_phrase(rf"(?:(?:in|of|on) )?(?P<month>{_MONTH})(?: (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:]))?"), _take_month),
    (_phrase(rf"(?:between|from) ({_SPOKEN}) (?:and|to|until|till) ({_SPOKEN})"), _take_between),
    (_phrase(rf"(?:at )?(?::(?P<a>\d\d)|(?:minute (?P<b>\d{{1,2}}))){_OF_HOUR}"), _take_minute),
    (_phrase(rf"(?P<at>at )?(?:{_TIME})"), _take_time),
    (_phrase(r"(?:in )?(?P<zone>[A-Z][A-Za-z_]+(?:/[A-Z][\w+-]+)+|UTC|GMT)", re.NOFLAG), _take_zone),
    (re.compile(r"(?:on|of|the|once|every|each|run|at|in|and|starting)(?=\s)|[,&](?=.)", re.IGNORECASE), _take_nothing),
)  # fmt: skip
