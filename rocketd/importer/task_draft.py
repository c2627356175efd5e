"""A task that is being imported: its settings, where it comes from, and what of it has no equivalent."""

from __future__ import annotations

from typing import TypeAlias

from rocketd.core.dataclass import dataclass, field

Value: TypeAlias = "str | int | bool | list[str] | list[int] | dict[str, Value]"
"""What a setting holds, as TOML knows it."""


@dataclass(frozen=True, slots=True)
class OldSchedule:
    """When the entry starts where it is now."""

    lines: tuple[str, ...] = ()
    """Cron lines of five fields, or `OnCalendar=` lines; none: it has no fixed times."""
    is_calendar: bool = False
    zone: str = ""
    """Empty: that of the host."""
    unlike: str = ""
    """Why the times of the task are not to be compared with these; empty: they are."""


@dataclass(slots=True)
class TaskDraft:
    """One task to be."""

    origin: str
    """File and line, or the unit."""
    original: list[str]
    """The lines of the entry."""
    program: str = ""
    """What its name may be made of."""
    name: str = ""
    settings: dict[str, Value] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    clock: str = ""
    """The part of its condition that is about time."""
    guards: list[str] = field(default_factory=list)
    """The other parts of its condition."""
    old: OldSchedule = OldSchedule()
    notes: list[str] = field(default_factory=list)
    """What is not the same."""
    missing: list[str] = field(default_factory=list)
    """What has no equivalent."""

    @property
    def when(self) -> str:
        """Its whole condition; empty: it has none."""
        clock = f"({self.clock})" if " | " in self.clock and self.guards else self.clock
        return " & ".join(filter(None, [clock, *self.guards]))


@dataclass(frozen=True, slots=True)
class NotImported:
    """An entry that could not be read, and why."""

    origin: str
    original: str
    why: str


@dataclass(slots=True)
class ImportedFile:
    """What one source becomes."""

    source: str
    """The file, directory or kind of units that it comes from."""
    name: str
    """The name of the task file, without `.toml`."""
    header: list[str]
    """Sentences about all of its tasks."""
    drafts: list[TaskDraft] = field(default_factory=list)
    rejected: list[NotImported] = field(default_factory=list)
    private: bool = False
    """Whether only its owner may read the source."""


def literal(text: str) -> str:
    """Return a text as a condition quotes it, in single quotes if possible."""
    if "'" not in text and "\\" not in text and text.isprintable():
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
