"""Finds unit files and their drop-ins in the directories of systemd (systemd.unit(5))."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass
from rocketd.importer.unit_file import UnitFile, UnknownSpecifier, expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SYSTEM: Final = tuple(
    map(
        Path, ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
    )
)
"""The first one that has a file counts."""


@dataclass(frozen=True, slots=True)
class UnitDirectories:
    """Directories of units, the most important first."""

    directories: tuple[Path, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> UnitDirectories:
        """Use those that are named, or that named files are in, and then systemd's own."""
        named = [Path(name) if Path(name).is_dir() else Path(name).parent for name in names if "/" in name]
        return cls((*dict.fromkeys(named), *_SYSTEM))

    def timers(self, names: Sequence[str]) -> list[str]:
        """Return the names of the timers that are meant: named, in a directory that is named, or enabled."""
        if not names:
            return sorted(self._enabled())
        found: dict[str, None] = {}
        for name in names:
            path = Path(name)
            if "/" in name and path.is_dir():
                found |= dict.fromkeys(sorted(one.name for one in path.glob("*.timer") if one.is_file()))
            else:
                found[path.name if path.suffix == ".timer" else f"{path.name}.timer"] = None
        return list(found)

    def _enabled(self) -> Iterator[str]:
        linked = {
            name
            for directory in self.directories
            for folder in _names_in(directory, (".wants", ".requires"))
            for name in _names_in(directory / folder, (".timer",))
        }
        yield from (name for name in linked if self._path(name) is not None)

    def read(self, name: str) -> UnitFile | None:
        """Read a unit with its drop-ins; None: there is none, or it is masked. Raises OSError."""
        path = self._path(name)
        if path is None:
            return None
        kind = name.rpartition(".")[2]
        drop_ins: dict[str, Path] = {}
        for each in (kind, *reversed(_names_of(name))):
            for directory in reversed(list(self._each(f"{each}.d"))):
                drop_ins |= {one: directory / one for one in _names_in(directory, (".conf",))}
        found = (path, *(drop_ins[key] for key in sorted(drop_ins) if drop_ins[key].is_file()))
        return _expanded(UnitFile.read(name, [one.read_text("utf-8", "replace") for one in found]))

    def _path(self, name: str) -> Path | None:
        """Return the file of a unit; None: there is none, or it is masked."""
        path = next((one for each in _names_of(name) for one in self._each(each) if one.exists()), None)
        return path if path is not None and path.is_file() and path.stat().st_size else None

    def _each(self, name: str) -> Iterator[Path]:
        return (directory / name for directory in self.directories)


def _names_of(name: str) -> list[str]:
    """Return what a unit's file may be called: an instance may have that of its template."""
    return [name, *([f"{name.partition('@')[0]}@.{name.rpartition('.')[2]}"] if "@" in name else [])]


def _names_in(directory: Path, endings: tuple[str, ...]) -> list[str]:
    """Return the names in a directory that end so; none if it cannot be read. `glob` would take five times as long."""
    try:
        return [name for name in os.listdir(directory) if name.endswith(endings)]  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _expanded(unit: UnitFile) -> UnitFile:
    """Replace specifiers outside of [Service], where commands need them as they are."""
    for (section, key), values in unit.settings.items():
        if section != "Service":
            unit.settings[section, key] = [_as_far_as_known(value, unit.name) for value in values]
    return unit


def _as_far_as_known(value: str, name: str) -> str:
    try:
        return expanded(value, name)
    except UnknownSpecifier:
        return value
