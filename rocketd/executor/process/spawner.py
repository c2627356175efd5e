"""Starts processes, fast: by posix_spawn, without a fork of the daemon.

posix_spawn(3) shares the daemon's memory with the child until it executes, so its cost does not grow with the daemon
(some 100 µs, where a fork of 60 MB costs 2,800). It gives the child its session, its descriptors, default signal
dispositions and an empty signal mask. What it cannot give, the child takes from the thread that spawns it: directory
and umask. (Rights, limits and priority are the launcher's: see `command`.) So every thread that spawns gets a file
system context of its own once, by unshare(CLONE_FS), as Samba does for its threads: it goes to the task's directory,
spawns, and comes back, and no thread that is there already sees any of it. Threads that it begins later share its
context again: they must not rely on a relative path or on the umask. Where unshare is forbidden (some containers), the
context of the whole process changes for the time of a spawn, so that only one thread may do it, and keeps the others
from running meanwhile.

Limits and the OOM score are the process's, and the child copies them when it is born. A daemon that needs many
descriptors (three a run) raises its own limit with `raise_open_files`, and has the old one for the moment of a birth:
programs that use select(2) rely on it. One that uses too many to do without gives it to the child afterwards. A daemon
that is protected from the OOM killer lays its protection down for the moment.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from threading import Lock, Thread
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.executor.process.launch import Launch
from rocketd.executor.process.launcher import NAME, ORDERS, STATUS, Launcher, Orders
from rocketd.executor.process.posix_spawn import PosixSpawn
from rocketd.executor.process.process_tree import RUN_ID_VARIABLE
from rocketd.executor.process.programs import refusal
from rocketd.executor.shortage import cannot

CLONE_FS: Final = 0x200
"""From <sched.h>; `os.unshare` is new in Python 3.12."""
NO_HOME: Final = (FileNotFoundError, NotADirectoryError, PermissionError)
"""What keeps a process from its user's home: launcher.c has it as well."""
SPARE: Final = 256
"""Descriptors that may be opened beside a birth."""


