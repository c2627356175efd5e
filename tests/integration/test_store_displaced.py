"""The store's files removed, moved or replaced while it is in use: noticed by the next write, and nothing is lost."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Instant
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Alive, Change, RunFilter, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.file_identity import COMPANIONS, stamp
from rocketd.store.sqlite.merge import RESCUED
from rocketd.store.sqlite.rows import Origin
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteStore, open_reader

NOW: Instant = 1_790_000_000 * SECOND
HERE = Origin("here", "this-boot")


def run(number: int, task: str = "backup") -> Run:
    return Run(task, number, f"id-{task}-{number}", 1, NOW, NOW + number * SECOND, Trigger.SCHEDULE, "daily")


def whole(number: int, task: str = "backup") -> list[Change]:
    end = End(Action.SUCCESS, Cause.EXIT, NOW + (number + 1) * SECOND, 0)
    return [Started(run(number, task)), Finished(run(number, task), end)]


def let_it_be_put_right() -> None:
    """Wait for the thread that does that."""
    for thread in threading.enumerate():
        if thread.name == "store":
            thread.join()


class Scene:
    """A store in use, with a backup of it that is older."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "state"
        self.path = self.directory / FILE_NAME
        self.backup = directory / "backup.db"
        self.found: list[tuple[str, str]] = []
        self.store = self.opened()
        self.store.write([TaskState("backup", "daily", NOW, 1), *whole(1)])
        with closing(sqlite3.connect(self.path)) as database, closing(sqlite3.connect(self.backup)) as copy:
            database.backup(copy)
        self.store.write([*whole(2), Started(run(3)), Alive(NOW + 5)])

    def opened(self) -> SqliteStore:
        return SqliteStore(self.directory, origin=HERE, report_damage=lambda *what: self.found.append(what))

    def write_until_it_works(self, changes: list[Change]) -> list[str]:
        """Write as the recorder does, again and again; gives what was said meanwhile."""
        said = []
        while True:
            try:
                self.store.write(changes)
            except StoreError as error:
                said.append(error.message)
                let_it_be_put_right()
            else:
                return said

    def numbers(self) -> list[int]:
        """What whoever reads finds under the store's name."""
        with closing(open_reader(self.directory)) as reader:
            return [view.run.number for view in reversed(reader.runs(RunFilter()))]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "state").mkdir()
    made = Scene(tmp_path)
    yield made
    made.store.close()


def remove(scene: Scene) -> None:
    for path in scene.directory.glob(f"{FILE_NAME}*"):
        path.unlink()


def remove_database(scene: Scene) -> None:
    scene.path.unlink()


def move_database(scene: Scene) -> None:
    scene.path.rename(scene.directory / "old.db")


def remove_directory(scene: Scene) -> None:
    shutil.rmtree(scene.directory)


def remove_directory_and_make_it(scene: Scene) -> None:
    remove_directory(scene)
    scene.directory.mkdir()


def restore_older(scene: Scene) -> None:
    shutil.copy(scene.backup, scene.directory / "coming")
    (scene.directory / "coming").rename(scene.path)


def restore_older_alone(scene: Scene) -> None:
    remove(scene)
    shutil.copy(scene.backup, scene.path)


def put_empty(scene: Scene) -> None:
    remove_database(scene)
    scene.path.touch()


def remove_companion(suffix: str) -> Callable[[Scene], None]:
    return lambda scene: Path(f"{scene.path}{suffix}").unlink()


def remove_companions(scene: Scene) -> None:
    for suffix in COMPANIONS:
        remove_companion(suffix)(scene)


