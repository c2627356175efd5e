"""A store whose writer is killed: what was written is there, whole and once."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.store.lock import StateDirectoryHeld, StateLock
from rocketd.store.schema import FILE_NAME
from rocketd.store.store import SqliteStore

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
    (count,) = counts[0]
    assert isinstance(count, int)
    assert count >= 30
    assert count % 3 == 0


def test_whoever_comes_after_ends_what_was_left_open(tmp_path: Path) -> None:
    write_and_kill(tmp_path, 3)
    left = rows(tmp_path, "SELECT task, number FROM open_run ORDER BY task")
    write_and_kill(tmp_path, 3)
    assert rows(tmp_path, "SELECT task_name, number FROM log WHERE action = 'crash' ORDER BY task_name") == left
