"""Cron lines of other schedulers: crontab with its command, Quartz, AWS, Jenkins, OpenBSD, fugit.

0 2 * * 1 root /bin/x       crontab(5): a user, where there is one, and a command
CRON_TZ=Europe/Berlin …     a zone before or after the line
0 0 0 ? * 2 *               Quartz: seconds first, Sunday is 1, perhaps a year last; `LW`, `15W`, `L-3`
0 10 * * ? *                AWS: five fields and a year, Sunday is 1
H H(0-7) * * *, 0~59 3 …    Jenkins, OpenBSD: a random number
0 0 * * mon%2               fugit: every second Monday
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final, NamedTuple

from rocketd.core.language.dialects.day_fields import DAYS, calendar_days, weekday_names, with_known_names
from rocketd.core.language.dialects.equivalent import Equivalent
from rocketd.core.shell_syntax import needs_shell
from rocketd.core.string_literals import quoted

PLAIN: Final = "this is a cron line"
"""The sentence for a line that reads as it is, or with other names of days."""
ZONE: Final = r"(?:[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+|UTC|GMT)"
_BEFORE: Final = re.compile(rf"""(?:CRON_)?TZ=(["']?)(?P<zone>{ZONE})\1\s+(?P<rest>.*)""", re.DOTALL)
_AFTER: Final = re.compile(rf"(?P<rest>.*\S)\s+(?P<zone>{ZONE})")
_FIELD: Final = re.compile(r"[\w*?/,~#%()+-]*[*?\dHL~][\w*?/,~#%()+-]*|[^\W\d]{2,9}(?:[-,/#][\w,/#-]*)?")
_CALL: Final = re.compile(r"cron\s*\(\s*([^'\"]*?)\s*\)")
_KEY: Final = re.compile(r"(?:cron|schedule) ?[:=] ?[\"']?([^\"']+)[\"']?")
_EVERY: Final = re.compile(r"@every[\s_]+(.+)", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20|21)\d\d(?:[-,/][\d,/-]*)?")
_PROGRAMS: Final = frozenset(
    {
        "bash",
        "cd",
        "chronic",
        "cp",
        "curl",
        "docker",
        "echo",
        "env",
        "find",
        "flock",
        "ionice",
        "java",
        "mv",
        "nice",
        "node",
    }
    | {"perl", "php", "psql", "python", "python3", "rm", "rsync", "ruby", "run-parts", "sh", "sudo", "systemctl", "tar"}
    | {"test", "timeout", "touch", "wget"}
)
"""Names with which a crontab's command begins, and which are hardly ever those of a user."""
_UNITS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
_LEAST: Final = (0, 0, 1, 1, 0)
_SIZES: Final = (60, 24, 28, 12, 7)
_SPANS: Final = ("min", "h", "day", "month", "day")
_JENKINS_HASH: Final = re.compile(r"H(?:\((?P<a>\d+)-(?P<b>\d+)\))?(?:/(?P<n>\d+))?")
_OPENBSD_RANDOM: Final = re.compile(r"(?P<a>\d*)~(?P<b>\d*)(?:/(?P<n>\d+))?")
_NICKNAMES: Final = {"@every_minute": "* * * * *", "@every_second": "* * * * * *"}
_FIVE, _SIX, _SEVEN = 5, 6, 7
_DAYS: Final = frozenset({"sun", "mon", "tue", "wed", "thu", "fri", "sat", "l"})
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]*")


def advice(text: str) -> Equivalent | None:
    """Return what does the same as a cron line: alone, with a zone, or with a command."""
    text = _inside_call(" ".join(text.split()))
    for pattern in (_BEFORE, _AFTER):
        if (found := pattern.fullmatch(text)) and (inner := _without_zone(_inside_call(found["rest"]))):
            zone = f'timezone = "{found["zone"]}"'
            return inner._replace(
                what=f"{inner.what}, with a time zone", settings=(*inner.settings, zone), otherwise=""
            )
    return _without_zone(text)


def _inside_call(text: str) -> str:
    found = _CALL.fullmatch(text) or _KEY.fullmatch(text)
    return found[1] if found else text


