"""Looks up what a task file only names: users, groups, time zones, programs.

Each lookup is made once per load and remembered: an unchanged file is read again if the host now answers differently
(a user joined a group, the host moved to another zone). The name service and the file systems may never answer, so
`HostQueries` queries them.
"""

import ctypes
import grp
import os
import pwd
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cache, lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from rocketd.config.calendar_lookup import CalendarLookup
from rocketd.config.host_queries import HostQueries, NoAnswer, QueryKind
from rocketd.config.path_checks import PathChecks
from rocketd.config.problems import BadValue, Fault
from rocketd.config.task_files import Rights
from rocketd.config.unit_checks import UnitChecks, UnitComplaint
from rocketd.config.unit_table import UnitLines
from rocketd.core.conditions.calendar_word import CalendarWord, calendar_words
from rocketd.core.host_patterns import is_selected
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Identity
from rocketd.core.model.work_calendar import NO_CALENDARS, Calendars, WorkCalendar
from rocketd.core.suggestion import did_you_mean

T = TypeVar("T")

LOCAL: Final = "local"
LOCALTIME: Final = Path("/etc/localtime")

_MAX_ID: Final = 2**32 - 2
"""The highest uid and gid: the one above means "no change" to setresuid(2)."""


_LIBC: Final = ctypes.CDLL(None)
_GROUPS: Final = 64
"""How many groups of a user are expected; there may be more."""


class BadGroup(BadValue):
    """A mistake about the group, not the user."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone, and how it is called."""

    tzinfo: tzinfo
    name: str
    variable: str
    """What TZ says for it."""


UTC_ZONE: Final = Zone(UTC, "UTC", "UTC")


@dataclass(frozen=True, slots=True)
class HostAnswers:
    """What the host answered."""

    identities: dict[tuple[str, str], Identity | None] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    selections: dict[tuple[str, ...], bool] = field(default_factory=dict)
    """Whether patterns select this host."""
    calendars: dict[CalendarWord, WorkCalendar] = field(default_factory=dict)


class HostLookup(PathChecks):
    """Answers about this host during one load. Raises `BadValue` for what does not exist."""

    def __init__(self, uid: int, localtime: Path = LOCALTIME, queries: HostQueries | None = None) -> None:
        super().__init__(queries or HostQueries())
        self.calendars = CalendarLookup(Rights(frozenset({0, uid})), self._queries)
        self.uid = uid
        """Who the daemon is; only root can run tasks as somebody else."""
        self.daemon_zone: Zone | None = UTC_ZONE
        """The zone of tasks that name none; None: this host does not know the one that rocketd.toml names."""
        self.name = os.uname().nodename
        """What this host is called, for `hosts` of tasks."""
        self.tags: Collection[str] = ()
        self._localtime = localtime
        self._unit_checks = UnitChecks()
        self._answers = HostAnswers()
        self._recorded = HostAnswers()

    def record_answers(self) -> HostAnswers:
        """Start to record the lookups, for `still`."""
        self._recorded = HostAnswers()
        return self._recorded

    def is_unchanged(self, recorded: HostAnswers) -> bool:
        """Whether the host still answers as recorded."""
        try:
            selections = all(self.is_selected(hosts) is before for hosts, before in recorded.selections.items())
            identities = all(self.identity(*question) == before for question, before in recorded.identities.items())
            zones = all(self.zone(name) == before for name, before in recorded.zones.items())
            calendars = all(self.calendars.source(word) == before for word, before in recorded.calendars.items())
        except BadValue:
            return False
        return selections and identities and zones and calendars

    def identity(self, user: str, group: str) -> Identity | None:
        """Return the identity for this user and group, each possibly empty; None: the daemon's own."""
        known = self._answers.identities
        if (user, group) not in known:
            known[user, group] = self._identity(user, group)
        answer = self._recorded.identities[user, group] = known[user, group]
        return answer

    def is_selected(self, patterns: tuple[str, ...]) -> bool:
        """Whether a task with these `hosts` is for this host."""
        answer = self._recorded.selections[patterns] = is_selected(patterns, self.name, self.tags)
        return answer

    def calendars_of(self, conditions: Sequence[Condition]) -> Calendars:
        """Return the calendars that these conditions ask; raises UnknownCalendar."""
        found = self.calendars.of(conditions)
        if found is not NO_CALENDARS:
            self._recorded.calendars.update({word: self.calendars.source(word) for word in calendar_words(conditions)})
        return found

    def unit_complaints(self, lines: UnitLines) -> tuple[UnitComplaint, ...]:
        """What systemd says against settings of units."""
        return self._unit_checks.complaints(lines)

    def zone(self, name: str) -> Zone:
        """The zone of that name; empty: the daemon's, `local`: the host's."""
        known = self._answers.zones
        if name and name not in known:
            known[name] = self._zone(name)
        zone = known[name] if name else self.daemon_zone
        if zone is None:
            message = "no time zone is set here, and this host does not know the one in rocketd.toml"
            raise BadValue(message, fault=Fault.HOST)
        self._recorded.zones[name] = zone
        return zone

    def _zone(self, name: str) -> Zone:
        look_up = partial(_local, self._localtime) if name == LOCAL else partial(_named, name)
        try:
            return self._queries.ask(f"time zone {name}", QueryKind.FILE, look_up)
        except NoAnswer:
            message = f"time zone '{name}' cannot be read: its file system does not answer"
            raise BadValue(message, fault=Fault.HOST) from None

    def _identity(self, user: str, group: str) -> Identity | None:
        if not user and not group:
            return None
        entry = self._user(user or str(self.uid))
        gid = self._group(group) if group else _primary(entry)
        if entry.pw_uid == self.uid and gid == entry.pw_gid:
            return None
        self._check_permission(entry, gid)
        groups = self._named(f"the groups of '{entry.pw_name}'", partial(_groups, entry.pw_name, gid))
        return Identity(
            uid=entry.pw_uid,
            gid=gid,
            groups=groups,
            name=entry.pw_name,
            home=entry.pw_dir or "/",
            shell=entry.pw_shell or "/bin/sh",
        )

    def _user(self, user: str) -> pwd.struct_passwd:
        found = self._named(f"user '{user}'", partial(_entry, user))
        if found is None:
            hint = self._suggest(user, "/etc/passwd")
            raise BadValue(f"there is no user '{user}' on this host", hint, fault=Fault.IDENTITY)
        return found

    def _group(self, group: str) -> int:
        found = self._named(f"group '{group}'", partial(_gid, group), BadGroup)
        if found is None:
            hint = self._suggest(group, "/etc/group")
            raise BadGroup(f"there is no group '{group}' on this host", hint, fault=Fault.IDENTITY)
        return found

    def _named(self, what: str, look_up: Callable[[], T], error: type[BadValue] = BadValue) -> T:
        """Query the name service, which may be a remote directory server."""
        try:
            return self._queries.ask(f"the name service, looking up {what}", QueryKind.NAME, look_up)
        except NoAnswer:
            message = f"the name service does not answer: {what} cannot be looked up"
            raise error(message, "check whether getent(1) gets an answer", fault=Fault.HOST) from None

    def _suggest(self, name: str, path: str) -> str:
        """Return a similar name among the host's local names: a directory service may have a million."""
        try:
            return did_you_mean(name, self._queries.ask(path, QueryKind.FILE, partial(_names_in, path)))
        except (NoAnswer, OSError):
            return ""

    def _check_permission(self, entry: pwd.struct_passwd, gid: int) -> None:
        if self.uid == 0:
            return
        who = self._user(str(self.uid)).pw_name
        if entry.pw_uid != self.uid:
            raise BadValue(f"only root can run tasks as '{entry.pw_name}', and this daemon is '{who}'")
        raise BadGroup(f"only root can run tasks with group {gid}, and this daemon is '{who}'")