def put_foreign_companion(scene: Scene) -> None:
    """The log of another database: it would be applied to this one."""
    with closing(sqlite3.connect(scene.directory / "other.db")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE t (x)")
        Path(f"{scene.path}-wal").unlink()
        shutil.copy(scene.directory / "other.db-wal", f"{scene.path}-wal")


def make_link(scene: Scene) -> None:
    """Somebody needs room, and moves the database while it is in use."""
    (scene.directory / "large").mkdir()
    scene.path.rename(scene.directory / "large" / FILE_NAME)
    scene.path.symlink_to(Path("large") / FILE_NAME)


CURED = [
    remove,
    remove_database,
    move_database,
    remove_directory,
    remove_directory_and_make_it,
    restore_older,
    restore_older_alone,
    put_empty,
    remove_companion("-wal"),
    remove_companion("-shm"),
    remove_companions,
    put_foreign_companion,
    make_link,
]


@pytest.mark.parametrize("displace", CURED)
def test_it_is_noticed_by_the_next_write_and_put_right(scene: Scene, displace: Callable[[Scene], None]) -> None:
    displace(scene)
    said = scene.write_until_it_works(whole(4))
    assert len(said) == 1
    assert "while it was in use" in said[0] or "while the store was in use" in said[0]
    assert [about for about, _ in scene.found] == ["store files"]
    assert scene.numbers() == [1, 2, 3, 4]
    assert scene.store.states()["backup"].next_number == 5
    assert [one.run.number for one in scene.store.open_runs()] == [3]
    assert not (scene.directory / RESCUED).exists()
    check_that_a_kill_loses_nothing(scene)


def check_that_a_kill_loses_nothing(scene: Scene) -> None:
    """What the next daemon would find, if this process were gone now."""
    copy = scene.directory.with_name("copy")
    shutil.copytree(scene.directory, copy, symlinks=True)
    with closing(SqliteStore(copy)) as store:
        assert [view.run.number for view in reversed(store.runs(RunFilter()))] == [1, 2, 3, 4]
    with closing(sqlite3.connect(copy / FILE_NAME)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("displace", CURED)
def test_what_is_displaced_when_it_stops_is_put_right_as_well(scene: Scene, displace: Callable[[Scene], None]) -> None:
    displace(scene)
    scene.store.close()
    assert scene.numbers() == [1, 2, 3]
    assert [about for about, _ in scene.found] == ["store files"]


def put_newer(scene: Scene) -> None:
    """A store of another host, say, that knows more of this task."""
    with closing(SqliteStore(scene.directory.with_name("other"), origin=HERE)) as other:
        other.write([TaskState("backup", "daily", NOW, 1), *whole(7)])
    remove_database(scene)
    shutil.copy(scene.directory.with_name("other") / FILE_NAME, scene.path)


def put_other_runs(scene: Scene) -> None:
    """Its runs have the same numbers."""
    with closing(SqliteStore(scene.directory.with_name("other"), origin=HERE)) as other:
        other.write([Started(Run("backup", 1, "another", 1, NOW, NOW, Trigger.SCHEDULE, ""))])
    remove_database(scene)
    shutil.copy(scene.directory.with_name("other") / FILE_NAME, scene.path)


def put_foreign(scene: Scene) -> None:
    remove_database(scene)
    with closing(sqlite3.connect(scene.path)) as database:
        database.execute("CREATE TABLE bookmarks (url)")


def put_rubbish(scene: Scene) -> None:
    remove_database(scene)
    scene.path.write_bytes(b"rubbish" * 1000)


def put_damaged(scene: Scene) -> None:
    remove_database(scene)
    shutil.copy(scene.backup, scene.path)
    with scene.path.open("r+b") as file:
        file.seek(8192)
        file.write(bytes(30_000))


def put_directory(scene: Scene) -> None:
    remove_database(scene)
    scene.path.mkdir()


def put_fifo(scene: Scene) -> None:
    remove_database(scene)
    os.mkfifo(scene.path)


def put_dangling_link(scene: Scene) -> None:
    remove_database(scene)
    scene.path.symlink_to("/nowhere/at/all")


@pytest.mark.parametrize(
    "displace",
    [put_newer, put_other_runs, put_foreign, put_rubbish, put_damaged, put_directory, put_fifo, put_dangling_link],
)
def test_what_somebody_has_put_there_is_left_alone_until_he_moves_it(
    scene: Scene, displace: Callable[[Scene], None]
) -> None:
    displace(scene)
    before = scene.path.read_bytes() if scene.path.is_file() else None
    said = []
    for _ in range(4):
        with pytest.raises(StoreError) as caught:
            scene.store.write(whole(4))
        said.append(caught.value.message)
        let_it_be_put_right()
    assert said[0].startswith(f"{scene.path} was replaced while it was in use")
    assert len(said[1]) > len(said[0]), "and it says what is wrong with that"
    assert (scene.path.read_bytes() if scene.path.is_file() else None) == before
    scene.path.rename(scene.directory.with_name("theirs"))
    scene.write_until_it_works(whole(4))
    assert scene.numbers() == [1, 2, 3, 4]
    check_that_a_kill_loses_nothing(scene)


def test_a_directory_that_was_moved_is_waited_for(scene: Scene) -> None:
    """What belongs to the tasks is in it: nothing is begun anew in its place."""
    moved = scene.directory.rename(scene.directory.with_name("moved"))
    for expected in ("while it was in use", "moved now"):
        with pytest.raises(StoreError, match=expected):
            scene.store.write(whole(4))
        let_it_be_put_right()
    assert not scene.directory.exists()
    moved.rename(scene.directory)
    scene.write_until_it_works(whole(4))
    assert scene.numbers() == [1, 2, 3, 4]


def test_who_is_killed_before_the_copy_is_part_of_the_store_leaves_it_to_the_next(scene: Scene) -> None:
    put_foreign(scene)
    for _ in range(2):
        with pytest.raises(StoreError):
            scene.store.write(whole(4))
        let_it_be_put_right()
    assert (scene.directory / RESCUED).exists()
    copy = scene.directory.with_name("copy")
    shutil.copytree(scene.directory, copy)
    with pytest.raises(StoreError, match=r"another program|not a store of rocketd"):
        SqliteStore(copy)
    (copy / FILE_NAME).unlink()
    found: list[str] = []
    with closing(SqliteStore(copy, report_damage=lambda _, what: found.append(what))) as store:
        assert [view.run.number for view in store.runs(RunFilter())] == [3, 2, 1]
        assert len(found) == 1


def test_a_reader_follows_what_has_the_name(scene: Scene) -> None:
    with closing(scene.store.reader()) as reader:
        assert len(reader.runs(RunFilter())) == 3
        restore_older_alone(scene)
        assert [view.run.number for view in reader.runs(RunFilter())] == [1]
        scene.write_until_it_works(whole(4))
        assert [view.run.number for view in reader.runs(RunFilter())] == [4, 3, 2, 1]


def test_looking_at_the_version_takes_no_lock_away(scene: Scene) -> None:
    """Closing any descriptor of a file takes away all locks that a process has on it (POSIX).

    Another program that closes the database would then take the log for left behind, and delete it.
    """
    open_reader(scene.directory).close()
    script = (
        "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('SELECT * FROM log').fetchall(); d.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(scene.path)], check=True)
    assert Path(f"{scene.path}-wal").exists()
    scene.store.write(whole(4))
    check_that_a_kill_loses_nothing(scene)


def overwrite(scene: Scene) -> None:
    """`cp backup.db rocketd.db`: the same file with other content, under whoever has it open."""
    inode = scene.path.stat().st_ino
    shutil.copyfile(scene.backup, scene.path)
    assert scene.path.stat().st_ino == inode


def bring_log_back(scene: Scene) -> None:
    """So that what came since the backup is in the database, and not in its log as well."""
    scene.store._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]  # noqa: SLF001 - as at its thousandth page
    scene.store._database._stamp = stamp(scene.path)  # noqa: SLF001 - it was its own
    scene.store.write([Alive(NOW + 6)])


def test_a_backup_copied_over_the_database_loses_nothing_that_is_in_its_log(scene: Scene) -> None:
    overwrite(scene)
    assert all(" while it was in use" in said for said in scene.write_until_it_works(whole(4)))
    assert scene.found[-1][1].startswith(f"another program wrote to {scene.path} while it was in use; ")
    assert scene.numbers() == [1, 2, 3, 4]
    check_that_a_kill_loses_nothing(scene)


@pytest.mark.parametrize("stops", [False, True])
def test_a_backup_copied_over_the_database_is_told_and_its_log_is_not_mixed_into_it(scene: Scene, stops: bool) -> None:  # noqa: FBT001 - a parameter
    for number in range(100, 400):  # more than one page of everything
        scene.store.write(whole(number))
    bring_log_back(scene)
    overwrite(scene)
    if stops:
        scene.store.close()
    else:
        assert all(" while it was in use" in said for said in scene.write_until_it_works(whole(401)))
        assert scene.store.states()["backup"].next_number == 402
        scene.store.close()
    assert [about for about, _ in scene.found] == ["store files"]
    assert "another program wrote to" in scene.found[0][1]
    assert scene.numbers()[:1] == [1]
    with closing(sqlite3.connect(scene.path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("earlier", [0, 2_000])
def test_a_backup_that_is_copied_over_the_database_in_the_middle_of_a_commit_is_noticed(
    scene: Scene, earlier: int
) -> None:
    """Also when the log has begun anew meanwhile."""
    for number in range(100, 100 + earlier):
        scene.store.write(whole(number))
    assert (scene.path.stat().st_mtime_ns > scene.backup.stat().st_mtime_ns) == bool(earlier), (
        "whether the log was brought back"
    )
    connection = scene.store._database._connection  # noqa: SLF001 - what happens at its next statement
    assert connection is not None
    connection.set_trace_callback(lambda statement: overwrite(scene) if statement == "COMMIT" else None)
    scene.store.write(whole(4_000))
    connection.set_trace_callback(None)
    assert scene.write_until_it_works(whole(5_000))
    assert scene.found[-1][1].startswith(f"another program wrote to {scene.path} while it was in use; ")
    numbers = scene.numbers()
    assert (numbers[0], numbers[-1]) == (1, 5_000)


def test_the_store_brings_its_own_log_back_again_and_again_and_nobody_is_blamed(scene: Scene) -> None:
    log, sizes = Path(f"{scene.path}-wal"), set()
    for number in range(100, 3_000):
        scene.store.write(whole(number))
        sizes.add(log.stat().st_size)
    assert scene.found == []
    assert max(sizes) < 1_100 * 4_120
    assert scene.path.stat().st_size > 100 * 4_096


def test_a_checkpoint_of_another_program_harms_nothing(scene: Scene) -> None:
    """An administrator with sqlite3(1): his right, and told."""
    for number in range(10, 20):
        scene.store.write(whole(number))
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()"
    subprocess.run([sys.executable, "-c", script, scene.path], check=True)
    scene.write_until_it_works(whole(20))
    assert scene.numbers() == [1, 2, 3, *range(10, 21)]
    assert scene.found[-1][1].endswith("; all records are in it")


def test_its_own_checkpoints_are_no_others(scene: Scene) -> None:
    for number in range(10, 1500):
        scene.store.write(whole(number))
    assert not scene.found
