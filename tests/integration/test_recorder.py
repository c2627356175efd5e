"""The writing thread while its store cannot be written: a real database that somebody else has locked."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.model.events import Finished, Spawned, Started
from rocketd.core.model.records import Alive, Change, RunFilter, TaskState
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.store_writes import write_batches
from rocketd.store.spool_file import FILE_NAME as SPOOL
from rocketd.store.spool_file import SpoolFile
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteStore
from support.builders import NOW, failed_run, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path)) as made:
        yield made


@pytest.fixture
def blocker(tmp_path: Path, store: SqliteStore) -> Iterator[sqlite3.Connection]:  # noqa: ARG001 - which makes the file
    """Somebody who has the database locked."""
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)) as made:
        made.execute("BEGIN IMMEDIATE")
        yield made


class Heard:
    """What a recorder tells."""

    def __init__(self) -> None:
        self.troubles: list[tuple[str, bool]] = []
        self.fatal: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self.told = asyncio.Event()

    def trouble(self, error: StoreError | None, spooled: bool) -> None:  # noqa: FBT001 - as it is told
        self.troubles.append((error.message.partition(" ")[2] if error else "", spooled))
        self.told.set()

    def failed(self, error: BaseException) -> None:
        if not self.fatal.done():
            self.fatal.set_result(error)

    async def until(self, wanted: tuple[str, bool]) -> None:
        while wanted not in self.troubles:
            self.told.clear()
            await self.told.wait()


LOCKED = "is locked by another program"


async def record(recorder: RecordWriter, changes: list[Change]) -> None:
    """Return when these are safe."""
    done = asyncio.Event()
    recorder.record(changes, done.set)
    await done.wait()


def test_with_a_spool_nothing_waits_and_what_it_holds_is_written_first(
    tmp_path: Path, store: SqliteStore, blocker: sqlite3.Connection
) -> None:
    async def scene() -> None:
        heard = Heard()
        spool = SpoolFile(tmp_path)
        recorder = RecordWriter(
            store, report_outage=heard.trouble, on_fatal=heard.failed, spool=spool, outage_limit=0.1
        )
        await record(recorder, failed_run(1))
        await record(recorder, failed_run(2))
        assert heard.troubles == [(LOCKED, False), (LOCKED, True)]
        assert spool.pending == 2
        blocker.execute("ROLLBACK")
        await heard.until(("", False))  # though nobody records anything
        await record(recorder, failed_run(3))
        assert [view.run.number for view in store.runs(RunFilter())] == [3, 2, 1]
        assert not (tmp_path / SPOOL).exists()
        await recorder.close()
        assert not heard.fatal.done()

    asyncio.run(scene())


def test_without_a_spool_the_error_is_told_as_fatal_once_patience_is_over(
    store: SqliteStore,
    blocker: sqlite3.Connection,  # noqa: ARG001 - it is there
) -> None:
    async def scene() -> None:
        heard = Heard()
        recorder = RecordWriter(store, report_outage=heard.trouble, on_fatal=heard.failed, outage_limit=0.3)
        recorder.record(failed_run(1), lambda: pytest.fail("it is not safe"))
        error = await heard.fatal
        assert isinstance(error, StoreError)
        assert heard.troubles == [(LOCKED, False)]
        await recorder.close()

    asyncio.run(scene())


def test_where_the_spool_cannot_be_written_either_it_is_tried_until_it_can(
    tmp_path: Path, store: SqliteStore, blocker: sqlite3.Connection
) -> None:
    async def scene() -> None:
        heard = Heard()
        spool = SpoolFile(tmp_path)
        (tmp_path / SPOOL).mkdir()  # so no file can be made there
        recorder = RecordWriter(
            store, report_outage=heard.trouble, on_fatal=heard.failed, spool=spool, outage_limit=0.0
        )
        done = asyncio.Event()
        recorder.record(failed_run(1), done.set)
        await heard.until((LOCKED, False))
        proof = asyncio.Event()
        recorder.check_alive(proof.set)
        await proof.wait()
        assert not done.is_set()
        blocker.execute("ROLLBACK")
        await done.wait()
        assert heard.troubles == [(LOCKED, False), ("", False)]
        assert len(store.runs(RunFilter())) == 1
        await recorder.close()

    asyncio.run(scene())


def test_at_the_end_what_cannot_be_written_stays_in_the_spool_for_the_next_daemon(
    tmp_path: Path, store: SqliteStore, blocker: sqlite3.Connection
) -> None:
    async def scene() -> None:
        heard = Heard()
        recorder = RecordWriter(store, report_outage=heard.trouble, on_fatal=heard.failed, spool=SpoolFile(tmp_path))
        recorder.record(failed_run(1))
        await recorder.close()
        assert not heard.fatal.done()

    asyncio.run(scene())
    blocker.execute("ROLLBACK")
    spool = SpoolFile(tmp_path)
    assert spool.pending == 1
    spool.drain(lambda calls: write_batches(store, calls))
    (view,) = store.runs(RunFilter())
    assert [Started(view.run), Finished(view.run, view.end)] == failed_run(1)  # type: ignore[arg-type] # it has ended


# -- what nothing waits for


def test_what_nothing_waits_for_is_written_with_the_next_change_and_before_it(store: SqliteStore) -> None:
    async def scene() -> None:
        recorder = RecordWriter(store, report_outage=void, on_fatal=raising)
        await record(recorder, [Started(run(1))])
        recorder.record_soon(Spawned(run(1), 4711, 1, NOW))
        await record(recorder, failed_run(1)[1:])
        (view,) = store.runs(RunFilter())
        assert (view.pid, view.end is None) == (4711, False)
        await recorder.close()

    asyncio.run(scene())


def test_what_nothing_waits_for_is_written_a_moment_later_by_itself(store: SqliteStore) -> None:
    async def scene() -> None:
        recorder = RecordWriter(store, report_outage=void, on_fatal=raising)
        await record(recorder, [Started(run(1))])
        recorder.record_soon(Spawned(run(1), 4711, 1, NOW))
        while store.runs(RunFilter())[0].pid is None:
            proof = asyncio.Event()
            recorder.check_alive(proof.set)
            await proof.wait()
        await recorder.close()

    asyncio.run(asyncio.wait_for(scene(), 20))


def test_what_nothing_waits_for_is_written_at_the_end(store: SqliteStore) -> None:
    async def scene() -> None:
        recorder = RecordWriter(store, report_outage=void, on_fatal=raising)
        await record(recorder, [Started(run(1))])
        recorder.record_soon(Spawned(run(1), 4711, 1, NOW))
        await recorder.close()
        assert store.runs(RunFilter())[0].pid == 4711

    asyncio.run(scene())


def test_what_nothing_waits_for_goes_into_the_spool_while_the_store_fails(
    tmp_path: Path, store: SqliteStore, blocker: sqlite3.Connection
) -> None:
    async def scene() -> None:
        heard, spool = Heard(), SpoolFile(tmp_path)
        recorder = RecordWriter(store, report_outage=heard.trouble, on_fatal=heard.failed, spool=spool)
        recorder.record_soon(Spawned(run(1), 4711, 1, NOW))
        await heard.until((LOCKED, False))
        await until_it_holds(spool, recorder, 1)
        blocker.execute("ROLLBACK")
        await heard.until(("", False))
        await recorder.close()
        assert not heard.fatal.done()

    asyncio.run(scene())


def void(_error: StoreError | None, _spooled: bool) -> None: ...  # noqa: FBT001 - as it is told


def raising(error: BaseException) -> None:
    raise error


# -- in the seconds in which it is only tried again


async def until_it_holds(spool: SpoolFile, recorder: RecordWriter, calls: int) -> None:
    """Return when so many calls are in the spool; the recorder proves itself after each step."""
    while spool.pending < calls:
        proof = asyncio.Event()
        recorder.check_alive(proof.set)
        await proof.wait()


def left_by_a_kill(directory: Path) -> list[Change]:
    """What the next daemon would find in the spool."""
    copy = directory / "copy"
    copy.mkdir()
    shutil.copy(directory / SPOOL, copy)
    found: list[Change] = []
    SpoolFile(copy).drain(lambda calls: found.extend(change for call in calls for change in call))
    return found


def test_what_has_happened_is_safe_at_once_and_a_start_is_not_begun(
    tmp_path: Path, store: SqliteStore, blocker: sqlite3.Connection
) -> None:
    """A kill in the first seconds of an outage makes no crash of a known end, and no run of an intention."""
    started, ended = failed_run(1)
    store_written_to(store, blocker, started)

    async def scene() -> None:
        heard = Heard()
        spool = SpoolFile(tmp_path)
        recorder = RecordWriter(store, report_outage=heard.trouble, on_fatal=heard.failed, spool=spool)
        begun, known = asyncio.Event(), asyncio.Event()
        recorder.record([Started(run(2))], begun.set)
        await heard.until((LOCKED, False))
        recorder.record([ended], known.set)  # it comes up while the writer waits for its next try
        recorder.record([Started(run(3))])
        await until_it_holds(spool, recorder, 1)
        assert left_by_a_kill(tmp_path) == [ended]
        assert not begun.is_set()
        assert not known.is_set()
        blocker.execute("ROLLBACK")
        await begun.wait()
        await known.wait()
        await recorder.close()
        assert heard.troubles == [(LOCKED, False), ("", False)]

    asyncio.run(scene())
    assert [(view.run.number, view.end is not None) for view in store.runs(RunFilter())] == [
        (3, False),
        (2, False),
        (1, True),
    ]
    assert not (tmp_path / SPOOL).exists()


def store_written_to(store: SqliteStore, blocker: sqlite3.Connection, *changes: Change) -> None:
    """Let somebody in while it is locked."""
    blocker.execute("ROLLBACK")
    store.write(changes)
    blocker.execute("BEGIN IMMEDIATE")


def test_what_has_happened_is_safe_though_the_error_is_fatal(
    tmp_path: Path, store: SqliteStore, blocker: sqlite3.Connection
) -> None:
    started, ended = failed_run(1)
    store_written_to(store, blocker, started)

    async def scene() -> None:
        heard = Heard()
        spool = SpoolFile(tmp_path)
        recorder = RecordWriter(
            store, report_outage=heard.trouble, on_fatal=heard.failed, spool=spool, silenced=False, outage_limit=0.1
        )
        recorder.record([ended, Started(run(2))], lambda: pytest.fail("it is not written"))
        assert isinstance(await heard.fatal, StoreError)
        assert heard.troubles == [(LOCKED, False)]
        await recorder.close()

    asyncio.run(scene())
    assert left_by_a_kill(tmp_path) == [ended]


# -- the spool itself


def test_every_kind_of_change_comes_back_as_it_was(tmp_path: Path) -> None:
    state = TaskState(
        "backup",
        "1 UTC daily",
        NOW,
        8,
        None,
        paused=True,
        paused_until=NOW + 5,
        paused_by="root (uid 0)",
        paused_reason="déjà vu",
    )
    changes: list[Change] = [*failed_run(1), state, Alive(NOW)]
    SpoolFile(tmp_path).append(changes)
    given: list[Change] = []
    SpoolFile(tmp_path).drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == changes


def test_a_line_that_was_torn_was_never_acknowledged_and_the_next_takes_its_place(tmp_path: Path) -> None:
    SpoolFile(tmp_path).append(failed_run(1))
    path = tmp_path / SPOOL
    path.write_bytes(path.read_bytes() + b'[{"kind": "Star')
    spool = SpoolFile(tmp_path)
    spool.append(failed_run(2))
    given: list[Change] = []
    spool.drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == [*failed_run(1), *failed_run(2)]


@pytest.mark.parametrize("torn", [b"", b'[{"kind":', b'[{"kind":"Alive"' + bytes(5000) + b"}]\n"])
def test_a_line_that_was_torn_keeps_no_daemon_from_starting(tmp_path: Path, torn: bytes) -> None:
    """We died while it was written, or the power went: a disk may lose any block of what was not synced."""
    SpoolFile(tmp_path).append(failed_run(1))
    with (tmp_path / SPOOL).open("ab") as file:
        file.write(torn)
    given: list[Change] = []
    spool = SpoolFile(tmp_path)
    spool.drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == failed_run(1)
    assert not (tmp_path / SPOOL).exists()


def test_what_was_written_before_we_died_is_not_written_again(tmp_path: Path, store: SqliteStore) -> None:
    """Some of a spool's calls are in the store, and the spool does not know it."""
    spool = SpoolFile(tmp_path)
    for number in (1, 2, 3):
        spool.append(failed_run(number))
    store.write([*failed_run(1), *failed_run(2)])
    spool.drain(lambda calls: write_batches(store, calls))
    assert [view.run.number for view in store.runs(RunFilter())] == [3, 2, 1]
