"""Finds unit files and their drop-ins in the directories of systemd (systemd.unit(5))."""

from __future__ import annotations

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
        names = {
            link.name
            for directory in self.directories
            for pattern in ("*.wants/*.timer", "*.requires/*.timer")
            for link in directory.glob(pattern)
        }
        yield from (name for name in names if self.read(name) is not None)

    def read(self, name: str) -> UnitFile | None:
        """Read a unit with its drop-ins; None: there is none, or it is masked. Raises OSError."""
        names = [name, *([f"{name.partition('@')[0]}@.{name.rpartition('.')[2]}"] if "@" in name else [])]
        path = next((one for each in names for one in self._each(each) if one.exists()), None)
        if path is None or not path.is_file() or path.stat().st_size == 0:
            return None
        kind = name.rpartition(".")[2]
        drop_ins: dict[str, Path] = {}
        for each in (kind, *reversed(names)):
            for directory in reversed(list(self._each(f"{each}.d"))):
                drop_ins |= {one.name: one for one in directory.glob("*.conf") if one.is_file()}
        texts = [one.read_text("utf-8", "replace") for one in (path, *(drop_ins[key] for key in sorted(drop_ins)))]
        return _expanded(UnitFile.read(name, texts))

    def _each(self, name: str) -> Iterator[Path]:
        return (directory / name for directory in self.directories)


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
