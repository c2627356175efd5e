"""Looks up what a task file only names: users, groups, time zones, programs.

Each lookup is made once per load and remembered: an unchanged file is read again if the host now answers differently
(a user joined a group, the host moved to another zone). The name service and the file systems may never answer, so
`HostQueries` queries them.
"""

import os
import pwd
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, tzinfo
from functools import cache, lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from rocketd.config import account_names
from rocketd.config.account_names import BadGroup
from rocketd.config.calendar_lookup import CalendarLookup
from rocketd.config.host_queries import HostQueries, NoAnswer, QueryKind
from rocketd.config.path_checks import PathChecks
from rocketd.config.problems import BadValue, Fault
from rocketd.config.task_files import Rights
from rocketd.config.unit_checks import UnitChecks, UnitComplaint
from rocketd.config.unit_table import UnitLines
from rocketd.core.conditions.calendar_word import CalendarWord, calendar_words
from rocketd.core.dataclass import dataclass, field
from rocketd.core.host_patterns import is_selected
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Identity
from rocketd.core.model.work_calendar import NO_CALENDARS, Calendars, WorkCalendar
from rocketd.core.suggestion import did_you_mean

T = TypeVar("T")

LOCAL: Final = "local"
LOCALTIME: Final = Path("/etc/localtime")


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
    operators: dict[str, int | None] = field(default_factory=dict)
    """The ids of users, and of groups that begin with `@`; None: there is none of that name, or nobody answers."""


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
            operators = all(self._operator(name) == before for name, before in recorded.operators.items())
        except BadValue:
            return False
        return selections and identities and zones and calendars and operators

    def identity(self, user: str, group: str) -> Identity | None:
        """Return the identity for this user and group, each possibly empty; None: the daemon's own."""
        known = self._answers.identities
        if (user, group) not in known:
            known[user, group] = self._identity(user, group)
        answer = self._recorded.identities[user, group] = known[user, group]
        return answer

    def operator(self, name: str) -> int:
        """Return the id of a user, or of the group behind an `@`, who may operate a task."""
        self._recorded.operators[name] = None
        self._recorded.operators[name] = number = self._account(name)
        return number

    def _operator(self, name: str) -> int | None:
        try:
            return self._account(name)
        except BadValue:
            return None

    def _account(self, name: str) -> int:
        known = self._answers.operators
        if (number := known.get(name)) is None:
            number = known[name] = self._group(name[1:]) if name.startswith("@") else self._user(name).pw_uid
        return number

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
        groups = self._named(f"the groups of '{entry.pw_name}'", partial(account_names.groups_of, entry.pw_name, gid))
        return Identity(
            uid=entry.pw_uid,
            gid=gid,
            groups=groups,
            name=entry.pw_name,
            home=entry.pw_dir or "/",
            shell=entry.pw_shell or "/bin/sh",
        )

    def _user(self, user: str) -> pwd.struct_passwd:
        found = self._named(f"user '{user}'", partial(account_names.user_entry, user))
        if found is None:
            hint = self._suggest(user, "/etc/passwd")
            raise BadValue(f"there is no user '{user}' on this host", hint, fault=Fault.IDENTITY)
        return found

    def _group(self, group: str) -> int:
        found = self._named(f"group '{group}'", partial(account_names.group_id, group), BadGroup)
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
            return did_you_mean(name, self._queries.ask(path, QueryKind.FILE, partial(account_names.names_in, path)))
        except (NoAnswer, OSError):
            return ""

    def _check_permission(self, entry: pwd.struct_passwd, gid: int) -> None:
        if self.uid == 0:
            return
        who = self._user(str(self.uid)).pw_name
        if entry.pw_uid != self.uid:
            raise BadValue(f"only root can run tasks as '{entry.pw_name}', and this daemon is '{who}'")
        raise BadGroup(f"only root can run tasks with group {gid}, and this daemon is '{who}'")


def _primary(entry: pwd.struct_passwd) -> int:
    if entry.pw_gid < 0:
        message = f"user {entry.pw_name} is not in the user database, so its group must be set"
        raise BadValue(message, "add a group", fault=Fault.IDENTITY)
    return entry.pw_gid


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


def host_zone_name(localtime: Path = Path("/etc/localtime")) -> str:
    """Return the name of the host's time zone; `localtime` if it has none."""
    return _local(localtime).name


def _zone_name_of_link(localtime: Path) -> str:
    with suppress(OSError):
        _, found, name = str(localtime.readlink()).partition("/zoneinfo/")
        return name if found else ""
    return ""
