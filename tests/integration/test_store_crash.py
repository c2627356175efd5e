"""A store whose writer is killed: what was written is there, whole and once."""

import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from rocketd.store.sqlite.schema import FILE_NAME, STEPS
from rocketd.store.sqlite.store import SqliteStore
from rocketd.store.state_lock import StateDirectoryHeld, StateLock

WRITER = [sys.executable, str(Path(__file__).with_name("store_writer.py"))]
SEED = 20261124


def write_and_kill(directory: Path, batches: int) -> int:
    """Let it write that many batches and kill it somewhere in the next; returns the last one it knew to be written."""
    with subprocess.Popen([*WRITER, str(directory)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        known = 0
        for _ in range(batches):
            known = int(writer.stdout.readline())
        writer.kill()
        rest = writer.stdout.read().split("\n")
    return max([known, *(int(line) for line in rest[:-1])])


def rows(directory: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / FILE_NAME)) as database:
        return database.execute(sql).fetchall()


def test_what_was_written_survives_kill_and_no_batch_is_half_there(tmp_path: Path) -> None:
    """Twelve kills at random moments of the write loop, each going on where the last one died."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable test, not a secret
    known = 0
    for _ in range(12):
        known = write_and_kill(tmp_path, chance.randint(1, 25))
        begun = rows(tmp_path, "SELECT number, count(*) FROM log WHERE action = 'run' GROUP BY number ORDER BY number")
        assert begun == [(number, 3) for number in range(1, len(begun) + 1)]
        assert len(begun) in {known, known + 1}  # it may have been killed before it could say so
    open_runs = SqliteStore(tmp_path).open_runs()
    assert {(one.run.task, one.run.number) for one in open_runs} == {(task, len(begun)) for task in "abc"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace(1)")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "ftruncate"])
def test_killed_at_any_system_call_of_a_write_all_of_it_is_there_or_nothing(tmp_path: Path, call: str) -> None:
    """The n-th call of its kind is the last thing the writer does, for every n until it gets past its second batch."""
    for turn in count(1):
        directory = tmp_path / str(turn)
        killed, said = killed_at(directory, call, turn)
        if not killed:
            assert turn > 1
            return
        if not (directory / FILE_NAME).exists() or rows(directory, "PRAGMA user_version") != [(len(STEPS),)]:
            assert said == 0
            continue
        begun = rows(directory, "SELECT number, count(*) FROM log WHERE action = 'run' GROUP BY number")
        assert all(runs == 3 for _, runs in begun)
        assert len(begun) in {said, said + 1}
        assert rows(directory, "SELECT count(*) FROM open_run") == [(3 if begun else 0,)]


def killed_at(directory: Path, call: str, turn: int) -> tuple[bool, int]:
    """Run the writer for two batches, and kill it at that call; whether that came, and how many batches it had said."""
    strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={turn}"]
    done = subprocess.run([*strace, *WRITER, str(directory), "2"], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode != 0, len(done.stdout.splitlines())


def test_two_daemons_that_share_a_store_never_start_the_same_run(tmp_path: Path) -> None:
    """As if the lock had been taken away from under one: the store itself refuses the second."""
    SqliteStore(tmp_path).close()
    script = """
import sys
from pathlib import Path
from rocketd.core.errors import StoreError
from rocketd.core.model.events import Started
from rocketd.core.model.run import Run, Trigger
from rocketd.store.sqlite.store import SqliteStore
store = SqliteStore(Path(sys.argv[1]), durability="normal")
for number in range(1, 201):
    try:
        store.write([Started(Run("a", number, sys.argv[2], 1, 0, 0, Trigger.SCHEDULE, ""))])
        print(number)
    except StoreError:
        pass
"""
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "other")
    ]
    first, second = (set(process.communicate()[0].split()) for process in both)
    assert not first & second
    kept = rows(tmp_path, "SELECT number FROM log WHERE action = 'run'")
    assert {str(number) for (number,) in kept} == first | second


def test_after_the_kills_every_run_but_the_open_ones_has_one_end(tmp_path: Path) -> None:
    for _ in range(3):
        write_and_kill(tmp_path, 5)
    ends = rows(tmp_path, "SELECT task_name, number FROM log WHERE action <> 'run'")
    begun = rows(tmp_path, "SELECT task_name, number FROM log WHERE action = 'run'")
    going = rows(tmp_path, "SELECT task, number FROM open_run")
    assert sorted([*ends, *going]) == sorted(begun)
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    write_and_kill(tmp_path, 1)
    StateLock(tmp_path).release()


def test_a_second_daemon_is_told_who_holds_the_state_directory(tmp_path: Path) -> None:
    with subprocess.Popen([*WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        writer.stdout.readline()
        with pytest.raises(StateDirectoryHeld, match=rf"PID {writer.pid}\b") as caught:
            StateLock(tmp_path)
        writer.kill()
        writer.stdout.read()
    assert caught.value.pid == writer.pid


def test_a_reader_sees_what_a_running_writer_has_written(tmp_path: Path) -> None:
    """`rocketctl history` beside the daemon: another process, whole batches only."""
    with subprocess.Popen([*WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(10):
            writer.stdout.readline()
        counts = rows(tmp_path, "SELECT count(*) FROM log WHERE action = 'run'")
        writer.kill()
        writer.stdout.read()
    (seen,) = counts[0]
    assert isinstance(seen, int)
    assert seen >= 30
    assert seen % 3 == 0


def test_whoever_comes_after_ends_what_was_left_open(tmp_path: Path) -> None:
    write_and_kill(tmp_path, 3)
    left = rows(tmp_path, "SELECT task, number FROM open_run ORDER BY task")
    write_and_kill(tmp_path, 3)
    assert rows(tmp_path, "SELECT task_name, number FROM log WHERE action = 'crash' ORDER BY task_name") == left