def _without_zone(text: str) -> Equivalent | None:
    return _nickname(text) if text.startswith("@") else _line(text.split())


def _nickname(text: str) -> Equivalent | None:
    name, *work = text.split()
    name = name.lower()
    if work and work[0][0] in "&|":
        return None
    what = f"{name} is a crontab nickname"
    if found := _EVERY.fullmatch(text):
        if line := _NICKNAMES.get(text.lower()):
            return Equivalent(what, f"cron('{line}')")
        return Equivalent("@every is an expression of Go schedulers", f"every('{found[1]}')")
    if name == "@reboot":
        return Equivalent(what, settings=('on = "boot"', *_command_settings(work)))
    window = {"@annually": "yearly", "@midnight": "daily"}.get(name, name[1:])
    return Equivalent(what, f"cron('{name}')", _command_settings(work), window)


def _line(words: list[str]) -> Equivalent | None:
    """Read fields, and after five of them a user and a command."""
    fields = 0
    while fields < min(len(words), _SEVEN) and _FIELD.fullmatch(words[fields]):
        fields += 1
    if fields == len(words) and fields >= _FIVE and not _is_user(words[_FIVE:]):
        return _fields_only(words)
    rest = words[_FIVE:]
    fields_part = _fields_only(words[:_FIVE]) if fields >= _FIVE and rest and rest[0][0] not in "*?&|" else None
    if fields_part is None:
        return None
    if _is_user(rest):
        what, user = "this is a crontab line with its user", f'user = "{rest[0]}"'
        return fields_part._replace(what=what, settings=(*fields_part.settings, user))
    return fields_part._replace(
        what="this is a crontab line with its command",
        settings=(*fields_part.settings, *_command_settings(rest)),
    )


def _is_user(words: list[str]) -> bool:
    """Whether these are a user alone, and neither a program nor a day of the week."""
    (word,) = words if len(words) == 1 else ("",)
    return bool(_USER.fullmatch(word)) and word not in _PROGRAMS and word[:3] not in _DAYS


def _command_settings(words: list[str]) -> tuple[str, ...]:
    """Return the settings of a task for a command, and for its user if there is one."""
    if not words:
        return ()
    settings: list[str] = []
    if len(words) > 1 and _USER.fullmatch(words[0]) and words[0] not in _PROGRAMS:
        settings.append(f'user = "{words[0]}"')
        words = words[1:]
    text = " ".join(words)
    if not needs_shell(text) and not re.search(r"""["'\\]""", text):
        return (*settings, f"command = [{', '.join(map(quoted, words))}]")
    spelled = quoted(text) if "'" in text else f"'{text}'"
    return (*settings, f"command = {spelled}", "shell = true")


class _Fields(NamedTuple):
    """The fields of a line: seconds, the usual five, the year."""

    second: str
    usual: list[str]
    year: str
    what: str
    from_one: bool
    """Whether Sunday is 1."""


def _fields_only(words: list[str]) -> Equivalent | None:
    """Return what does the same as a line that has only fields."""
    fields = _assigned(words)
    usual = [with_known_names(_UNITS[place], field) for place, field in enumerate(fields.usual)]
    if fields.from_one:
        usual[4] = weekday_names(usual[4])
    usual[1] = "0" if usual[1] == "24" else usual[1]
    random = _without_random(usual)
    if random is not None:
        return Equivalent(random.what, _cron(fields.second, random.usual), random.settings)
    if alternate := re.fullmatch(r"(\w+)%(\d{1,2})(?:\+(\d{1,2}))?", usual[4]):
        return _alternate(usual, alternate[1], int(alternate[2]), int(alternate[3] or 0))
    if long := _longer_than_its_field(fields.second, usual):
        return Equivalent("this step of a cron line is longer than its field", long)
    if fields.year not in ("*", ""):
        days = calendar_days(fields.second, usual, fields.year)
        return Equivalent(fields.what, days) if days else None
    return Equivalent(fields.what, _cron(fields.second, usual))


