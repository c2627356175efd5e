"""The queue of deliveries: written by a thread of its own, in groups, so that the loop waits for no disk.

While the file cannot be written, deliveries go on from memory; what could not be written is written with the next
group.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.background_threads import WorkerThread
from rocketd.core.dataclass import dataclass, field
from rocketd.notifications.database import DeliveryRow, NotificationDatabase, StoredState

CLOSE_TIMEOUT: Final = 5.0
"""Seconds for the last writes when the daemon stops."""
MAX_UNWRITTEN: Final = 10_000
"""The most rows that wait in memory for a file that cannot be written."""


@dataclass(slots=True)
class _WriteGroup:
    added: list[tuple[Sequence[DeliveryRow], Callable[[Sequence[bool]], None]]] = field(default_factory=list)
    finished: list[tuple[str, str]] = field(default_factory=list)
    position: tuple[int, frozenset[str]] | None = None
    overdue: Mapping[str, int] | None = None

    def __bool__(self) -> bool:
        return bool(self.added or self.finished or self.position or self.overdue is not None)


class DeliveryQueue:
    """Keeps what has to be delivered. Everything but `load` returns at once, and is called on the loop's thread."""

    def __init__(self, path: Path, report: Callable[[str], None]) -> None:
        """`report` is called on the loop's thread with why the file cannot be written; empty: it can again."""
        self._database = NotificationDatabase(path)
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._group = _WriteGroup()
        self._unwritten: list[DeliveryRow] = []
        self._error = ""
        self._thread = WorkerThread("notifications", self._run)
        self._started = False

    def load(self) -> StoredState:
        """Read what an earlier daemon has left. Blocks, and may be called on any thread, once, before all else.

        Raises OSError and sqlite3.Error.
        """
        return self._database.load()

    @property
    def damaged(self) -> str:
        """Where a file that could not be read was put; empty: there was none."""
        return self._database.damaged

    def add(self, rows: Sequence[DeliveryRow], on_added: Callable[[Sequence[bool]], None]) -> None:
        """Write rows, then call `on_added` with which of them are new; those that cannot be written count as new."""
        self._change(lambda group: group.added.append((rows, on_added)))

    def finish(self, event: str, target: str) -> None:
        """Note that this has been delivered, or given up."""
        self._change(lambda group: group.finished.append((event, target)))

    def save_overdue(self, overdue: Mapping[str, int]) -> None:
        """Note the tasks that were reported as overdue, and since when they are."""

        def change(group: _WriteGroup) -> None:
            group.overdue = overdue

        self._change(change)

    def save_position(self, position: int, failing: frozenset[str]) -> None:
        """Note up to where the run log is known here, with the tasks that had failed last."""

        def change(group: _WriteGroup) -> None:
            group.position = position, failing

        self._change(change)

    def close(self) -> None:
        """Write what is left, unless that takes too long. Blocks."""
        if not self._started or self._thread.close(CLOSE_TIMEOUT):
            self._database.close()

    def _change(self, change: Callable[[_WriteGroup], None]) -> None:
        if not self._started:
            self._started = True
            self._thread.start()
        with self._thread.changing():
            change(self._group)

    # -- on its thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._thread.waiting_for(lambda: self._group or self._thread.closing):
                group, self._group = self._group, _WriteGroup()
                if not group:
                    return
            self._write(group)

    def _write(self, group: _WriteGroup) -> None:
        database = self._database
        try:
            database.begin()
            database.add(self._unwritten)
            new = [database.add(rows) for rows, _ in group.added]
            database.finish(group.finished)
            if group.position is not None:
                database.save_position(*group.position)
            if group.overdue is not None:
                database.save_overdue(group.overdue)
            database.commit()
        except (sqlite3.Error, OSError) as error:
            database.close()
            self._keep(group)
            self._show(str(error))
            new = [[True] * len(rows) for rows, _ in group.added]
        else:
            self._unwritten.clear()
            self._show("")
        for (_, on_added), known in zip(group.added, new, strict=True):
            self._call(lambda on_added=on_added, known=known: on_added(known))  # type: ignore[misc]  # mypy infers no lambda with defaults

    def _keep(self, group: _WriteGroup) -> None:
        """Keep the rows that are not done for the next attempt."""
        done = set(group.finished)
        rows = [*self._unwritten, *(row for rows, _ in group.added for row in rows)]
        self._unwritten = [row for row in rows if (row.event, row.target) not in done][-MAX_UNWRITTEN:]

    def _show(self, error: str) -> None:
        if error != self._error:
            self._error = error
            self._call(lambda: self._report(error))

    def _call(self, what: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what)
