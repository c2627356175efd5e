"""Starts processes, fast: posix_spawn on the loop's own thread, no fork of the daemon, no thread.

posix_spawn(3) shares the daemon's memory with the child until it executes, so its cost does not grow with the daemon
(some 100 µs, where a fork of 60 MB costs 2,800). It gives the child its session, its descriptors, default signal
dispositions and an empty signal mask. What it cannot give, the child takes from the thread that spawns it: directory
and umask. So this thread gets a file system context of its own once, by unshare(CLONE_FS), as Samba does for its
threads: it goes to the task's directory, spawns, and comes back, and no thread that is there already sees any of it.
Threads that this one begins later share its context again: they must not rely on a relative path or on the umask.
Where unshare is forbidden (some containers), the context of the whole process changes for those 100 µs.

A daemon that needs many descriptors (three a run) raises its own limit with `raise_open_files`, and its children get
the old one back as soon as they are there: programs that use select(2) rely on it.

The OOM score is the process's, and the child copies it when it is born: a daemon that is protected from the OOM killer
lays its protection down for the moment.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.executor.command import Launch, missing_interpreter

CLONE_FS: Final = 0x200
"""From <sched.h>; `os.unshare` is new in Python 3.12."""


class Spawner:
    """Starts processes; used by one thread only, the loop's."""

    def __init__(self, open_files: tuple[int, int] | None = None) -> None:
        self._open_files = open_files
        self._null = _above_standard(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
        self._home = os.open(".", os.O_PATH | os.O_CLOEXEC)
        self._signals = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
        self._protection = _protection()
        seal_descriptors()
        ctypes.CDLL(None).unshare(CLONE_FS)

    def spawn(self, launch: Launch, outputs: Sequence[int]) -> int:
        """Start it, these descriptors being its 1, 2 and so on, and give its pid.

        Raises RocketdError if it cannot be executed.
        """
        stdin = self._null if not launch.stdin else _memory(launch.stdin)
        try:
            pid = self._spawn(launch, (stdin, *outputs))
        finally:
            if stdin != self._null:
                os.close(stdin)
        if self._open_files is not None and not launch.limits_files:
            with suppress(OSError):  # it is another user's by now, or gone: no reason to lose sight of it
                resource.prlimit(pid, resource.RLIMIT_NOFILE, self._open_files)
        return pid

    def close(self) -> None:
        """Let go of everything."""
        os.close(self._null)
        os.close(self._home)
        if self._protection is not None:
            os.close(self._protection[0])

    def _spawn(self, launch: Launch, descriptors: Sequence[int]) -> int:
        umask = os.umask(launch.umask)
        self._protect(protected=False)
        try:
            self._enter(launch)
            return self._execute(launch, descriptors)
        finally:
            self._protect(protected=True)
            os.umask(umask)
            os.fchdir(self._home)  # or else the task's file system could not be unmounted

    def _execute(self, launch: Launch, descriptors: Sequence[int]) -> int:
        try:
            return os.posix_spawn(
                launch.program,
                launch.argv,
                launch.environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, at, to) for to, at in enumerate(descriptors)],
                setsid=True,
                setsigmask=(),
                setsigdef=self._signals,
            )
        except OSError as error:
            raise _cannot(launch, error) from None
        except ValueError as error:  # a NUL byte, or a `=` in the name of a variable
            raise RocketdError(f"{launch.target}: {error}") from None

    def _enter(self, launch: Launch) -> None:
        """Go where it shall run; `nobody` has no home, and yet may run."""
        try:
            os.chdir(launch.directory)
        except OSError as error:
            if not launch.homeless or not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise RocketdError(f"directory {launch.directory}: {error.strerror}") from None
            os.chdir("/")

    def _protect(self, *, protected: bool) -> None:
        if self._protection is None:
            return
        file, score = self._protection
        with suppress(OSError):  # not allowed to take it back: better unprotected than not running
            os.pwrite(file, score if protected else b"0", 0)


def raise_open_files() -> tuple[int, int]:
    """Let this process open as many files as it may; gives the limits that were, which are its children's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard


def seal_descriptors() -> None:
    """Let no child inherit a descriptor that somebody opened without O_CLOEXEC, e.g. the service manager."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(OSError):  # the one of listdir itself is closed by now
            if int(name) > 2:  # noqa: PLR2004 - stdin, stdout, stderr
                os.set_inheritable(int(name), False)  # noqa: FBT003 - its signature


def _above_standard(descriptor: int) -> int:
    """Where 0, 1 or 2 is closed, fill it up: a pipe of that number would be overwritten in the child."""
    return descriptor if descriptor > 2 else _above_standard(os.dup(descriptor))  # noqa: PLR2004 - as above


def _memory(data: bytes) -> int:
    """A file in memory, to be read from its beginning: unlike a pipe it takes everything at once."""
    file = os.memfd_create("stdin")
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _protection() -> tuple[int, bytes] | None:
    """Our own oom_score_adj if it protects us: the file, and what stands in it."""
    file = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
    score = os.read(file, 16).strip()
    if score.startswith(b"-"):
        return file, score
    os.close(file)
    return None


def _cannot(launch: Launch, error: OSError) -> RocketdError:
    interpreter = missing_interpreter(launch.target, launch.directory) if isinstance(error, FileNotFoundError) else ""
    if interpreter:
        return RocketdError(f"{launch.target}: its interpreter {interpreter} does not exist")
    return RocketdError(f"{launch.target}: {error.strerror}")
