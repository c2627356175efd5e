"""A child process that is an interpreter of its own: for calls that cannot go through the fork server."""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from rocketd.executor.shortage import cannot

_SPAWN: Final = multiprocessing.get_context("spawn")
"""Not fork: other threads may hold locks at that moment, and the child would wait for them for ever."""
PR_SET_PDEATHSIG: Final = 1
"""From <sys/prctl.h>."""


class SpawnedChild:
    """A child that has been started. `signal` may be called from any thread until `close` is called."""

    def __init__(self, work: Callable[..., None], call: object) -> None:
        """The child calls `work` with a channel and the call. Raises what pickling raises, and ResourceShortage."""
        try:
            self.channel, theirs = _SPAWN.Pipe(duplex=False)
        except OSError as error:
            raise cannot("a pipe", error) from error
        try:
            with theirs:
                self._process = _SPAWN.Process(target=_main, args=(work, theirs, call, os.getpid()))
                self._process.start()
        except OSError as error:
            self.channel.close()
            raise cannot("a process", error) from error
        except BaseException:
            self.channel.close()
            raise
        self.pid = self._process.pid or 0
        try:
            self._end = os.pidfd_open(self.pid)
        except OSError:  # descriptors are short: a process that it leaves behind may keep this one open
            self._end = -1

    def signal(self, number: int) -> None:
        """Send a signal to its whole group."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            os.killpg(self.pid, number)

    def fileno(self) -> int:
        """Return what becomes readable when it ends."""
        return self._process.sentinel if self._end < 0 else self._end

    def join(self) -> int:
        """Wait for its end; return its exit code, or minus the signal."""
        self._process.join()
        return self._process.exitcode or 0

    def close(self) -> None:
        """Collect the exit status. From now on the pid may belong to another process."""
        self.channel.close()
        if self._end >= 0:
            os.close(self._end)
        self._process.join()
        self._process.close()


def _main(work: Callable[..., None], channel: Connection, call: object, parent: int) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before prctl
        os._exit(1)
    work(channel, call)
