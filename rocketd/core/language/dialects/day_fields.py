"""Days as other cron lines name them: `15W`, `LW`, `L-3`, years, numbers from Sunday as 1, names in other languages."""

from __future__ import annotations

import re
from typing import Final

DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAYS: Final = {
    "sun": "sunday sundays su so son sonntag dim dimanche domingo dom domenica zo zon zondag",
    "mon": "monday mondays mo montag lun lundi lunes lunedi ma maandag",
    "tue": "tuesday tuesdays tues tu di die dienstag mar mardi martes martedi din dinsdag",
    "wed": "wednesday wednesdays weds we mi mit mittwoch mer mercredi mercoledi mie miercoles wo woe woensdag",
    "thu": "thursday thursdays thur thurs th do don donnerstag jeu jeudi jue jueves gio giovedi donderdag",
    "fri": "friday fridays fr fre freitag ven vendredi vie viernes venerdi vr vri vrijdag",
    "sat": "saturday saturdays sa sam samstag samedi sab sabado sabato za zat zaterdag",
    "mon-fri": "weekday weekdays workday workdays",
    "sat,sun": "weekend weekends",
}
_MONTHS: Final = {
    "jan": "january januar janvier enero ene",
    "feb": "february februar fevrier fev febrero",
    "mar": "march marz mrz mars marzo maart mrt",
    "apr": "april avril avr abril abr",
    "may": "mai mayo mei",
    "jun": "june juni juin junio",
    "jul": "july juli juillet julio",
    "aug": "august aout agosto ago augustus",
    "sep": "september sept septembre septiembre",
    "oct": "october oktober okt octobre octubre",
    "nov": "november novembre noviembre",
    "dec": "december dezember dez decembre diciembre dic",
}
MONTHS: Final = tuple(_MONTHS)
_PLAIN: Final = str.maketrans("äéèêëíóúûüáàñöò", "aeeeeiouuuaanoo")
_NAMES: Final = {
    "day of the week": {other: name for name, others in _WEEKDAYS.items() for other in others.split()},
    "month": {other: name for name, others in _MONTHS.items() for other in others.split()},
}
_MONTH_NUMBERS: Final = {name: str(number) for number, name in enumerate(_MONTHS, 1)}
_MONTHS_OF: Final = {"31W": "1,3,5,7,8,10,12"}
_SURE: Final = 27
"""Every month has a working day next to a day up to this one that is in the month."""


def with_known_names(unit: str, field: str) -> str:
    """Replace other names by the known ones: `Montag` and `monday` are `mon`."""
    names = _NAMES.get(unit, {})

    def known(found: re.Match[str]) -> str:
        return names.get(found[0].lower().translate(_PLAIN), found[0])

    return re.sub(r"[^\W\d_]{2,}", known, field)


def weekday_names(field: str) -> str:
    """Replace numbers by weekdays where Sunday is 1; `L` alone is Saturday."""
    if field.upper() == "L":
        return "sat"
    return re.sub(r"(?<![\d#/])[1-7](?!\d)", lambda found: DAYS[int(found[0]) - 1], field)


def calendar_days(second: str, usual: list[str], year: str) -> str:
    """Return the calendar lines of a cron line, joined by `|`; empty: there are none."""
    minute, hour, day, month, weekday = usual
    if month == "*" and (month := _MONTHS_OF.get(day.upper(), "*")) != "*":
        day = "LW"  # of the months that have such a day, it is the last
    clock = ":".join(_numbers(field) for field in (hour, minute, *([second] if second != "0" else [])))
    date = f"{_numbers(year)}-{_numbers(re.sub('[a-z]{3}', _month_number, month.lower()))}"
    lines = _nearest(day) if weekday == "*" else _weekday(weekday) if day == "*" else []
    return " | ".join(f"calendar('{on and f'{on} '}{date}{of} {clock}')" for on, of in lines)


def _weekday(weekday: str) -> list[tuple[str, str]]:
    """Return the weekdays, and the days of the month, of a weekday field."""
    if found := re.fullmatch(r"([a-zA-Z]{3})#([1-5])", weekday):
        last = 7 * int(found[2])
        return [(found[1].title(), f"-{last - 6:02}..{min(last, 31):02}")]
    if found := re.fullmatch(r"([a-zA-Z]{3})L", weekday):
        return [(found[1].title(), "~01..07")]
    plain = re.fullmatch("[a-zA-Z]{3}(?:[-,][a-zA-Z]{3})*", weekday)
    return [(weekday.title().replace("-", ".."), "-*")] if plain else []


def _nearest(day: str) -> list[tuple[str, str]]:
    """Return the weekdays, and the days of the month, of a day field."""
    if day.upper() in ("LW", "WL"):
        return [("Mon..Fri", "~01"), ("Fri", "~02..03")]
    if found := re.fullmatch(r"L-(\d{1,2})", day, re.IGNORECASE):
        return [("", f"~{int(found[1]) + 1:02}")]
    if day.upper() == "L":
        return [("", "~01")]
    if found := re.fullmatch(r"(\d{1,2})W", day, re.IGNORECASE):
        number = int(found[1])
        if number == 1:
            return [("Mon..Fri", "-01"), ("Mon", "-02..03")]
        sure = [("Mon..Fri", f"-{number:02}"), ("Fri", f"-{number - 1:02}"), ("Mon", f"-{number + 1:02}")]
        return sure if number <= _SURE else []
    return [("", f"-{_numbers(day)}")] if re.fullmatch(r"[\d*,/-]+", day) else []


def _month_number(found: re.Match[str]) -> str:
    return _MONTH_NUMBERS.get(found[0], found[0])


def _numbers(field: str) -> str:
    """Spell the numbers of a cron field as a calendar line does: `0-30/10` is `00..30/10`, `*/5` is `0/5`."""
    text = field.replace("*/", "0/").replace("-", "..")
    return re.sub(r"(?<![\d/])\d(?!\d)", r"0\g<0>", text)
