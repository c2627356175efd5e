r"""The names of units: one unit for each run, so that systemd itself refuses to start a run twice.

`rocketd-backup-7.service` is run 7 of `backup`. A `-` of the task's name is written `\x2d`, as systemd-escape(1) does:
so the last `-` separates the number, and a drop-in directory `rocketd-backup-.service.d` concerns this task alone.
"""

import hashlib
import re
from typing import Final

SLICE: Final = "rocketd.slice"
PATTERN: Final = "rocketd-*-*.service"
"""What matches the unit of every run."""
_LONGEST: Final = 200
"""Of an escaped task name: the name of a unit has 255 bytes at most."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9:_]")


def unit_name(task: str, number: int) -> str:
    """Return the name of a run's unit."""
    return f"{unit_prefix(task)}{number}.service"


def unit_prefix(task: str) -> str:
    """Return what the names of a task's units begin with, and no other task's."""
    name = "".join(_escaped(character, first=at == 0) for at, character in enumerate(task))
    if len(name) > _LONGEST:
        digest = hashlib.sha256(task.encode()).hexdigest()[:16]
        name = f"{name[:160].rpartition(chr(92))[0]}:{digest}"
    return f"rocketd-{name}-"


def object_path(unit: str) -> str:
    """Return where systemd has a unit on the bus."""
    return "/org/freedesktop/systemd1/unit/" + "".join(
        chr(byte) if chr(byte).isascii() and (chr(byte).isalpha() or (chr(byte).isdigit() and at)) else f"_{byte:02x}"
        for at, byte in enumerate(unit.encode())
    )


def _escaped(character: str, *, first: bool) -> str:
    if _PLAIN.fullmatch(character) or (character == "." and not first):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())
