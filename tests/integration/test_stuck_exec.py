"""A process that a FUSE server holds in its exec: newer kernels let nobody read its /proc/PID/stat meanwhile."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rocketd.executor.process.process_files import spawned_time, start_time
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessTree, open_pidfd
from support.daemon_process import Daemon
from support.task_files import root_only
from support.unreliable_host import FileServer, file_server

pytestmark = root_only

HELD = """
import os, sys
file = open(sys.argv[1], "a")
print("opened", flush=True)
open(sys.argv[2]).read()
os.execv("/bin/sleep", ["sleep", "1000"])
"""
"""Opens a file, waits for a FIFO, and executes another program, which closes the file."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    with file_server(tmp_path / "files", tmp_path / "server") as made:
        yield made


@contextmanager
def held(server: FileServer, fifo: Path) -> Iterator[int]:
    """Yield the pid of a process in a session of its own that is held."""
    subprocess.run(["mkfifo", fifo], check=True)
    command = [sys.executable, "-c", HELD, str(server.place / "file"), str(fifo)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"opened\n"
        server.hang()
        fifo.write_text("go")
        while Path(f"/proc/{process.pid}/cmdline").read_bytes():  # it has none on the way
            time.sleep(0.01)
        try:
            yield process.pid
        finally:
            process.kill()
            server.answer()


def test_a_scan_knows_the_process_and_waits_for_it_once(server: FileServer, tmp_path: Path) -> None:
    async def scan(pid: int) -> list[Process]:
        scanner, tree = ProcessScanner(), ProcessTree("", root=pid)
        first, *others = [(await scanner.scan(0)).members_of(tree) for _ in range(3)]
        assert others == [first, first]
        return first

    with held(server, tmp_path / "fifo") as pid:
        (process,) = asyncio.run(asyncio.wait_for(scan(pid), 60))
        assert process.pid == pid
        assert start_time(pid) > 0
        assert spawned_time(pid) < 2**61
        pidfd = open_pidfd(process)
        assert pidfd is not None
        os.close(pidfd)


def test_a_run_that_is_held_holds_up_no_other(server: FileServer, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    subprocess.run(["mkfifo", fifo], check=True)
    program = tmp_path / "held.py"
    program.write_text(HELD)
    command = [sys.executable, str(program), str(server.place / "file"), str(fifo)]
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "8000000"}) as daemon:
        daemon.timeout = 90.0  # a process that KILL does not end is given up after 30 s
        daemon.write("held.toml", f'[task.held]\ncommand = {command}\non = "startup"\nkill_grace = "0s"\n')
        daemon.write("good.toml", '[task.good]\ncommand = ["/bin/true"]\nwhen = "every(\'200 ms\')"\n')
        daemon.start()
        daemon.until_line("opened")
        server.hang()
        fifo.write_text("go")
        daemon.until_line("good succeeded", 3 + sum("good succeeded" in line for line in daemon.lines))
        control = f"--runtime-dir={daemon.runtime}"
        subprocess.run([sys.executable, "-m", "rocketd.cli.rocketctl", control, "stop", "held"], check=True, timeout=60)
        for _ in range(2):  # while it is being stopped, and all processes are looked through
            beats = sum("WATCHDOG=1" in notice for notice in daemon.notices)
            daemon.until_notice("WATCHDOG=1", beats + 4)
            daemon.until_line("good succeeded", 3 + sum("good succeeded" in line for line in daemon.lines))
        server.answer()
        daemon.until_line("held was stopped")
        assert daemon.stop() == 0
