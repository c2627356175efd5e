"""Where the daemon's records go: the store of the state directory, and perhaps another repository besides.

What the settings name is only believed if `rocketd.toml` is good. With an error in it, records go where they went last:
a typing mistake must not scatter the log over two places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rocketd.background_threads import WorkTimeout, close_in_thread, in_thread
from rocketd.config.daemon_settings import Settings
from rocketd.config.load_result import LoadResult
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.instant import Instant
from rocketd.core.model.records import Change
from rocketd.daemon.loop import Loop
from rocketd.daemon.ports import Spool, Store
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.store_writes import write_batches
from rocketd.store.errors import translating_errors
from rocketd.store.rejected_lines import ReportDamage, move_aside
from rocketd.store.replication.target import TARGET_FILE, ReplicationTarget, load_target, save_target
from rocketd.store.spool_places import SpoolPlaces
from rocketd.store.spool_store import SpoolStore, open_existing_reader
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.integrity import IntegrityMonitor
from rocketd.store.sqlite.replaced_database import REPAIR_TIMEOUT
from rocketd.store.sqlite.store import SqliteStore, this_origin
from rocketd.store.state_lock import StateDirectoryHeld, StateLock

if TYPE_CHECKING:
    from rocketd.bootstrap.replication import Replication


@dataclass(slots=True)
class OpenedStore:
    """The opened store, and notes on it."""

    store: SqliteStore | SpoolStore
    spool: Spool
    location: str
    """Where records go, for people."""
    notes: Sequence[str]
    survives_outage: bool
    """Whether a store that cannot be written stops nothing."""
    outage: StoreError | None = None
    """Why the store cannot be written, so that records go to the spool."""

    def write_recovered(self, changes: Sequence[Change]) -> None:
        """Write what a recovery finds: to the spool, if the store takes nothing. Raises StoreError."""
        if self.outage is None:
            try:
                self.store.write(changes)
            except StoreError as error:
                if not error.temporary or not self.survives_outage:
                    raise
                self.outage = error
        if self.outage is not None:
            self.spool.append(changes)


class NoStore(RocketdError):
    """The store cannot be opened, or is newer than this program."""


@contextmanager
def permanent_store_errors() -> Iterator[None]:
    """Raise NoStore for a StoreError that the next try, in a moment, will meet again."""
    try:
        yield
    except StateDirectoryHeld:
        raise
    except StoreError as error:
        if error.temporary:
            raise
        raise NoStore(error.message, hint=error.hint) from error


def lock_renewal(lock: StateLock, recorder: RecordWriter, report_damage: ReportDamage) -> Callable[[Instant], None]:
    """Return the heartbeat hook that keeps the directory locked when somebody removes the lock file."""

    def renew(_: Store) -> int:
        try:
            if lock.renew():
                report_damage("lock", f"{lock.path} was removed or replaced; rocketd has created it again")
        except StateDirectoryHeld as error:
            report_damage("lock", error.message)
        return 0

    return lambda _: recorder.submit(renew, lambda _: None)


async def _finish_repair(store: SqliteStore) -> None:
    """Wait for what puts the store right, before it is closed: what is open may be all that there is."""
    if store.is_being_repaired:
        with suppress(WorkTimeout):
            await in_thread(store.finish_repair, time_limit=REPAIR_TIMEOUT)


class RunStore:
    """Opens the store; the exit stack closes it."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it connects
        self,
        directory: Path,
        runtime_directory: Path,
        loaded: LoadResult,
        loop: Loop,
        stack: AsyncExitStack,
        report_damage: ReportDamage,
    ) -> None:
        """`report_damage` hears what is damaged."""
        self._report_damage = report_damage
        self._directory = directory
        self._runtime_directory = runtime_directory
        self._loaded = loaded
        self._loop = loop
        self._stack = stack
        self._notes: list[str] = []
        self._last_target: ReplicationTarget | None = None

    async def open(self) -> OpenedStore:
        """Get the store up to date, with what was put aside and what only the repository knew. Raises StoreError."""
        target = self._choose_target()
        spool = SpoolPlaces(self._directory, self._runtime_directory, self._report_damage)
        if not target.is_remote(self._directory):
            opened = self._open_local(spool)
        else:
            replication = self._open_replicated(target)
            self._stack.push_async_callback(_finish_repair, replication.store)
            self._drain(spool, replication.store)
            self._notes += await replication.import_records(self._loaded.tasks)
            opened = OpenedStore(
                replication.store, spool, str(target), self._notes, self._settings.silence_task_logging
            )
        integrity = IntegrityMonitor(opened.store.path, self._report_damage)
        self._stack.push_async_callback(close_in_thread, integrity.close)
        self._loop.heartbeat_hooks.append(integrity.on_heartbeat)
        if self._loaded.settings_valid and target != self._last_target:
            try:
                save_target(self._directory, target)
            except StoreError as error:  # on a full disk it is remembered another time
                if not error.lasting:
                    raise
        return opened

    def _open_local(self, spool: SpoolPlaces) -> OpenedStore:
        """Keep them in the state directory alone; where that takes nothing at the moment, in the spool."""
        made: SqliteStore | None = None
        reader = open_existing_reader(self._directory)  # who fails to write may take away what a reader needs
        try:
            made = store = self._make_store()
            self._stack.push_async_callback(close_in_thread, store.close)
            self._stack.push_async_callback(_finish_repair, store)
            self._drain(spool, store)
        except StoreError as error:
            if reader is None or not error.temporary or not self._settings.silence_task_logging:
                raise
            later = SpoolStore(self._directory, lambda: made or self._make_store(), reader, spool, this_origin())
            self._stack.push_async_callback(close_in_thread, later.close)
            return OpenedStore(later, spool, str(later.path), self._notes, survives_outage=True, outage=error)
        if reader is not None:
            reader.close()
        return OpenedStore(store, spool, str(store.path), self._notes, self._settings.silence_task_logging)

    def _make_store(self) -> SqliteStore:
        return SqliteStore(self._directory, durability=self._durability, report_damage=self._report_damage)

    def _open_replicated(self, target: ReplicationTarget) -> Replication:
        from rocketd.bootstrap.replication import Replication, ReplicationOptions  # noqa: PLC0415 - 0.4 s and 20 MB of Red Bird

        options = ReplicationOptions(
            self._directory, target.open, str(target), self._settings.silence_task_logging, self._durability
        )
        return Replication(options, self._loop, self._stack, self._report_damage)

    @property
    def _durability(self) -> Durability:
        return self._settings.store.durability.value

    def _drain(self, spool: SpoolPlaces, store: SqliteStore) -> None:
        """Write what is in the spool to the store, before anything else."""
        if spool.pending:
            spool.drain(lambda calls: write_batches(store, calls))
            self._notes.append("records kept during the last outage have been written to the run log")

    def _load_target(self) -> ReplicationTarget | None:
        """Return the last target; an unreadable file is moved aside."""
        try:
            return load_target(self._directory)
        except StoreError as error:
            if error.temporary:
                raise
            with translating_errors(self._directory / TARGET_FILE):
                move_aside(self._directory / TARGET_FILE)
            consequence = "rocketd has moved it aside and uses what rocketd.toml says"
            self._report_damage("store.json", f"{error.message}; {consequence}")
            return None

    @property
    def _settings(self) -> Settings:
        return self._loaded.settings

    def _choose_target(self) -> ReplicationTarget:
        """Where records are to go."""
        configured = ReplicationTarget(self._settings.store.url, self._settings.store.repo)
        last = self._last_target = self._load_target()
        if last is None or last == configured:
            return configured
        if not self._loaded.settings_valid:
            self._notes.append(f"rocketd.toml has an error, so run records go where they went before: {last}")
            return last
        self._notes.append(f"run records went to {last} before, and go to {configured} from now on")
        return configured
