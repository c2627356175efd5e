"""A real daemon as a process, and what it says: to the service manager, on its console, in its store.

Nothing here sleeps: whoever waits, waits for a line or a notification, and gives up loudly.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rocketd.core.model.records import RunFilter, RunView
from rocketd.store.sqlite.store import open_reader

TIMEOUT = 30.0
"""Seconds after which something that should have happened has not."""


class Daemon:
    """One daemon over one directory with its files, state and socket; may be started again and again."""

    def __init__(self, directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.config, self.state, self.runtime = (directory / name for name in ("etc", "lib", "run"))
        for each in (self.config, self.state, self.runtime):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)
        self.lines: list[str] = []
        """What the console said, over all starts."""
        self.notices: list[str] = []
        """What the service manager was told, over all starts."""
        self.timeout = TIMEOUT
        """Seconds for which it is waited for each thing."""
        self._arguments = arguments
        self._environment = {} if environment is None else environment
        self.python = sys.executable
        """The interpreter whose rocketd it is."""
        self.wrapper: tuple[str, ...] = ()
        """What the next start is wrapped in: a program that becomes the daemon, or stands aside."""
        self._process: subprocess.Popen[bytes] | None = None
        self._selector = selectors.DefaultSelector()
        self._partial = b""
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(directory / "notify"))
        self._selector.register(self._notify, selectors.EVENT_READ, self._hear)

    # -- its life

    def write(self, name: str, text: str) -> None:
        """Drop a task file."""
        (self.config / name).write_text(text)
        (self.config / name).chmod(0o644)

    def spawn(self) -> Self:
        """Start it, and wait for nothing."""
        command = [
            *self.wrapper,
            self.python,
            "-m",
            "rocketd",
            f"--config-dir={self.config}",
            f"--state-dir={self.state}",
        ]
        command += [f"--runtime-dir={self.runtime}", "--log-target=console", *self._arguments]
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.directory / "notify"), **self._environment}
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector.register(self._process.stdout, selectors.EVENT_READ, self._read)
        return self

    def start(self) -> Self:
        """Start it, and wait until it is ready."""
        seen = len(self.notices)
        self.spawn()
        self.until(lambda: "READY=1" in self.notices[seen:] or self.has_closed())
        assert "READY=1" in self.notices[seen:], "\n".join(self.lines[-40:])
        return self

    def has_closed(self) -> bool:
        """Whether its standard output has come to an end."""
        assert self._process is not None
        return self._process.stdout not in [key.fileobj for key in self._selector.get_map().values()]

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end, hearing all it says until then; returns its exit code."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        self.until(self.has_closed)
        code = process.wait(self.timeout)
        process.stdout.close()
        self._process = None
        return code

    def stop(self) -> int:
        """Ask it to stop, and wait for its end."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def stop_at_once(self) -> int:
        """Ask it twice to stop, and wait for its end."""
        seen = sum("STOPPING=1" in notice for notice in self.notices)
        self.signal(signal.SIGTERM)
        self.until_notice("STOPPING=1", seen + 1)  # the kernel makes one of two that come too close together
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """Kill it as a crash would."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.wait(self.timeout)
        if not self.has_closed():
            self._selector.unregister(self._process.stdout)
        self._process.stdout.close()
        self._process = None
        self._hear_rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
        self._selector.close()
        self._notify.close()

    # -- what it says

    def until(self, done: Callable[[], object], timeout: float | None = None) -> None:
        """Listen until this holds; it is asked again after each line and each notification."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not done():
            left = deadline - time.monotonic()
            ready = self._selector.select(left) if left > 0 else []
            assert ready, "waited in vain; it said:\n" + "\n".join([*self.lines[-40:], *self.notices[-10:]])
            for key, _ in ready:
                key.data()

    def listen(self, seconds: float) -> None:
        """Take what it says within this time."""
        for key, _ in self._selector.select(seconds):
            key.data()

    def until_line(self, text: str, times: int = 1) -> None:
        """Listen until a line with that text has come that often, since the first start."""
        self.until(lambda: sum(text in line for line in self.lines) >= times)

    def until_notice(self, text: str, times: int = 1) -> None:
        """Listen until a notification with that text has come that often, since the first start."""
        self.until(lambda: sum(text in notice for notice in self.notices) >= times)

    def _hear(self) -> None:
        self.notices += self._notify.recv(65536).decode().splitlines()

    def _hear_rest(self) -> None:
        """Take what it had said before it was killed: its READY=1 is not that of the next one."""
        with suppress(BlockingIOError):
            while True:
                self.notices += self._notify.recv(65536, socket.MSG_DONTWAIT).decode().splitlines()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        data = os.read(self._process.stdout.fileno(), 65536)
        if not data:
            self._selector.unregister(self._process.stdout)
        *whole, self._partial = (self._partial + data).split(b"\n")
        self.lines += [line.decode(errors="replace") for line in whole]

    # -- what it keeps

    def runs(self, task: str = "") -> list[RunView]:
        """What is recorded, oldest first."""
        reader = open_reader(self.state)
        try:
            return list(reversed(reader.runs(RunFilter(task=task, limit=100_000))))
        finally:
            reader.close()

    def history(self, task: str = "") -> list[tuple[int, int, str]]:
        """Number, attempt and action of each run, oldest first."""
        return [(view.run.number, view.run.attempt, str(view.action)) for view in self.runs(task)]
