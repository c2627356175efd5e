"""A daemon with the tasks of a benchmark, in a directory of its own, and what it uses."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

PER_FILE: Final = 1000
_WHOLE_PROCESS: Final = 2
"""Which clock of a process: clock_getcpuclockid(3)."""


class Usage(NamedTuple):
    """What a process has used since it began."""

    cpu: float
    """Seconds, its children's not counted."""
    wakeups: int
    """Voluntary context switches of all its threads (proc_pid_status(5)): it had gone to sleep and came back."""
    memory: float
    """Resident megabytes now."""

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Ask the kernel."""
        clock = ~pid << 3 | _WHOLE_PROCESS
        threads = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
        wakeups = 0
        for thread in threads:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                wakeups += _status(thread, "voluntary_ctxt_switches")
        return cls(time.clock_gettime(clock), wakeups, _status(pid, "VmRSS") / 1024)


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


class Daemon(NamedTuple):
    """One that is running."""

    pid: int
    ready: float
    """Seconds from its start to READY."""
    cpu: float
    """Seconds of CPU until then: on a quiet machine about the same."""
    directory: Path

    @property
    def usage(self) -> Usage:
        """What it has used so far."""
        return Usage.of(self.pid)


def task_name(number: int) -> str:
    """What a task of the benchmarks is called, counting from 0."""
    return f"t{number:06}"


def write_tasks(directory: Path, tasks: Iterable[str], settings: str = "") -> None:
    """Lay out task files of a thousand tasks, each given as the body of its table."""
    config = directory / "etc"
    config.mkdir()
    (config / "rocketd.toml").write_text(settings)
    numbered = [f"[task.{task_name(number)}]\n{body}\n" for number, body in enumerate(tasks)]
    for first in range(0, len(numbered), PER_FILE):
        (config / f"tasks{first // PER_FILE:04}.toml").write_text("".join(numbered[first : first + PER_FILE]))


@contextmanager
def daemon(directory: Path) -> Iterator[Daemon]:
    """Run one over what is laid out there, its journal a console that nobody looks at."""
    command = [sys.executable, "-m", "rocketd", "--log-target=console", f"--config-dir={directory / 'etc'}"]
    command += [f"--state-dir={directory / 'lib'}", f"--runtime-dir={directory / 'run'}"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(directory / "notify"))
        began = time.monotonic()
        environment = {**os.environ, "NOTIFY_SOCKET": str(directory / "notify")}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        try:
            _await_ready(notify, process.pid)
            yield Daemon(process.pid, time.monotonic() - began, Usage.of(process.pid).cpu, directory)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
            (directory / "notify").unlink()


def _await_ready(notify: socket.socket, pid: int) -> None:
    """Wait until it says so; raises RuntimeError if it ends before."""
    ended = os.pidfd_open(pid)
    try:
        while notify.fileno() in select.select([notify.fileno(), ended], [], [])[0]:
            if b"READY=1" in notify.recv(4096):
                return
    finally:
        os.close(ended)
    raise RuntimeError("the daemon did not start; it says above why")


def stamp(directory: Path) -> Path:
    """Compile the program that notes its own start; give its path."""
    program = directory / "stamp"
    subprocess.run(["cc", "-O2", "-static", "-o", program, Path(__file__).with_name("stamp.c")], check=True)
    return program


def stamps(file: Path) -> list[float]:
    """The starts that were noted, in seconds since 1970, ascending."""
    return sorted(map(float, file.read_text().split())) if file.exists() else []


def wait_for_stamps(file: Path, count: int, seconds: float) -> list[float]:
    """Wait until that many have been noted, for that long at most."""
    deadline = time.monotonic() + seconds
    while len(noted := stamps(file)) < count and time.monotonic() < deadline:
        time.sleep(0.2)
    return noted
