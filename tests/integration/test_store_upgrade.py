"""Stores of other versions: an older one is brought up to date, a newer one is refused and not touched."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, SECOND
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Alive, RunFilter
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Run, Trigger, Usage
from rocketd.log import RunRecord
from rocketd.store.redbird.run_repo import open_run_repo
from rocketd.store.replication.outbox import read_pending
from rocketd.store.sqlite.migrations import check, upgrade, version_of
from rocketd.store.sqlite.schema import FILE_NAME, STEPS
from rocketd.store.sqlite.store import SqliteStore, open_reader

NEXT = (*STEPS, ("ALTER TABLE log ADD COLUMN weather TEXT", "UPDATE log SET weather = 'fine'"))
THIS = len(STEPS)
"""The version of this program."""
BROKEN = (*STEPS, ("ALTER TABLE log ADD COLUMN weather TEXT", "UPDATE nothing SET weather = 'fine'"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of this version, with something in it."""
    store = SqliteStore(tmp_path)
    store.write([Alive(7)])
    store.close()
    return tmp_path / FILE_NAME


def snapshot(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in directory.iterdir()}


def columns(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        return {row[1] for row in database.execute("PRAGMA table_info(log)")}


def test_a_newer_store_is_refused_by_all_who_open_it_and_stays_as_it_is(path: Path) -> None:
    upgrade(path, NEXT)
    directory = path.parent
    before = snapshot(directory)
    for opener in (SqliteStore, open_reader, open_run_repo):
        with pytest.raises(StoreError, match=f"has version {THIS + 1}, and this rocketd knows versions up to {THIS}"):
            opener(directory)
    assert snapshot(directory) == before


def test_a_newer_store_whose_daemon_was_killed_is_not_touched_either(path: Path) -> None:
    """Its newest pages are in the write-ahead log; even so the version can be told from the file's first bytes."""
    upgrade(path, NEXT)
    script = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('PRAGMA journal_mode = WAL');"
        "d.execute('UPDATE alive SET at = 8'); d.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    before = snapshot(path.parent)
    assert f"{FILE_NAME}-wal" in before
    with pytest.raises(StoreError, match=f"version {THIS + 1}"):
        SqliteStore(path.parent)
    assert snapshot(path.parent) == before


def cut_short(path: Path, call: str, turn: int) -> bool:
    """Make a store and be killed at that system call; whether it came to that."""
    traced = [f"--trace-path={path}", f"--trace-path={path}-journal", "-e", f"trace={call}"]
    strace = ["strace", "-o", "/dev/null", *traced]
    script = """if True:
        import sys
        from pathlib import Path
        from rocketd.store.sqlite.migrations import upgrade
        upgrade(Path(sys.argv[1]))
    """
    killing = ["-e", f"inject={call}:signal=KILL:when={turn}"]
    done = subprocess.run([*strace, *killing, sys.executable, "-c", script, str(path)], check=False)
    return done.returncode != 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace(1)")
@pytest.mark.parametrize("call", ["openat", "pwrite64", "fdatasync", "unlink"])
def test_a_store_whose_making_was_cut_short_is_made_anew(tmp_path: Path, call: str) -> None:
    """Killed at the last and at a middle call: the file may say already that it is whole, or not what it is."""
    turns = 0
    while cut_short(tmp_path / f"{turns + 1}.db", call, turns + 1):
        turns += 1
    assert turns
    for turn in {1, (turns + 1) // 2, turns}:
        directory = tmp_path / str(turn)
        directory.mkdir()
        assert cut_short(directory / FILE_NAME, call, turn)
        with closing(SqliteStore(directory)) as store:
            store.write([Alive(7)])
            assert store.last_alive() == 7


def test_a_store_whose_first_page_was_lost_with_the_power_is_made_anew(tmp_path: Path) -> None:
    """The journal was synced before anything of the store was written."""
    path = tmp_path / FILE_NAME
    assert cut_short(path, "unlink", 1)
    with path.open("r+b") as file:
        file.write(bytes(4096))
    SqliteStore(tmp_path).close()
    assert version_of(path) == len(STEPS)


def test_an_older_store_is_brought_up_to_date_and_a_copy_is_kept(path: Path) -> None:
    upgrade(path, NEXT)
    assert version_of(path) == THIS + 1
    assert "weather" in columns(path)
    copy = path.with_name(f"{FILE_NAME}.version-{THIS}")
    assert version_of(copy) == THIS
    assert "weather" not in columns(copy)
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT at FROM alive").fetchone() == (7,)


def test_a_step_that_fails_leaves_the_old_version(path: Path) -> None:
    with pytest.raises(StoreError, match="nothing"):
        upgrade(path, BROKEN)
    assert version_of(path) == THIS
    assert "weather" not in columns(path)
    with closing(SqliteStore(path.parent)) as store:
        assert store.last_alive() == 7


def test_dying_in_the_middle_of_a_step_leaves_the_old_version(path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from rocketd.store.sqlite.schema import STEPS
from rocketd.store.sqlite.migrations import upgrade
def step():
    yield "ALTER TABLE log ADD COLUMN weather TEXT"
    yield "UPDATE alive SET at = 9"
    os.kill(os.getpid(), 9)
upgrade(Path(sys.argv[1]), (*STEPS, step()))
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    assert version_of(path) == THIS
    with closing(SqliteStore(path.parent)) as store:
        assert store.last_alive() == 7
    assert "weather" not in columns(path)


def test_dying_right_after_a_step_leaves_a_version_that_others_can_tell(path: Path) -> None:
    """The step is committed, and nothing was closed: the file's first bytes must say it all the same."""
    script = """
import os, sys
from pathlib import Path
from rocketd.store.sqlite import migrations
class Deadly(migrations.closing):
    def __exit__(self, *_):
        os.kill(os.getpid(), 9)
migrations.closing = Deadly
migrations.back_up = lambda *_: None
sys.path[:0] = [sys.argv[2], str(Path(sys.argv[2]).parent)]
from test_store_upgrade import NEXT
migrations.upgrade(Path(sys.argv[1]), NEXT)
"""
    given = [str(path), str(Path(__file__).parent)]
    assert subprocess.run([sys.executable, "-c", script, *given], check=False).returncode == -9
    assert version_of(path) == THIS + 1


def test_an_upgrade_takes_along_what_a_killed_daemon_left_in_its_log(path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from rocketd.store.sqlite.store import SqliteStore;"
        "from rocketd.core.model.records import Alive; s = SqliteStore(Path(sys.argv[1])); s.write([Alive(8)]);"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path.parent)], check=False)
    upgrade(path, NEXT)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT at FROM alive").fetchone() == (8,)
    assert not os.path.lexists(f"{path}-wal")


def test_opening_a_store_of_this_version_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    with closing(open_reader(path.parent)) as reader:
        assert reader.runs(RunFilter()) == []
    assert path.read_bytes() == before
    assert not path.with_name(f"{FILE_NAME}.version-{THIS}").exists()


def test_a_step_that_changes_no_table_leaves_no_copy_and_is_refused_by_what_does_not_know_it(tmp_path: Path) -> None:
    """There is nothing to go back to; but what is recorded from now on is new."""
    path = tmp_path / FILE_NAME
    upgrade(path, STEPS[:2])
    upgrade(path, STEPS[:3])
    assert version_of(path) == 3
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]
    with pytest.raises(StoreError, match="knows versions up to 2"):
        check(path, STEPS[:2])


