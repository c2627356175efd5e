"""The storage of a session: its state directory, and perhaps a repository."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from rocketd.bootstrap.replication import Replication, ReplicationOptions, followed_tasks
from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.model.task import Task
from rocketd.core.plural import counted
from rocketd.daemon.damage import DamageReport
from rocketd.daemon.loop import Loop
from rocketd.daemon.store_writes import write_batches
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.replication.replicator import Replicator
from rocketd.store.replication.repository_snapshot import RepositorySnapshot, read_rows
from rocketd.store.spool_file import SpoolFile
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.rows import Row
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteReader, SqliteStore, open_reader
from rocketd.store.state_lock import StateLock

T = TypeVar("T")
_THREAD_BOUND: Final = ("SingletonThreadPool",)
"""Pools of SQLAlchemy that give each thread a connection, and so a database in memory of its own."""


class OpenedStorage(NamedTuple):
    """The opened storage."""

    store: SqliteStore
    spool: SpoolFile | None
    """None: what the store does not take must not be taken for recorded, as nothing else outlives the program."""
    notes: list[str]
    """Sentences to log about it."""


class SessionStorage:
    """The places of a session's records, whether or not its scheduler runs."""

    def __init__(self, state_dir: Path | None) -> None:
        """Without a state directory they are in a temporary one, which is removed with this object or at exit."""
        self._state_dir = state_dir
        self._temporary: Path | None = None
        self._remove: Callable[[], object] | None = None
        self._repo: BaseRepo | None = None
        self._own: BaseRepo | None = None
        self._rows: list[Row] | None = None
        """What the repository told before the first start; None: it has not been asked."""
        self._replicator: Replicator | None = None
        self._last_replicator: Replicator | None = None
        """The newest one, which may still wait for its repository at a restart."""

    def set_repo(self, repo: BaseRepo) -> None:
        """Store records there from now on, and trust its records. Raises RocketdError if threads cannot share it."""
        if _pool_of(repo) in _THREAD_BOUND:
            raise RocketdError(
                "with this engine each thread has its own database in memory",
                hint="take a file, or poolclass=StaticPool, connect_args={'check_same_thread': False}",
            )
        self._repo, self._temporary, self._rows = repo, None, None

    async def open(
        self, tasks: Collection[Task], *, loop: Loop, stack: AsyncExitStack, silenced: bool
    ) -> OpenedStorage:
        """Open the store, with what is known of these tasks; the stack closes it. Raises StoreError.

        no repository                          records in the directory, with a spool
        a repository and a state directory     records in both, with a spool
        a repository alone                     records there; a spool only if errors are silenced
        """
        if self._state_dir is not None:
            stack.enter_context(StateLock(self._state_dir))
        report_damage = DamageReport(loop.journal, loop.health)
        durability: Durability = "normal" if self._state_dir is None else "full"
        notes: list[str] = []
        if self._repo is None:
            store = SqliteStore(self.directory, durability=durability, report_damage=report_damage)
            stack.callback(store.close)
            return OpenedStorage(store, self._drain_spool(store, report_damage), notes)
        repo = self._repo
        if self._state_dir is not None and not silenced:
            stack.callback(self._raise_undelivered, loop)
        kept = None if self._state_dir is None else durability
        options = ReplicationOptions(self.directory, lambda: repo, type(repo).__name__, silenced, kept)
        replication = Replication(options, loop, stack, report_damage, self._last_replicator)
        self._last_replicator = replication.replicator
        spool = self._drain_spool(replication.store, report_damage)
        notes = await replication.import_records(tasks)
        stack.callback(self._forget_replicator)
        self._replicator = replication.replicator
        keeps = self._state_dir is not None or silenced
        return OpenedStorage(replication.store, spool if keeps else None, notes)

    def _drain_spool(self, store: SqliteStore, report_damage: ReportDamage) -> SpoolFile:
        spool = SpoolFile(self.directory, report_damage)
        if spool.pending:
            spool.drain(lambda calls: write_batches(store, calls))
        return spool

    def _raise_undelivered(self, loop: Loop) -> None:
        """Raise StoreError if records still wait: else nobody would hear of it before the next start."""
        outage = self._last_replicator.outage if self._last_replicator is not None else None
        if outage is not None and outage.waiting and loop.failed is None:
            waits = f"{counted(outage.waiting, 'record')} {'waits' if outage.waiting == 1 else 'wait'}"
            raise StoreError(f"{waits} in {self._state_dir} for the next start: {outage.error.message}", temporary=True)

    def _forget_replicator(self) -> None:
        self._replicator = None

    @property
    def directory(self) -> Path:
        """The directory of the tasks' state, and of the run log if no repository is set."""
        if self._state_dir is not None:
            return self._state_dir
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="rocketd-"))
            self._remove = weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        return self._temporary

    def remove_temporary(self) -> None:
        """Remove the temporary directory now: a program that replaces itself runs no finalizers."""
        if self._remove is not None:
            self._remove()

    @contextmanager
    def reading(self, tasks: Collection[Task]) -> Iterator[SqliteReader | None]:
        """Open what is known of these tasks, also beside a running scheduler; None: nothing. Raises StoreError."""
        directory = self._state_dir or self._temporary
        if directory is not None and (directory / FILE_NAME).exists():
            with closing(open_reader(directory)) as reader:
                yield reader
        elif self._repo is None:
            yield None
        else:
            self._rows = read_rows(self._repo) if self._rows is None else self._rows
            fingerprints = {task.name: task.fingerprint for task in tasks}
            with tempfile.TemporaryDirectory(prefix="rocketd-") as snapshot:
                store = RepositorySnapshot(Path(snapshot), self._rows, fingerprints, followed_tasks(tasks))
                with closing(store):
                    yield store

    @property
    def repo(self) -> BaseRepo:
        """The repository of the run log."""
        if self._repo is not None:
            return self._repo
        if self._own is None:
            from rocketd.store.redbird.run_repo import open_run_repo  # noqa: PLC0415 - it needs SQLAlchemy, which takes 0.3 s

            SqliteStore(self.directory).close()  # creates an empty one if there is none
            self._own = open_run_repo(self.directory)
        return self._own

    def use(self, work: Callable[[BaseRepo], T]) -> T:
        """Do something with the repository while nobody writes to it; raises what that raises."""
        forwarder = self._replicator
        return work(self.repo) if forwarder is None else forwarder.call(work).result()


def _pool_of(repo: BaseRepo) -> str:
    """Name the connection pool of a repository over SQLAlchemy; empty: it has none."""
    engine: object = getattr(repo, "engine", None)
    get_bind = getattr(getattr(repo, "session", None), "get_bind", None)
    if engine is None and callable(get_bind):
        engine = get_bind()
    pool: object = getattr(engine, "pool", None)
    return "" if pool is None else type(pool).__name__
