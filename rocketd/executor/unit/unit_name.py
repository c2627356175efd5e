r"""The names of units: one unit for each run, so that systemd itself refuses to start a run twice.

`rocketd-backup-7.service` is run 7 of `backup`. A `-` of the task's name is written `\x2d`, as systemd-escape(1) does:
so the last `-` separates the number, and a drop-in directory `rocketd-backup-.service.d` concerns this task alone.

A daemon with another runtime directory than `/run/rocketd` has other names, as both may have a run 7 of `backup`:
`rocketd:test-backup-7.service` is one of the daemon with `/run/test`. No two daemons have the same runtime directory.

Commands that are not runs have a `.` where runs have a `-`: `rocketd.hook-1c9e5d52.service` is a hook. So what a
task tells systemd about its runs is not about them.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Final

from rocketd.core.dataclass import dataclass

SLICE: Final = "rocketd.slice"
_DEFAULT: Final = "rocketd"
_RUN: Final = Path("/run")
_LONGEST: Final = 200
"""Of an escaped task name: the name of a unit has 255 bytes at most."""
_LONGEST_DIRECTORY: Final = 60
_CUT: Final = 40
"""How much shorter than it may be what is left of a name that is too long: its digest follows."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9:_]")


@dataclass(frozen=True, slots=True)
class UnitNames:
    """The names of one daemon's units."""

    daemon: str = _DEFAULT
    """What all of them begin with."""

    @classmethod
    def of_daemon(cls, runtime_directory: Path) -> "UnitNames":
        """Return those of the daemon that has this runtime directory."""
        directory = Path(os.path.realpath(runtime_directory))  # which takes links that lead in a circle as well
        if directory == _RUN / _DEFAULT:
            return cls()
        name = str(directory.relative_to(_RUN) if directory.is_relative_to(_RUN) else directory)
        escaped = _escaped(name).replace(".", r"\x2e")
        return cls(f"{_DEFAULT}:{_shortened(escaped, name, _LONGEST_DIRECTORY)}")

    def of_run(self, task: str, number: int) -> str:
        """Return the name of a run's unit."""
        return f"{self.prefix(task)}{number}.service"

    def prefix(self, task: str) -> str:
        """Return what the names of a task's units begin with, and no other task's."""
        longest = _LONGEST - len(self.daemon) + len(_DEFAULT)
        return f"{self.daemon}-{_shortened(_escaped(task), task, longest)}-"

    def of_command(self, kind: str, run_id: str) -> str:
        """Return the name of the unit of a command that is not a run."""
        return f"{self.daemon}.{kind}-{run_id.partition('-')[0]}.service"

    @property
    def runs(self) -> str:
        """A pattern that matches the unit of every run."""
        return f"{self.daemon}-*-*.service"

    @property
    def commands(self) -> str:
        """A pattern that matches the unit of every command that is not a run."""
        return f"{self.daemon}.*-*.service"

    def is_run(self, unit: str) -> bool:
        """Whether a unit that matches `runs` has the name of a run: a service of the administrator may match, too."""
        return unit.removeprefix(f"{self.daemon}-").count("-") == 1 and unit[:-8].rpartition("-")[2].isdigit()


def object_path(unit: str) -> str:
    """Return where systemd has a unit on the bus."""
    return "/org/freedesktop/systemd1/unit/" + "".join(
        chr(byte) if chr(byte).isascii() and (chr(byte).isalpha() or (chr(byte).isdigit() and at)) else f"_{byte:02x}"
        for at, byte in enumerate(unit.encode())
    )


def _shortened(escaped: str, name: str, longest: int) -> str:
    if len(escaped) <= longest:
        return escaped
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    begin = escaped[: longest - _CUT]
    return f"{begin.rpartition(chr(92))[0] or begin}:{digest}"


def _escaped(name: str) -> str:
    return "".join(_escaped_character(character, first=at == 0) for at, character in enumerate(name))


def _escaped_character(character: str, *, first: bool) -> str:
    if _PLAIN.fullmatch(character) or (character == "." and not first):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())
