"""What is to run once in this boot, and has not begun yet.

It is kept in the runtime directory, which goes when the host goes down: the id of the boot, and a line for each task
that is still to run, with the number that its run will have at least. So a daemon that dies before all of them have
begun leaves the others to the next one. Dying between a run's record and its line is no harm: the record counts as
well, by its number and not by its time, as the clock may be set in between.

Where the runtime directory cannot be written, it is kept in the state directory; what both say of this boot counts.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Started, Withdrawn
from rocketd.core.model.run import Trigger
from rocketd.core.model.task import On
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.store.regular_file import read_regular

_FILE: Final = "boot-id"
_STARTED: Final = "-"
"""The value in place of the number once the run has begun."""


class BootTasks:
    """The tasks with `on = "boot"` of one boot."""

    def __init__(
        self,
        directories: Sequence[Path],
        boot_id: str,
        save: Callable[[Callable[[], str]], object] = lambda write: write(),
    ) -> None:
        """It is kept in the first directory that takes it.

        `save` has it written, by calling what it is given, now or later: that says why no directory takes it.
        """
        self._paths = [directory / _FILE for directory in directories]
        self._save = save
        self._boot_id = boot_id
        self._pending: dict[str, int] = {}
        """Which are still to run, with the least number that their runs in this boot can have."""
        self._started: dict[str, None] = {}

    def load(self, scheduler: Scheduler, late_tasks: Collection[str] = ()) -> None:
        """Make due what is still to run in this boot: all of it at the first start.

        `late_tasks` are tasks that cannot be loaded yet, and may have to run as well.
        """
        loaded = [name for name, entry in scheduler.tasks.items() if entry.task.on is On.BOOT]
        names = [*loaded, *late_tasks]
        first = not self._read()
        known = {name: scheduler.history.of(name).next_number for name in names} if first else self._pending
        self._pending = {name: known[name] for name in names if name in known}
        for name in [name for name in self._pending if self._has_started(scheduler, name)]:
            self._mark_started(name)
        self._write()
        for name in loaded:
            if name in self._pending:
                scheduler.force(name, Trigger.BOOT, f"on {On.BOOT}")

    def add_late(self, scheduler: Scheduler, name: str) -> None:
        """Make a task due that could not be loaded when this began, unless it has run in this boot."""
        if name in self._started or self._has_started(scheduler, name):
            return
        if name not in self._pending:
            self._pending[name] = scheduler.history.of(name).next_number
            self._write()
        scheduler.force(name, Trigger.BOOT, f"on {On.BOOT}")

    def handle_event(self, event: Event | OutputLine) -> None:
        """Strike out a run that has begun, its record being safe; one that turns out not to have is still to run."""
        if not isinstance(event, Started | Withdrawn) or event.run.trigger is not Trigger.BOOT:
            return
        name = event.run.task
        if isinstance(event, Started) and name in self._pending:
            self._mark_started(name)
        elif isinstance(event, Withdrawn) and name in self._started:
            del self._started[name]
            self._pending[name] = event.run.number + 1
        else:
            return
        self._write()

    def _mark_started(self, name: str) -> None:
        del self._pending[name]
        self._started[name] = None

    def _has_started(self, scheduler: Scheduler, name: str) -> bool:
        run = scheduler.history.of(name).last_scheduled
        started = run is not None and run.trigger is Trigger.BOOT
        return started and run is not None and name in self._pending and run.number >= self._pending[name]

    def _read(self) -> bool:
        """Learn what was left; false at the first start in this boot."""
        states = [one for one in map(self._read_file, self._paths) if one is not None]
        self._started = dict.fromkeys(name for _, started in states for name in started)
        pending = [pending for pending, _ in states]
        self._pending = {
            name: number
            for known in pending
            for name, number in known.items()
            if all(name in other for other in pending)
        }
        return bool(states)

    def _read_file(self, path: Path) -> tuple[dict[str, int], list[str]] | None:
        """What this file says of this boot: which tasks are left, with their numbers, and which have begun."""
        try:
            boot_id, *lines = read_regular(path).splitlines()
            entries = [(number, name) for number, _, name in (line.partition(" ") for line in lines)]
            pending = {name: int(number) for number, name in entries if number != _STARTED}
        except (OSError, ValueError):
            return None
        return (pending, [name for number, name in entries if number == _STARTED]) if boot_id == self._boot_id else None

    def _write(self) -> None:
        lines = [f"{number} {name}" for name, number in self._pending.items()] + [
            f"{_STARTED} {name}" for name in self._started
        ]
        text = "".join(f"{line}\n" for line in (self._boot_id, *lines))
        self._save(partial(_write_anywhere, self._paths, text))


def _write_anywhere(paths: Sequence[Path], text: str) -> str:
    why = ""
    for path in paths:
        try:
            _write_file(path, text)
        except OSError as error:
            with suppress(OSError):  # what it says is not so any more
                path.unlink()
            why = why or f"{path} cannot be written: {error.strerror}"
        else:
            return ""
    return f'{why}; tasks with on = "boot" may run again if rocketd restarts before the next boot'


def _write_file(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # a FIFO would block, a link could lead to a file of anybody
        with part.open("x", encoding="ascii") as file:
            file.write(text)
    except OSError:
        with suppress(OSError):  # it would take the room of the next
            part.unlink()
        raise
    part.replace(path)
