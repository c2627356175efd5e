"""Watches the files of the calendars of a session: a change takes effect while it runs."""

from collections.abc import Callable, Sequence

from rocketd.config.calendar_files import CalendarFile
from rocketd.core.instant import Instant
from rocketd.core.messages.message import Message, Priority
from rocketd.daemon.ports import Journal
from rocketd.executor.process.network_mounts import Mounts
from rocketd.probes.calendar_watcher import CalendarWatcher


class SessionCalendars:
    """Calls `on_change` after each change, on the loop's thread, and reports what is wrong with a file."""

    def __init__(self, journal: Journal, on_change: Callable[[], None]) -> None:
        self._journal = journal
        self._watcher = CalendarWatcher(on_change, Mounts())
        self._problems: frozenset[str] = frozenset()

    def watch(self, files: Sequence[CalendarFile]) -> None:
        """From now on watch these, as they were read, and no others."""
        problems = frozenset(file.problem for file in files if file.problem)
        for problem in sorted(problems - self._problems):
            self._journal.write(Message(f"nothing is known of the days of a calendar: {problem}", Priority.ERROR))
        self._problems = problems
        self._watcher.watch((file.path, file.directory) for file in files)

    def check(self, _: Instant) -> None:
        """Look whether files have changed that nobody reports, as on a network file system."""
        self._watcher.check()

    def close(self) -> None:
        """Stop watching."""
        self._watcher.close()