class Spawner:
    """Starts processes; used by the thread that made it, and by those that have called `unshare`."""

    def __init__(self, open_files: tuple[int, int] | None = None) -> None:
        self._open_files = OpenFilesLimit(open_files)
        self._null = _above_childs(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
        self._launcher = Launcher()
        self._home = os.open(".", os.O_PATH | os.O_CLOEXEC)
        self._protection = OomProtection()
        seal_descriptors()
        self.shared = not unshare()
        """Whether it may be used by one thread only."""
        self._posix_spawn = PosixSpawn(alone=self.shared)

    def spawn(self, launch: Launch, outputs: Sequence[int], status: int = -1) -> int:
        """Start it, these descriptors being its 1, 2 and so on, and give its pid.

        `status` is where its launcher tells how far it is, if it has one. Raises RocketdError if it cannot be executed.
        """
        stdin = self._null if not launch.stdin else _memory("stdin", launch.stdin)
        lowered = self._open_files.lowered(max(*outputs, status))
        try:
            with lowered or nullcontext():
                pid = self._spawn(launch, (stdin, *outputs), status)
        except ValueError as error:  # a NUL byte, or a `=` in the name of a variable
            raise RocketdError(f"{launch.target}: {error}") from None
        finally:
            if stdin != self._null:
                os.close(stdin)
        if lowered is None and not launch.limits_files:
            self._open_files.lower(pid)
        return pid

    def close(self) -> None:
        """Let go of everything."""
        os.close(self._null)
        os.close(self._home)
        self._launcher.close()
        self._protection.close()

    def _spawn(self, launch: Launch, descriptors: Sequence[int], status: int) -> int:
        umask = os.umask(launch.umask)
        try:
            if launch.orders is not None:
                return self._by_launcher(launch.orders, descriptors, status)
            self._enter(launch)
            with self._protection.laid_down():
                return self._posix_spawn(launch.program, launch.argv, launch.environment, descriptors)
        except OSError as error:
            raise refusal(launch.target, error.errno or 0) from None
        finally:
            os.umask(umask)
            os.fchdir(self._home)  # or else the task's file system could not be unmounted

    def _by_launcher(self, orders: Orders, descriptors: Sequence[int], status: int) -> int:
        """Start a launcher. Its environment holds the run's id alone, so that its process is known as the run's."""
        program = self._launcher.program()
        environment = {RUN_ID_VARIABLE: orders.own[RUN_ID_VARIABLE]}
        none = [-1] * (ORDERS - len(descriptors))
        file = _memory("orders", orders.encode())
        try:
            os.chdir("/")
            with self._protection.laid_down():
                return self._posix_spawn(program, [NAME], environment, [*descriptors, *none, file, status])
        except OSError as error:
            raise cannot("the launcher", error) from None
        finally:
            os.close(file)

    def _enter(self, launch: Launch) -> None:
        """Go where it shall run; `nobody` has no home, and yet may run."""
        try:
            os.chdir(launch.directory)
        except OSError as error:
            if not launch.homeless or not isinstance(error, NO_HOME):
                raise cannot(f"directory {launch.directory}", error) from None
            os.chdir("/")


class SharedScope:
    """Has something so while a birth is under way, in whatever thread."""

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._begin, self._end = begin, end
        self._lock = Lock()
        self._births = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._births:
                self._begin()
            self._births += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._births -= 1
            if not self._births:
                self._end()


class OpenFilesLimit:
    """How many files may be open, where we have raised our own limit."""

    def __init__(self, limits: tuple[int, int] | None) -> None:
        """`limits` are those from before; None: they are as they were."""
        self._limits = limits
        self._low = SharedScope(lambda: self._allow(0), lambda: self._allow(1))

    def lowered(self, newest: int) -> AbstractContextManager[None] | None:
        """Have the old limit inside; None where our newest descriptor is too near to it."""
        if self._limits is None:
            return nullcontext()
        return self._low if newest + SPARE < self._limits[0] else None

    def lower(self, pid: int) -> None:
        """Give a child the old limit, a moment too late."""
        if self._limits is not None:
            with suppress(OSError):  # it is another user's by now, or gone: no reason to lose sight of it
                resource.prlimit(pid, resource.RLIMIT_NOFILE, self._limits)

    def _allow(self, which: int) -> None:
        if self._limits is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._limits[which], self._limits[1]))


class OomProtection:
    """Our own protection from the OOM killer, if we have any."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        self._score = os.read(self._file, 16).strip()
        self._without = SharedScope(lambda: self._write(b"0"), lambda: self._write(self._score))

    def laid_down(self) -> AbstractContextManager[None]:
        """Have none inside: what is born there has none either."""
        return self._without if self._score.startswith(b"-") else nullcontext()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _write(self, score: bytes) -> None:
        with suppress(OSError):  # not allowed to take it back: better unprotected than not running
            os.pwrite(self._file, score, 0)


def hold(pid: int) -> int:
    """Get a pidfd of our new child; where that fails, e.g. for want of descriptors, the child must not go on."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        with suppress(ProcessLookupError):  # it is not yet the leader of its group, or ended
            os.killpg(pid, signal.SIGKILL)
        with suppress(RuntimeError):  # no process number is left for a thread: then it stays a zombie
            Thread(target=_reap, args=(pid,), name="reaper", daemon=True).start()
        raise


def _reap(pid: int) -> None:
    """Wait for the end of a child, for however long that takes: it may hang in a file system."""
    with suppress(ChildProcessError):  # code beside us in this process waits for any child
        os.waitpid(pid, 0)


def unshare() -> bool:
    """Give this thread a directory and a umask of its own; says whether that may be."""
    return bool(ctypes.CDLL(None).unshare(CLONE_FS) == 0)


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


def _above_childs(descriptor: int) -> int:
    """Fill up the numbers that a child gets: a pipe of that number would be overwritten there before it is copied."""
    return descriptor if descriptor > STATUS else _above_childs(fcntl(descriptor, F_DUPFD_CLOEXEC))


def _memory(name: str, data: bytes) -> int:
    """A file in memory, to be read from its beginning: unlike a pipe it takes everything at once."""
    file = os.memfd_create(name)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
        os.lseek(file, 0, os.SEEK_SET)
    except OSError:
        os.close(file)
        raise
    return file
