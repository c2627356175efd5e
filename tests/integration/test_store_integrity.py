"""A store that is damaged as a whole: restored beside an old log, or with pages that a disk has changed."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Instant
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Alive, Change, RunFilter
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.sqlite.integrity import IntegrityMonitor, find_damage
from rocketd.store.sqlite.merge import RESCUED
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteStore
from support.shortages import no_threads

NOW: Instant = 1_790_000_000 * SECOND


def whole(task: str, number: int) -> list[Change]:
    run = Run(task, number, f"id-{task}-{number}", 1, NOW, NOW + number * SECOND, Trigger.SCHEDULE, "daily")
    return [
        Started(run),
        Finished(run, End(Action.SUCCESS, Cause.EXIT, NOW + (number + 1) * SECOND, 0, output="x" * 99)),
    ]


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    """A backup was copied over the database of a killed daemon, whose log still lies there."""
    live, state = tmp_path / "live", tmp_path / "state"
    live.mkdir()
    with closing(SqliteStore(live, durability="normal")) as store:
        for number in range(1, 6):
            store.write([change for task in range(41) for change in whole(f"t{task}", number)])
        with (
            closing(sqlite3.connect(live / FILE_NAME)) as database,
            closing(sqlite3.connect(tmp_path / "copy")) as copy,
        ):
            database.backup(copy)
        for number in range(6, 40):
            store.write([change for task in range(41) for change in whole(f"t{task}", number)])
    with closing(SqliteStore(live, durability="normal")) as store:  # whose log begins anew
        for number in range(40, 44):
            store.write([change for task in range(41) for change in whole(f"t{task}", number)])
        shutil.copytree(live, state)  # as a kill would leave it
    shutil.copy(tmp_path / "copy", state / FILE_NAME)
    return state


def test_the_log_of_another_copy_is_set_aside_and_numbers_go_on(restored: Path) -> None:
    assert find_damage(restored / FILE_NAME, thorough=True), "else there is nothing to see"
    assert not find_damage(restored / FILE_NAME, without_log=True, thorough=True)
    found: list[tuple[str, str]] = []
    with closing(SqliteStore(restored, report_damage=lambda *what: found.append(what))) as store:
        assert [about for about, _ in found] == ["store files"]
        assert "moved aside" in found[0][1]
        assert {view.run.number for view in store.runs(RunFilter(limit=10_000))} == set(range(1, 6))
        assert {state.next_number for state in store.states().values()} == {44}
    assert (restored / f"{FILE_NAME}-wal.damaged-1").exists()
    assert not find_damage(restored / FILE_NAME, thorough=True)


def test_a_killed_daemons_own_log_stays(tmp_path: Path) -> None:
    live, state = tmp_path / "live", tmp_path / "state"
    live.mkdir()
    with closing(SqliteStore(live)) as store:
        store.write([*whole("backup", 1), Alive(NOW)])
        shutil.copytree(live, state)
    found: list[tuple[str, str]] = []
    with closing(SqliteStore(state, report_damage=lambda *what: found.append(what))) as store:
        assert len(store.runs(RunFilter())) == 1
    assert found == []


def lose_a_page(directory: Path) -> None:
    """Make a store, one of whose pages is damaged."""
    with closing(SqliteStore(directory)) as store:
        for number in range(1, 200):
            store.write(whole("backup", number))
    with (directory / FILE_NAME).open("r+b") as file:
        file.seek(40 * 1024)
        file.write(bytes(4096))


def test_damage_is_found_in_the_background(tmp_path: Path) -> None:
    found: list[tuple[str, str]] = []
    lose_a_page(tmp_path)
    monitor = IntegrityMonitor(tmp_path / FILE_NAME, lambda *what: found.append(what))
    monitor.on_heartbeat(NOW)
    monitor.on_heartbeat(NOW)
    for thread in threading.enumerate():
        if thread.name == "integrity":
            thread.join()
    assert [about for about, _ in found] == ["integrity"]
    assert "is damaged" in found[0][1]


def test_where_no_thread_can_be_started_it_is_looked_at_later(tmp_path: Path) -> None:
    found: list[tuple[str, str]] = []
    lose_a_page(tmp_path)
    monitor = IntegrityMonitor(tmp_path / FILE_NAME, lambda *what: found.append(what))
    with no_threads():
        monitor.on_heartbeat(NOW)
    monitor.on_heartbeat(NOW)
    for thread in threading.enumerate():
        if thread.name == "integrity":
            thread.join()
    assert [about for about, _ in found] == ["integrity"]


def test_a_store_that_is_not_there_is_no_matter_of_its_pages(tmp_path: Path) -> None:
    monitor = IntegrityMonitor(tmp_path / FILE_NAME, lambda *_: pytest.fail("the writer tells that"))
    monitor.on_heartbeat(NOW)
    monitor.close()


def pages(path: Path) -> dict[int, str]:
    """Which pages belong to what."""
    with closing(sqlite3.connect(path)) as database:
        try:
            rows = database.execute("SELECT pageno, name FROM dbstat").fetchall()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite cannot tell its pages")
    return dict(rows)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three tasks that was closed well; the newest run of one is open."""
    directory = tmp_path_factory.mktemp("closed")
    with closing(SqliteStore(directory)) as store:
        for number in range(1, 120):
            store.write([change for task in ("a", "b", "c") for change in whole(task, number)])
        store.write([*whole("a", 120)[:1], Alive(NOW)])
    return directory


NUMBERS = {"a": 121, "b": 120, "c": 120}


def test_of_a_store_with_a_lost_page_all_that_can_be_read_is_kept(closed: Path, tmp_path: Path) -> None:
    """Each page in its turn is overwritten with zeros; what runs today, and its number, is known all the same."""
    refused = []
    for page, name in sorted(pages(closed / FILE_NAME).items()):
        directory = tmp_path / str(page)
        shutil.copytree(closed, directory)
        with (directory / FILE_NAME).open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(bytes(4096))
        found: list[str] = []
        try:
            store = SqliteStore(directory, report_damage=lambda _, what: found.append(what))  # noqa: B023 - used at once
        except StoreError as error:
            refused.append((name, error.temporary, "backup" in error.hint or "away" in error.hint))
            continue
        with closing(store):
            assert len(found) == 1, (page, name)
            assert {task: state.next_number for task, state in store.states().items()} == NUMBERS, (page, name)
            assert [one.run.key for one in store.open_runs()] == [("a", 120)]
            newest = {event.run.task for event in store.recovery_events({}, NOW) if isinstance(event, Finished)}
            assert newest == {"a", "b", "c"}, (page, name)
            store.write(whole("b", 120))
        assert not find_damage(directory / FILE_NAME, thorough=True)
        assert (directory / f"{FILE_NAME}.damaged-1").exists()
    assert set(refused) <= {("sqlite_schema", False, True)}


def test_who_is_killed_while_a_damaged_store_is_made_anew_leaves_it_to_the_next(closed: Path, tmp_path: Path) -> None:
    directory = tmp_path / "state"
    shutil.copytree(closed, directory)
    shutil.copy(directory / FILE_NAME, directory / RESCUED)  # what could be read
    (directory / FILE_NAME).write_bytes((directory / FILE_NAME).read_bytes()[:8192] + bytes(8192))
    with closing(SqliteStore(directory)) as store:
        assert {task: state.next_number for task, state in store.states().items()} == NUMBERS
    assert not (directory / RESCUED).exists()
