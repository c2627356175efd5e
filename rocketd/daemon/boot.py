"""What is to run once in this boot, and has not begun yet.

It is kept in the runtime directory, which goes when the host goes down: the id of the boot, when the first daemon of
this boot began, and a line for each task that is still to run. So a daemon that dies before all of them have begun
leaves the others to the next one. Dying between a run's record and its line is no harm: the record counts as well.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.core.entries import Stream
from rocketd.core.errors import RocketdError
from rocketd.core.events import Event, Started
from rocketd.core.instant import Instant
from rocketd.core.run import Run, Trigger
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import On

_FILE: Final = "boot-id"


def make_runtime_directory(directory: Path) -> None:
    """Make it, if nobody has; raises RocketdError."""
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        why = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise RocketdError(f"cannot use {directory}: {why}", hint="--runtime-dir chooses another directory") from error


class Boot:
    """The tasks with `on = "boot"` of one boot."""

    def __init__(self, runtime_directory: Path, boot_id: str) -> None:
        self._path = runtime_directory / _FILE
        self._boot_id = boot_id
        self._since: Instant = 0
        self._left: list[str] = []

    def begin(self, scheduler: Scheduler, now: Instant, late: Collection[str] = ()) -> None:
        """Make due what is still to run in this boot: all of it at the first start. Raises OSError.

        `late` are tasks that cannot be loaded yet, and may have to run as well.
        """
        loaded = [name for name, entry in scheduler.entries.items() if entry.task.on is On.BOOT]
        there = [*loaded, *late]
        if not self._read():
            self._since, self._left = now, there
        self._left = [name for name in there if name in self._left and not self._has_begun(scheduler, name)]
        self._write()
        for name in loaded:
            if name in self._left:
                scheduler.force(name, Trigger.BOOT, f"on {On.BOOT}")

    def admit(self, scheduler: Scheduler, name: str) -> None:
        """Make a task due that could not be loaded when this began, unless it has run in this boot."""
        if not self._has_begun(scheduler, name):
            if name not in self._left:
                self._left.append(name)
                with suppress(OSError):  # as below
                    self._write()
            scheduler.force(name, Trigger.BOOT, f"on {On.BOOT}")

    def watch(self, event: Event | tuple[Run, Stream, str]) -> None:
        """Strike out a run that has begun; its record is safe by now."""
        if isinstance(event, Started) and event.run.trigger is Trigger.BOOT and event.run.task in self._left:
            self._left.remove(event.run.task)
            with suppress(OSError):  # then it may run once more, at the next start in this boot
                self._write()

    def _has_begun(self, scheduler: Scheduler, name: str) -> bool:
        run = scheduler.history.of(name).scheduled
        return run is not None and run.trigger is Trigger.BOOT and run.start >= self._since

    def _read(self) -> bool:
        """Learn what was left; false at the first start in this boot."""
        try:
            boot_id, *kept = self._path.read_text(encoding="ascii").splitlines()
            self._since, self._left = int(kept[0]) if kept else 0, kept[1:]
        except (FileNotFoundError, ValueError):
            return False
        return boot_id == self._boot_id

    def _write(self) -> None:
        part = self._path.with_name(f"{_FILE}.part")
        part.write_text("".join(f"{line}\n" for line in (self._boot_id, self._since, *self._left)), encoding="ascii")
        part.replace(self._path)
