"""The daemon's state removed, moved or replaced while it runs: told within a heartbeat, nothing lost, nothing twice."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.store.sqlite.schema import FILE_NAME
from support.daemon_process import Daemon
from support.run_ledger import NOTE, reconcile, reconcile_at_rest

TASKS = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"

[task.day]
command = "{note}"
shell = true
when = "daily"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """One that has run both tasks, and of whose state there is a backup that is a bit older."""
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        made.start()
        made.until_line("day succeeded")
        made.until_line("often succeeded", 2)
        with closing(sqlite3.connect(made.state / FILE_NAME)) as store, closing(sqlite3.connect(backup(made))) as copy:
            store.backup(copy)
        made.until_line("often succeeded", 4)
        yield made


def backup(daemon: Daemon) -> Path:
    return daemon.directory / "backup.db"


def remove(daemon: Daemon) -> None:
    for path in daemon.state.glob(f"{FILE_NAME}*"):
        path.unlink()


def remove_database(daemon: Daemon) -> None:
    (daemon.state / FILE_NAME).unlink()


def restore_older(daemon: Daemon) -> None:
    shutil.copy(backup(daemon), daemon.state / "coming")
    (daemon.state / "coming").rename(daemon.state / FILE_NAME)


def remove_log(daemon: Daemon) -> None:
    (daemon.state / f"{FILE_NAME}-wal").unlink()


def remove_directory(daemon: Daemon) -> None:
    gone = daemon.state.rename(daemon.directory / "gone")  # it may write there meanwhile
    shutil.rmtree(gone)


def overwrite(daemon: Daemon) -> None:
    """`cp backup.db rocketd.db`: the same file, with other content."""
    shutil.copyfile(backup(daemon), daemon.state / FILE_NAME)


CURED = [remove, remove_database, restore_older, remove_log, remove_directory, overwrite]


def told(daemon: Daemon, text: str) -> None:
    """It is in the journal and in the status."""
    daemon.until_line(text)
    daemon.until_notice(text)


def goes_on(daemon: Daemon) -> None:
    daemon.until_line("often succeeded", sum("often succeeded" in line for line in daemon.lines) + 3)


def check_day_ran_once(daemon: Daemon) -> None:
    assert [number for number, _, _ in daemon.history("day")] == [1]


@pytest.mark.parametrize("displace", CURED)
def test_it_is_told_and_put_right_while_tasks_run_on(daemon: Daemon, displace: Callable[[Daemon], None]) -> None:
    displace(daemon)
    told(daemon, "in use")
    goes_on(daemon)
    assert daemon.stop() == 0
    check_day_ran_once(daemon)
    begun, recorded = reconcile_at_rest(daemon)
    assert begun == recorded


@pytest.mark.parametrize("displace", CURED)
def test_a_kill_right_after_it_was_told_loses_nothing(daemon: Daemon, displace: Callable[[Daemon], None]) -> None:
    displace(daemon)
    told(daemon, "in use")
    goes_on(daemon)
    daemon.kill()
    daemon.start()
    goes_on(daemon)
    assert daemon.stop() == 0
    check_day_ran_once(daemon)
    reconcile(daemon)


@pytest.mark.parametrize("displace", CURED)
def test_a_stop_right_after_it_loses_nothing(daemon: Daemon, displace: Callable[[Daemon], None]) -> None:
    displace(daemon)
    assert daemon.stop() == 0
    daemon.start()
    goes_on(daemon)
    assert daemon.stop() == 0
    check_day_ran_once(daemon)
    reconcile_at_rest(daemon)


def put_directory(daemon: Daemon) -> None:
    remove_database(daemon)
    (daemon.state / FILE_NAME).mkdir()


def put_fifo(daemon: Daemon) -> None:
    remove_database(daemon)
    os.mkfifo(daemon.state / FILE_NAME)


def put_foreign(daemon: Daemon) -> None:
    remove_database(daemon)
    with closing(sqlite3.connect(daemon.state / FILE_NAME)) as database:
        database.execute("CREATE TABLE bookmarks (url)")


@pytest.mark.parametrize("displace", [put_directory, put_fifo, put_foreign])
def test_what_somebody_put_in_its_place_is_told_and_waited_for(
    daemon: Daemon, displace: Callable[[Daemon], None]
) -> None:
    displace(daemon)
    told(daemon, "in use")
    seen = sum("WATCHDOG=1" in notice for notice in daemon.notices)
    daemon.until_notice("WATCHDOG=1", seen + 4)
    (daemon.state / FILE_NAME).rename(daemon.directory / "theirs")
    daemon.until_line("the run log is writable again")
    goes_on(daemon)
    assert daemon.stop() == 0
    check_day_ran_once(daemon)
    reconcile_at_rest(daemon)


def test_a_directory_that_is_moved_and_put_back_loses_nothing(daemon: Daemon) -> None:
    """Nothing starts without a record; and nothing is begun anew in its place."""
    daemon.state.rename(daemon.directory / "moved")
    told(daemon, "in use")
    told(daemon, f"{daemon.directory}/moved now")
    assert not daemon.state.exists()
    (daemon.directory / "moved").rename(daemon.state)
    daemon.until_line("the run log is writable again")
    goes_on(daemon)
    assert daemon.stop() == 0
    check_day_ran_once(daemon)
    reconcile_at_rest(daemon)


def test_who_removes_the_lock_lets_no_second_daemon_in(daemon: Daemon, tmp_path: Path) -> None:
    (daemon.state / "lock").unlink()
    other = tmp_path / "other"
    other.mkdir()
    with Daemon(other, f"--state-dir={daemon.state}") as second:
        assert second.spawn().wait() == 3
    told(daemon, "lock was removed or replaced")
    goes_on(daemon)
    assert (daemon.state / "lock").read_text() == f"{daemon.pid}\n"
    assert daemon.stop() == 0
    reconcile_at_rest(daemon)
