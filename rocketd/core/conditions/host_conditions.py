"""The words about the host that are observed by probes: a path, a unit, the load, a command, a variable."""

from __future__ import annotations

import re
from typing import Final

from rocketd.core.conditions.probe import Probe
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration, parse_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import HOUR, SECOND, Duration
from rocketd.core.string_literals import quoted

EVERY: Final[Duration] = 30 * SECOND
"""How often a command is tried by default."""
TIMEOUT: Final[Duration] = 10 * SECOND
"""How long a command may take by default."""
LOAD_EVERY: Final[Duration] = 15 * SECOND
"""The kernel averages over a minute; looking more often shows nothing new."""

_LEAST: Final[Duration] = SECOND
_MOST: Final[Duration] = 24 * HOUR
_PATH_BYTES: Final = 4095
_UNIT_BYTES: Final = 255
_HIGHEST_LOAD: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PathExists(Probe):
    """For while there is something at that path; links are followed."""

    path: str

    @classmethod
    def of(cls, path: str) -> PathExists:
        """Check the path; raises ConditionError."""
        _refuse_control(path, "a path")
        if not path.startswith("/"):
            raise ConditionError(f"{path or 'an empty text'} is not a path from /", hint="write /run/ready", about=path)
        if len(path.encode(errors="surrogatepass")) > _PATH_BYTES:
            raise ConditionError(f"a path has at most {_PATH_BYTES} bytes", about=path)
        return cls(path)

    @property
    def interval(self) -> Duration | None:
        return None

    def __str__(self) -> str:
        return f"path_exists({quoted(self.path)})"


_UNIT: Final = re.compile(r"[A-Za-z0-9:_.\\@-]+")
_SUFFIXES: Final = (
    "service",
    "socket",
    "target",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
)


@dataclass(frozen=True, slots=True)
class UnitActive(Probe):
    """For while systemd says that the unit is active, as `systemctl is-active` does."""

    unit: str
    """With its suffix."""

    @classmethod
    def of(cls, unit: str) -> UnitActive:
        """Check the name, and give it the suffix `.service` if it has none; raises ConditionError."""
        if not _UNIT.fullmatch(unit) or len(unit) > _UNIT_BYTES:
            raise ConditionError(f"{unit[:80] or 'an empty text'} is not the name of a unit", hint=_UNITS, about=unit)
        name = unit if unit.rpartition(".")[2] in _SUFFIXES else f"{unit}.service"
        if name.rpartition(".")[0].endswith("@"):
            raise ConditionError(f"{unit} is a template", hint="name one of its units, as in getty@tty1", about=unit)
        return cls(name)

    @property
    def interval(self) -> Duration | None:
        return None

    def __str__(self) -> str:
        return f"unit_active({quoted(self.unit)})"


_UNITS: Final = "write postgresql.service"


@dataclass(frozen=True, slots=True)
class LoadBelow(Probe):
    """For while the host's load, averaged over a minute, is below that."""

    limit: float

    @classmethod
    def of(cls, limit: float) -> LoadBelow:
        """Check the number; raises ConditionError."""
        if isinstance(limit, bool) or not 0 < round(limit, 2) <= _HIGHEST_LOAD:
            raise ConditionError("a load is more than 0 and at most a million", hint="write 2.0", about=limit)
        return cls(round(float(limit), 2))

    @property
    def interval(self) -> Duration | None:
        return LOAD_EVERY

    def __str__(self) -> str:
        return f"load_below({self.limit})"


@dataclass(frozen=True, slots=True)
class CommandSucceeds(Probe):
    """For while a text for `/bin/sh -c` exits with 0; unknown if it cannot be run, hangs, or dies of a signal."""

    command: str
    every: Duration = EVERY
    timeout: Duration = TIMEOUT

    @classmethod
    def of(cls, command: str, *, every: str = "30s", timeout: str = "10s") -> CommandSucceeds:
        """Read the durations; raises ConditionError."""
        if not command.strip() or "\0" in command:
            raise ConditionError("a command is a text for /bin/sh", hint='as in "pg_isready -q"', about=command)
        return cls(command, _duration(every), _duration(timeout))

    @property
    def interval(self) -> Duration | None:
        return self.every

    def __str__(self) -> str:
        every = "" if self.every == EVERY else f', every="{format_duration(self.every)}"'
        timeout = "" if self.timeout == TIMEOUT else f', timeout="{format_duration(self.timeout)}"'
        return f"command_succeeds({quoted(self.command)}{every}{timeout})"


@dataclass(frozen=True, slots=True)
class EnvironmentIs(Probe):
    """For if a variable of the daemon's own environment has that value, or is set to anything if none is named."""

    name: str
    value: str | None = None

    @classmethod
    def of(cls, name: str, value: str | None = None) -> EnvironmentIs:
        """Check the name; raises ConditionError."""
        if not name or "=" in name:
            raise ConditionError(f"{name or 'an empty text'} is not the name of a variable", about=name)
        for text in (name, value or ""):
            _refuse_control(text, "a variable")
        return cls(name, value)

    @property
    def interval(self) -> Duration | None:
        return None

    def __str__(self) -> str:
        return f"env({quoted(self.name)}{'' if self.value is None else f', {quoted(self.value)}'})"


def _duration(text: str) -> Duration:
    length = parse_length(text)
    if not _LEAST <= length <= _MOST:
        raise ConditionError("allowed: from one second to one day", end=len(text), about=text)
    return length


def _refuse_control(text: str, what: str) -> None:
    if "\0" in text:
        raise ConditionError(f"{what} cannot contain a NUL", about=text)