OLD = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
NOW = round(OLD) * SECOND + DAY


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of version 3, which knows nothing of what runs use, with a run and a record that waits to be sent."""
    path = tmp_path / FILE_NAME
    upgrade(path, STEPS[:3])
    names = "created, task_name, action, run_id, number, attempt, due, start, end, runtime, exit_code, output"
    with closing(sqlite3.connect(path)) as database:
        for action, at, ended in (("run", OLD, (None, None, None, None)), ("fail", OLD + 9, (OLD + 9, 9.0, 3, "no\n"))):
            row = (at, "backup", action, "id-1", 1, 1, OLD, OLD, *ended)
            database.execute(f"INSERT INTO log ({names}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", row)  # noqa: S608 - ours
        waiting = [OLD, "nightly", "run", "id-2", 1, *[None] * 20]
        database.execute("INSERT INTO spool VALUES (7, 0, ?)", (json.dumps(waiting),))
        database.commit()
    return path


def test_a_store_from_before_runs_had_their_usage_is_read_without_a_change(old: Path) -> None:
    """As rocketctl does after an upgrade, before the daemon has been started."""
    before = snapshot(old.parent)
    with closing(open_reader(old.parent)) as reader:
        for runs in (reader.runs(RunFilter()), reader.runs(RunFilter(task="backup")), reader.page(RunFilter(), 0).runs):
            [view] = runs
            assert view.end is not None
            assert (view.end.exit_code, view.end.output, view.end.usage) == (3, "no\n", NO_USAGE)
        assert len(reader.recovery_events({}, 0)) == 0
    records = [record for record in open_run_repo(old.parent).filter_by().all() if isinstance(record, RunRecord)]
    assert [record.cpu_time for record in records] == [None, None]
    assert snapshot(old.parent).keys() == before.keys()


def test_it_is_brought_up_to_date_with_all_that_it_has(old: Path) -> None:
    usage = Usage(cpu=1_500_000, memory=4096, io_read=0)
    run = Run("backup", 2, "id-2", 1, NOW, NOW, Trigger.SCHEDULE, "")
    with closing(SqliteStore(old.parent)) as store:
        store.write([Started(run), Finished(run, End(Action.SUCCESS, Cause.EXIT, run.start, usage=usage))])
        ends = [view.end for view in store.runs(RunFilter())]
    assert [end and end.usage for end in ends] == [usage, NO_USAGE]
    assert version_of(old.with_name(f"{FILE_NAME}.version-3")) == 3
    with closing(sqlite3.connect(old)) as database:
        [record] = read_pending(database).records
    assert (record.row.task_name, record.row.cpu_time) == ("nightly", None)
