"""The daemon on a bad disk, full, read-only, locked, damaged: it is degraded, says so, and loses nothing.

The state directory is a file system of its own, mounted where only the daemon sees it. A full disk stops no task: not
even if it is full when the daemon starts, however the one before it ended.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.store.sqlite.schema import FILE_NAME
from support.daemon_process import Daemon
from support.run_ledger import NOTE, ledger, reconcile_at_rest

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounts a disk of its own")

TASKS = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"
"""

MOUNTED = 'mount -t tmpfs -o size=16m,mode=755 tmpfs "$1" && shift && exec "$@"'


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        made.wrapper = ("unshare", "-m", "sh", "-c", MOUNTED, "sh", str(made.state))
        made.start()
        made.until_line("often succeeded", 2)
        yield made


def disk(daemon: Daemon) -> Path:
    """The daemon's disk as a path of ours, good for longer than the daemon lives."""
    seen = f"/proc/{daemon.pid}/root{daemon.state}"
    return Path(f"/proc/self/fd/{os.open(seen, os.O_RDONLY | os.O_DIRECTORY)}")


def within(daemon: Daemon, *command: str) -> tuple[str, ...]:
    """The command as one that sees the daemon's disk where the daemon does."""
    return ("nsenter", "-m", "-t", str(daemon.pid), *command)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def check_that_it_lives(daemon: Daemon) -> None:
    """It still has its heartbeat, and starts nothing that it cannot record."""
    seen = sum("WATCHDOG=1" in notice for notice in daemon.notices)
    daemon.until_notice("WATCHDOG=1", seen + 4)


def check_that_nothing_is_lost(daemon: Daemon, mounted: Path) -> None:
    daemon.until_line("the run log is writable again")
    daemon.until_line("often succeeded", sum("often succeeded" in line for line in daemon.lines) + 3)
    assert daemon.stop() == 0
    for path in mounted.glob(f"{FILE_NAME}*"):
        shutil.copyfile(path, daemon.state / path.name)
    begun, recorded = reconcile_at_rest(daemon)
    assert begun == recorded


def test_a_full_disk_is_told_and_room_cures_it(daemon: Daemon) -> None:
    mounted = disk(daemon)
    with pytest.raises(OSError, match="No space left"):
        fill(mounted / "ballast")
    daemon.until_notice("the disk is full")
    check_that_it_lives(daemon)
    (mounted / "ballast").unlink()
    check_that_nothing_is_lost(daemon, mounted)


def test_tasks_run_on_while_the_disk_is_full(daemon: Daemon) -> None:
    mounted = disk(daemon)
    with pytest.raises(OSError, match="No space left"):
        fill(mounted / "ballast")
    daemon.until_line("tasks keep starting, and their records wait")
    daemon.until_line("often succeeded", sum("often succeeded" in line for line in daemon.lines) + 10)
    (mounted / "ballast").unlink()
    check_that_nothing_is_lost(daemon, mounted)


def test_a_stop_does_not_wait_for_ever_for_room_on_a_full_disk(tmp_path: Path) -> None:
    """The other place is on the same disk; the exit code tells that something could not be recorded."""
    both = MOUNTED.replace("&& shift", '&& mount --bind "$1" "$2" && shift && shift')
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        daemon.wrapper = ("unshare", "-m", "sh", "-c", both, "sh", str(daemon.state), str(daemon.runtime))
        daemon.start()
        daemon.until_line("often succeeded", 2)
        mounted = disk(daemon)
        (mounted / "spool.jsonl").unlink()
        with pytest.raises(OSError, match="No space left"):
            fill(mounted / "ballast")
        daemon.until_line("cannot write the run log; no task starts until it is writable again")
        assert daemon.stop_at_once() == 1
        assert any(line.startswith("rocketd: ") and "No space left" in line for line in daemon.lines)