def _assigned(words: list[str]) -> _Fields:
    """Tell the fields apart."""
    plain = [word.replace("?", "*") for word in words]
    asked = "?" in words
    if len(words) == _SEVEN:
        return _Fields(plain[0], plain[1:6], plain[6], "this is a Quartz cron line, where Sunday is 1", from_one=True)
    if len(words) == _FIVE:
        what = "this is a cron line of another scheduler, where ? means *" if asked else PLAIN
        return _Fields("0", plain, "", what, from_one=False)
    if "?" in (words[2], words[4]) or _YEAR.fullmatch(words[5]):
        what = "this is an AWS cron line, where the year comes last" + (" and Sunday is 1" if asked else "")
        return _Fields("0", plain[:5], plain[5], what, from_one=asked)
    what = "this is a Quartz cron line, where ? means * and Sunday is 1" if asked else PLAIN
    return _Fields(plain[0], plain[1:], "", what, from_one=asked)


def _cron(second: str, usual: list[str]) -> str:
    return f"cron('{' '.join([*([second] if second != '0' else []), *usual])}')"


class _WithoutRandom(NamedTuple):
    """A line without its random numbers, and the splay that does the same."""

    what: str
    usual: list[str]
    settings: tuple[str, ...]


def _without_random(usual: list[str]) -> _WithoutRandom | None:
    """Replace random numbers (`H` of Jenkins, `~` of OpenBSD) by a splay; None: there are none."""
    plain, spans, by = [], [], ""
    for place, field in enumerate(usual):
        found = _JENKINS_HASH.fullmatch(field) or _OPENBSD_RANDOM.fullmatch(field)
        plain.append(field)
        if found:
            by = "~ picks a random number in OpenBSD cron" if "~" in field else "H picks a number in Jenkins"
            first = int(found["a"] or _LEAST[place])
            last = int(found["b"] or _LEAST[place] + _SIZES[place] - 1)
            step = found["n"]
            whole = found["a"] in (None, "") and found["b"] in (None, "")
            plain[-1] = f"{'*' if whole else f'{first}-{last}'}/{step}" if step else str(first)
            spans.append((place, int(step) if step else last - first + 1))
    if not spans:
        return None
    place, count = spans[-1]
    length = f"{count} {_SPANS[place]}{'s' * (count > 1 and place > 1)}"
    return _WithoutRandom(by, plain, (f'splay = "{_in_days(length)}"',))


def _in_days(length: str) -> str:
    return {"24 h": "1 day", "60 min": "1 h", "12 months": "48 weeks"}.get(length, length)


_REFERENCE: Final = date(2019, 1, 1)
"""Fugit counts weeks from this Tuesday on, which is in the first."""


def _alternate(usual: list[str], weekday: str, weeks: int, offset: int) -> Equivalent | None:
    """Return a weekday of every so many weeks, which are counted as fugit does."""
    if weeks < 2:  # noqa: PLR2004 - every week is no alternation
        return None
    day = DAYS[int(weekday) % 7] if weekday.isdecimal() else weekday.lower()
    if day not in DAYS:
        return None
    dates = (_REFERENCE + timedelta(number) for number in range(7 * weeks))
    first = next(
        one
        for number, one in enumerate(dates)
        if (number // 7 + 1 - offset) % weeks == 0 and f"{one:%a}".lower() == day
    )
    line = f"cron('{' '.join([*usual[:4], day])}')"
    return Equivalent(
        f"% is a fugit expression: every {weeks} weeks", f"{line} & cycle('{weeks} weeks', since='{first}')"
    )


def _longer_than_its_field(second: str, usual: list[str]) -> str:
    """Return the interval that was meant by a step longer than its field; empty: there is no such step."""
    rest = {0: usual[1:], 1: usual[2:]}
    for place, unit in ((0, "min"), (1, "h")):
        found = re.fullmatch(r"(?:\*|0)/(\d+)", usual[place])
        if found and int(found[1]) > _SIZES[place] - 1 and set(rest[place]) == {"*"} and second == "0":
            return f"every('{found[1]} {unit}')"
    return ""
