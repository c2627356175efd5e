"""Writes what a task tells systemd about the units of its runs: a drop-in for all units of that task.

systemd reads it when it loads the next unit, without a reload: systemd.unit(5), on directories for a prefix of the
name. Its own parser reads the lines, so there is nothing that rocketd would have to know of them. The directory is in
/run, and so empty after a boot.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.core.model.task import Task
from rocketd.executor.unit.unit_name import UnitNames

DIRECTORY: Final = Path("/run/systemd/system")
_FILE: Final = "50-rocketd.conf"
_HEAD: Final = "# By rocketd, from the task's own file: [task.{name}.unit]\n[Service]\n"


class DropInFiles:
    """The drop-ins of all tasks of one daemon."""

    def __init__(self, names: UnitNames, directory: Path = DIRECTORY) -> None:
        self._names = names
        self._directory = directory
        self._written: dict[str, str] = dict(self._found())

    def update(self, task: Task) -> None:
        """Write what this task says, unless it is there already; raises OSError."""
        prefix = self._names.prefix(task.name)
        wanted = _text(task) if task.unit else ""
        if self._written.get(prefix, "") == wanted:
            return
        place = self._directory / f"{prefix}.service.d"
        if wanted:
            place.mkdir(exist_ok=True)
            place.chmod(0o755)  # whatever our umask: everybody can read it anyway, and systemd warns of others
            part = place / f"{_FILE}.part"
            part.write_text(wanted, encoding="utf-8")
            part.chmod(0o644)
            part.replace(place / _FILE)
            self._written[prefix] = wanted
        else:
            (place / _FILE).unlink(missing_ok=True)
            with suppress(OSError):  # the administrator has something there as well
                place.rmdir()
            del self._written[prefix]

    def _found(self) -> Mapping[str, str]:
        found = {}
        with suppress(OSError):
            for file in self._directory.glob(f"{self._names.daemon}-*-.service.d/{_FILE}"):
                with suppress(OSError, UnicodeDecodeError):
                    found[os.fspath(file.parent.name).removesuffix(".service.d")] = file.read_text(encoding="utf-8")
        return found


def _text(task: Task) -> str:
    return _HEAD.format(name=task.name) + "".join(f"{key}={value}\n" for key, value in task.unit)
