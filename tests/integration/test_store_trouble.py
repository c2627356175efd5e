"""A store on a bad day: locked, full, read-only, damaged, gone. Each is a sentence, and the next write works again."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.model.events import Started
from rocketd.core.model.records import Alive, RunFilter
from rocketd.core.model.run import Run, Trigger
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteStore, open_reader

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounts a file system of its own"
)


def run(number: int) -> Run:
    return Run("backup", number, f"id-{number}", 1, 0, 0, Trigger.SCHEDULE, "daily")


def test_a_locked_store_is_a_passing_trouble(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another program") as caught:
            store.write([Started(run(1))])
        assert caught.value.temporary
        other.execute("ROLLBACK")
    store.write([Started(run(1))])
    assert [one.run.number for one in store.open_runs()] == [1]
    store.close()


def test_a_reader_holds_up_no_writer(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM log").fetchall()
        store.write([Started(run(1))])
        assert other.execute("SELECT count(*) FROM log").fetchone() == (0,)
    store.close()


def elsewhere(directory: Path, scene: str, mount: str) -> list[str]:
    """Play a scene of store_scenes.py with a file system of its own mounted, and give the lines that it prints."""
    script = f'directory=$1; shift; mount {mount} && exec "$@"'
    place = "/mnt" if mount.endswith("/mnt") else str(directory)
    given = [str(directory), sys.executable, str(Path(__file__).with_name("store_scenes.py")), scene, place]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@needs_root
def test_on_a_full_disk_nothing_half_is_written_and_room_cures_it(tmp_path: Path) -> None:
    assert elsewhere(tmp_path, "full", '-t tmpfs -o size=2m tmpfs "$directory"') == [
        f"{tmp_path}/{FILE_NAME} cannot grow: the disk is full, temporary: True",
        "all that was written is there: True",
    ]


@needs_root
def test_a_read_only_disk_is_a_trouble_that_remounting_cures(tmp_path: Path) -> None:
    failed, seen, written = elsewhere(tmp_path, "read_only", '-t tmpfs -o size=8m tmpfs "$directory"')
    assert failed in {
        f"{tmp_path}/{FILE_NAME} is read-only, temporary: True",
        f"{tmp_path}/{FILE_NAME} cannot be opened, temporary: True",
    }
    assert (seen, written) == ("read meanwhile: 1", "written again: 2")


def test_a_damaged_store_is_no_passing_trouble_and_says_what_to_do(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    path = tmp_path / FILE_NAME
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreError, match="is damaged") as caught:
        SqliteStore(tmp_path).recovery_events({}, 0)
    assert not caught.value.temporary
    assert "restore a backup" in caught.value.hint


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"these are not the records you are looking for" * 10)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged, or is not a store"):
        SqliteStore(tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 1")
        database.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(tmp_path)


def test_a_store_that_was_moved_away_is_not_silently_begun_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.write([Started(run(1))])
    store.close()
    shutil.move(tmp_path / FILE_NAME, tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match="cannot be opened"):
        store.write([Started(run(2))])
    assert not (tmp_path / FILE_NAME).exists()
    shutil.move(tmp_path / "elsewhere.db", tmp_path / FILE_NAME)
    store.write([Started(run(2))])
    assert len(store.open_runs()) == 2
    store.close()


def test_a_reader_without_a_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store") as caught:
        open_reader(tmp_path).runs(RunFilter())
    assert "--state-dir" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.write([Started(run(1))])
    store.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with closing(open_reader(tmp_path)) as reader:
        assert len(reader.runs(RunFilter())) == 1
    assert (tmp_path / FILE_NAME).read_bytes() == before


@needs_root
def test_who_may_only_read_the_directory_can_look_into_a_store_without_a_daemon(tmp_path: Path) -> None:
    """The files of WAL mode cannot be made by such a reader, and are not needed once the daemon has stopped well."""
    store = SqliteStore(tmp_path)
    store.write([Started(run(1))])
    store.close()
    for path, mode in ((tmp_path, 0o755), (tmp_path / FILE_NAME, 0o644)):
        path.chmod(mode)
    # Mounted elsewhere, since the parents of a test's directory are closed to others.
    assert elsewhere(tmp_path, "as_nobody", '--bind "$directory" /mnt') == ["runs: 1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME]


def test_the_files_are_for_root_and_its_group(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    store = SqliteStore(directory)
    store.write([Alive(1)])
    assert directory.stat().st_mode & 0o777 == 0o750
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in directory.iterdir()} == {
        FILE_NAME: "0o640",
        f"{FILE_NAME}-wal": "0o640",
        f"{FILE_NAME}-shm": "0o640",
    }
    store.close()


MANY_RUNS = """
import sys
from pathlib import Path
from rocketd.core.model.events import Started
from rocketd.core.model.run import Run, Trigger
from rocketd.store.sqlite.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
for number in (1, 2):
    runs = [Run(f"task-{n}", number, f"{n:036}", 1, 0, 0, Trigger.SCHEDULE, "daily") for n in range(500)]
    store.write([Started(run) for run in runs])
store.close()
"""


def test_nothing_is_written_outside_of_the_state_directory(tmp_path: Path) -> None:
    """A statement about many rows keeps a journal of its own, which SQLite would put among the temporary files."""
    state, temporary = tmp_path / "state", tmp_path / "temporary"
    state.mkdir()
    temporary.mkdir()
    untouched = temporary.stat().st_mtime_ns
    environment = {**os.environ, "SQLITE_TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", MANY_RUNS, state], env=environment, check=True)
    assert temporary.stat().st_mtime_ns == untouched


def test_what_it_opens_is_not_inherited(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.write([Alive(1)])
    done = subprocess.run(["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, check=True, close_fds=False)
    assert str(tmp_path) not in done.stdout
    store.close()
