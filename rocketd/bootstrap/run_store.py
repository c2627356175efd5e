"""Where the daemon's records go: the store of the state directory, and perhaps another repository besides.

What the settings name is only believed if `rocketd.toml` is good. With an error in it, records go where they went last:
a typing mistake must not scatter the log over two places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rocketd.background_threads import close_in_thread
from rocketd.config.daemon_settings import Settings
from rocketd.config.load_result import LoadResult
from rocketd.core.errors import StoreError
from rocketd.core.instant import Instant
from rocketd.daemon.loop import Loop
from rocketd.daemon.ports import Store
from rocketd.daemon.record_writer import RecordWriter, write_calls
from rocketd.store.errors import translating_errors
from rocketd.store.rejected_lines import Found, move_aside
from rocketd.store.replication.target import REMEMBERED, ReplicationTarget, remember, remembered
from rocketd.store.spool_file import SpoolFile
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.store import SqliteStore
from rocketd.store.state_lock import StateDirectoryHeld, StateLock

if TYPE_CHECKING:
    from rocketd.bootstrap.replication import Replication


@dataclass(slots=True)
class OpenedStore:
    """The opened store, and what is to be said about it."""

    store: SqliteStore
    spool: SpoolFile
    place: str
    """Where records go, for people."""
    notes: Sequence[str]


def renewing(lock: StateLock, recorder: RecordWriter, found: Found) -> Callable[[Instant], None]:
    """Give what is to be done at each heartbeat, so that the directory stays locked whoever removes the file."""

    def renew(_: Store) -> int:
        try:
            if lock.renew():
                found("lock", f"{lock.path} was removed or replaced; it has been made anew")
        except StateDirectoryHeld as error:
            found("lock", error.message)
        return 0

    return lambda _: recorder.chore(renew, lambda _: None)


class RunStore:
    """Opens the store; the stack closes it."""

    def __init__(self, directory: Path, loaded: LoadResult, loop: Loop, stack: AsyncExitStack, found: Found) -> None:
        """`found` hears what is damaged."""
        self._found = found
        self._directory = directory
        self._loaded = loaded
        self._loop = loop
        self._stack = stack
        self._notes: list[str] = []

    async def open(self) -> OpenedStore:
        """Get the store up to date, with what was put aside and what only the repository knew. Raises StoreError."""
        choice = self._choice()
        elsewhere = self._elsewhere(choice) if choice.is_elsewhere(self._directory) else None
        store = self._embedded() if elsewhere is None else elsewhere.store
        spool = self._drained(store)
        if elsewhere is not None:
            self._notes += await elsewhere.read_back({task.name: task.fingerprint for task in self._loaded.tasks})
        if self._loaded.settings_good:
            remember(self._directory, choice)
        return OpenedStore(store, spool, str(store.path) if elsewhere is None else str(choice), self._notes)

    def _embedded(self) -> SqliteStore:
        store = SqliteStore(self._directory, durability=self._durability, found=self._found)
        self._stack.push_async_callback(close_in_thread, store.close)
        return store

    def _elsewhere(self, choice: ReplicationTarget) -> Replication:
        from rocketd.bootstrap.replication import Replication  # noqa: PLC0415 - 0.4 s and 20 MB of Red Bird

        return Replication(
            self._directory,
            choice.open,
            str(choice),
            loop=self._loop,
            stack=self._stack,
            silenced=self._settings.silence_task_logging,
            durability=self._durability,
            found=self._found,
        )

    @property
    def _durability(self) -> Durability:
        return self._settings.store.durability.value

    def _drained(self, store: SqliteStore) -> SpoolFile:
        """Open the spool, and let the store have what is in it before anything else."""
        spool = SpoolFile(self._directory, self._found)
        if spool.waiting:
            spool.drain(lambda calls: write_calls(store, calls))
            self._notes.append("records kept during the last outage have been written to the run log")
        return spool

    def _remembered(self) -> ReplicationTarget | None:
        """Where they went last; a file that cannot tell it is moved aside."""
        try:
            return remembered(self._directory)
        except StoreError as error:
            if error.temporary:
                raise
            with translating_errors(self._directory / REMEMBERED):
                move_aside(self._directory / REMEMBERED)
            told_so = "what rocketd.toml says counts, and that file is moved aside"
            self._found("store.json", f"{error.message}; {told_so}")
            return None

    @property
    def _settings(self) -> Settings:
        return self._loaded.settings

    def _choice(self) -> ReplicationTarget:
        """Where records are to go."""
        written = ReplicationTarget(self._settings.store.url, self._settings.store.repo)
        last = self._remembered()
        if last is None or last == written:
            return written
        if not self._loaded.settings_good:
            self._notes.append(f"rocketd.toml has an error, so run records go where they went before: {last}")
            return last
        self._notes.append(f"run records went to {last} before, and go to {written} from now on")
        return written