SMALL = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"
[task.cleanup]
command = ["/bin/rm", "-f", "{ballast}"]
[task.day]
command = "{note}"
shell = true
when = "daily"
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that is not started yet, and whose disk of 700 KiB outlives it."""
    with Daemon(tmp_path) as made:
        made.write("tasks.toml", SMALL.format(note=NOTE % tmp_path, ballast=made.state / "ballast"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=700k,mode=755", "tmpfs", str(made.state)]
        if subprocess.run(mount, check=False).returncode:
            pytest.skip("mounts a disk of its own")
        try:
            yield made
        finally:
            subprocess.run(["umount", "-l", str(made.state)], check=True)


def filled(daemon: Daemon) -> None:
    with pytest.raises(OSError, match="No space left"):
        fill(daemon.state / "ballast")


def clean_up(daemon: Daemon) -> None:
    """Have the task run that makes room, and wait until it has."""
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}"]
    subprocess.run([*command, "run", "cleanup", "--wait"], check=True, timeout=60)


@pytest.mark.parametrize("before", ["none", "stopped", "killed"])
def test_on_a_disk_that_is_full_already_it_starts_and_so_does_the_task_that_makes_room(
    small: Daemon, before: str
) -> None:
    if before != "none":
        small.start()
        small.until_line("often succeeded", 3)
        small.until_line("day succeeded")
        small.stop() if before == "stopped" else small.kill()
    filled(small)
    small.start()
    small.until_line("tasks keep starting, and their records wait")
    small.until_line("often succeeded", sum("often succeeded" in line for line in small.lines) + 3)
    small.until_line("day succeeded")
    clean_up(small)
    small.until_line("the run log is writable again")
    assert small.stop() == 0
    begun, recorded = reconcile_at_rest(small)
    assert begun == recorded - 1, "but the cleanup, which keeps no ledger"
    assert [number for number, _, action in small.history("day") if action == "success"] == [1]


def test_kills_on_a_full_disk_lose_nothing_and_run_nothing_twice(small: Daemon) -> None:
    """Until the room that is kept is used up, and beyond."""
    small.start()
    small.until_line("often succeeded", 3)
    filled(small)
    for _ in range(3):
        small.until_line("often succeeded", sum("often succeeded" in line for line in small.lines) + 12)
        small.kill()
        small.start()
    small.until_line("which a reboot empties")
    small.until_line("often succeeded", sum("often succeeded" in line for line in small.lines) + 3)
    clean_up(small)
    small.until_line("the run log is writable again")
    assert small.stop() == 0
    begun, recorded = reconcile_at_rest(small)
    assert recorded - 4 <= begun < recorded, "a kill may come between a start's record and its process"
    assert len([one for one in ledger(small.directory) if one.task == "day"]) == 1


def test_a_store_that_another_program_locks_is_told_and_waited_for(daemon: Daemon) -> None:
    mounted = disk(daemon)
    script = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None); d.execute('BEGIN IMMEDIATE')"
    locking = (sys.executable, "-c", f"{script}; print('locked', flush=True); input()", str(daemon.state / FILE_NAME))
    with subprocess.Popen(within(daemon, *locking), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as locker:
        assert locker.stdin
        assert locker.stdout
        assert locker.stdout.readline() == "locked\n"
        daemon.until_notice("is locked by another program")
        check_that_it_lives(daemon)
        locker.stdin.write("let go\n")
    check_that_nothing_is_lost(daemon, mounted)


def test_a_store_that_is_damaged_under_it_is_told(daemon: Daemon) -> None:
    """It starts nothing that it cannot record, keeps what ends in its spool, and waits for somebody who mends it."""
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')"
    mounted, store = disk(daemon), str(daemon.state / FILE_NAME)
    subprocess.run(within(daemon, sys.executable, "-c", script, store), check=True)
    with (mounted / FILE_NAME).open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    daemon.until_notice(f"{FILE_NAME} is damaged")
    check_that_it_lives(daemon)
    assert any(f"{FILE_NAME} is damaged" in line for line in daemon.lines)
    assert not any("Traceback" in line for line in daemon.lines)


def test_on_a_read_only_disk_it_does_not_start_and_says_why(tmp_path: Path) -> None:
    """The next try may find it mended, so it is not among the ends after which systemd does not try again."""
    with Daemon(tmp_path) as daemon:
        daemon.wrapper = ("unshare", "-m", "sh", "-c", MOUNTED.replace("size=16m", "ro"), "sh", str(daemon.state))
        assert daemon.spawn().wait() == 1
        assert "Read-only file system" in daemon.lines[0]
        assert len(daemon.lines) <= 2


RUN = """
mount -t tmpfs -o size=64k,nr_inodes=40,mode=755 tmpfs "$1"
i=0; while touch "$1/f$i" 2>/dev/null; do i=$((i+1)); done
shift; exec "$@"
"""


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon whose runtime directory is full."""
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        text = TASKS.format(note=NOTE % tmp_path) + '[task.boot]\ncommand = ["/bin/true"]\non = "boot"\n'
        made.write("tasks.toml", text)
        made.wrapper = ("unshare", "-m", "sh", "-c", RUN, "sh", str(made.runtime))
        yield made


def test_with_a_full_runtime_directory_tasks_run_and_the_socket_comes_once_there_is_room(crowded: Daemon) -> None:
    crowded.start()
    crowded.until_line("often succeeded", 2)
    crowded.until_line("boot succeeded")
    crowded.until_notice("cannot listen at")
    assert not any("0 problems" in line or "Traceback" in line for line in crowded.lines)
    runtime = Path(f"/proc/{crowded.pid}/root{crowded.runtime}")
    for ballast in runtime.glob("f*"):
        ballast.unlink()
    crowded.until((runtime / "control.sock").is_socket)
    assert crowded.stop() == 0


def test_what_runs_once_in_a_boot_does_so_with_a_full_runtime_directory_as_well(crowded: Daemon) -> None:
    for _ in range(2):
        crowded.start()
        crowded.until_line("often succeeded", 2)
        crowded.kill()
        crowded.lines = [line for line in crowded.lines if "boot " in line]
    assert sum("boot started" in line for line in crowded.lines) == 1


def test_a_read_only_runtime_directory_keeps_no_task_from_running(tmp_path: Path) -> None:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        made.wrapper = ("unshare", "-m", "sh", "-c", MOUNTED.replace("size=16m", "ro"), "sh", str(made.runtime))
        made.start()
        made.until_line("often succeeded", 2)
        made.until_notice("Read-only file system")
        assert made.stop() == 0
