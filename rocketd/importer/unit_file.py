"""Reads unit files of systemd with their drop-ins: sections, keys, values in order (systemd.syntax(7))."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rocketd.core.dataclass import dataclass, field

_TRUE: Final = frozenset({"1", "yes", "true", "on", "y", "t"})


@dataclass(slots=True)
class UnitFile:
    """The settings of a unit; an empty value clears those before it."""

    name: str
    settings: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, texts: Iterable[str]) -> UnitFile:
        """Read the unit file and its drop-ins, in this order."""
        unit = cls(name)
        for text in texts:
            unit._read(text)
        return unit

    def _read(self, text: str) -> None:
        section = ""
        for line in _logical_lines(text.removeprefix("\ufeff")):  # systemd leaves it out as well
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif "=" in line:
                key, _, value = line.partition("=")
                values = self.settings.setdefault((section, key.strip()), [])
                if not value.strip():
                    values.clear()
                else:
                    values.append(value.strip())

    def all(self, section: str, key: str) -> list[str]:
        """Return every value of a key."""
        return self.settings.get((section, key), [])

    def last(self, section: str, key: str, default: str = "") -> str:
        """Return the value that counts of a key that has one."""
        values = self.all(section, key)
        return values[-1] if values else default

    def flag(self, section: str, key: str) -> bool:
        """Whether a boolean is set."""
        return self.last(section, key).lower() in _TRUE


def _logical_lines(text: str) -> list[str]:
    """Join lines that end with a backslash; comments in between are left out."""
    lines: list[str] = []
    held = ""
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not held):
            continue
        if line.endswith("\\"):
            held += f"{line[:-1]} "
            continue
        lines.append((held + line).strip())
        held = ""
    return [*lines, held.strip()] if held.strip() else lines


_SPECIFIERS: Final = {"t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "%": "%"}


class UnknownSpecifier(Exception):
    """A `%` specifier that only systemd knows."""


def expanded(text: str, unit: str) -> str:
    """Replace the specifiers that follow from the name of the unit; raises UnknownSpecifier for others."""
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    unescaped = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), instance.replace("-", "/"))
    known = _SPECIFIERS | {"n": unit, "N": stem, "p": prefix, "i": instance, "I": unescaped}

    def one(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise UnknownSpecifier(found[0])
        return known[found[1]]

    return re.sub("%(.)", one, text)