def _entry(user: str) -> pwd.struct_passwd | None:
    """Look a user up; one that is a number need not be known."""
    with suppress(KeyError):
        return pwd.getpwuid(_number(user)) if _is_number(user) else pwd.getpwnam(user)
    return pwd.struct_passwd((user, "", _number(user), -1, "", "/", "/bin/sh")) if _is_number(user) else None


def _groups(user: str, gid: int) -> tuple[int, ...]:
    """As os.getgrouplist, which stops every thread of the program for as long as the name service takes."""
    count = ctypes.c_int(_GROUPS)
    while True:
        size = count.value
        groups = (ctypes.c_uint32 * size)()
        if _LIBC.getgrouplist(os.fsencode(user), gid, groups, ctypes.byref(count)) >= 0:
            return tuple(groups[: count.value])
        count.value = max(count.value, 2 * size)


def _names_in(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - of the host
        return [line.partition(":")[0] for line in file]


def _primary(entry: pwd.struct_passwd) -> int:
    if entry.pw_gid < 0:
        message = f"user {entry.pw_name} is not in the user database, so its group must be set"
        raise BadValue(message, "add a group", fault=Fault.IDENTITY)
    return entry.pw_gid


def _gid(group: str) -> int | None:
    if _is_number(group):
        return _number(group, BadGroup)
    with suppress(KeyError):
        return grp.getgrnam(group).gr_gid
    return None


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _number(name: str, error: type[BadValue] = BadValue) -> int:
    number = int(name[:20])
    if number > _MAX_ID:
        raise error(f"{name} is above the highest possible number, {_MAX_ID}")
    return number


def _named(name: str) -> Zone:
    if name == "UTC":
        return UTC_ZONE  # a minimal host has no zone data, and still knows this one
    try:
        return Zone(ZoneInfo(name), name, name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, _zone_names())
        default_hint = "write a name such as Europe/Helsinki; the zones come from the package tzdata"
        raise BadValue(f"there is no time zone '{name}' on this host", hint or default_hint, fault=Fault.HOST) from None


@cache
def _zone_names() -> frozenset[str]:
    """Every zone there is; slow, for hints alone."""
    return frozenset({LOCAL, *available_timezones()})


def _local(localtime: Path) -> Zone:
    """Return the zone that localtime(5) links to; if it is a file, the zone in it; if it is missing, UTC."""
    name = _zone_name_of_link(localtime)
    with suppress(BadValue):
        return _named(name)
    with suppress(OSError, ValueError), localtime.open("rb") as file:
        return Zone(_zone_in(file.read()), "localtime", f":{localtime}")
    return UTC_ZONE


@lru_cache(maxsize=4)
def _zone_in(content: bytes) -> ZoneInfo:
    """Return the zone of a file: the same object for the same content, so that a change can be detected."""
    return ZoneInfo.from_file(BytesIO(content), key="localtime")


def _zone_name_of_link(localtime: Path) -> str:
    with suppress(OSError):
        _, found, name = str(localtime.readlink()).partition("/zoneinfo/")
        return name if found else ""
    return ""
