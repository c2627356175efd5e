"""Starts processes, fast: by posix_spawn, without a fork of the daemon.

posix_spawn(3) shares the daemon's memory with the child until it executes its program, so its cost does not grow with
the daemon (some 100 µs, where a fork of 60 MB costs 2,800). It sets the child's session, descriptors, default signal
dispositions and an empty signal mask. The child inherits the rest from the thread that spawns it: directory and umask.
(Rights, limits and priority are the launcher's: see `launch`.) So every thread that spawns gets a file system context
of its own once, by unshare(CLONE_FS), as Samba does for its threads: it enters the task's directory, spawns, and
returns, unseen by the threads that exist already. Threads that it starts later share its context: they must not rely on
a relative path or on the umask. Where unshare is forbidden (some containers), the context of the whole process changes
during a spawn, so that only one thread may do it, and keeps the others from running meanwhile.

Entering a directory in the child itself is cheaper, but an error does not tell then what was wrong: so that is tried
first, and on an error all of it once more, step by step.

Limits and the OOM score belong to the process, and the child copies them at the spawn. A daemon that needs many
descriptors (three per run) raises its own limit with `raise_open_files`, and restores the old one during a spawn:
programs that use select(2) rely on it. If too many descriptors are open for that, the child's limit is set afterwards.
A daemon that is protected from the OOM killer suspends its protection during a spawn.
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
from rocketd.executor.process.launcher_protocol import NAME, REQUEST, STATUS, Launcher, LaunchRequest
from rocketd.executor.process.posix_spawn import PosixSpawn
from rocketd.executor.process.process_tree import marker
from rocketd.executor.process.programs import execution_error
from rocketd.executor.shortage import cannot

CLONE_FS: Final = 0x200
"""From <sched.h>; `os.unshare` is new in Python 3.12."""
HOME_ERRORS: Final = (FileNotFoundError, NotADirectoryError, PermissionError)
"""Errors for which `/` replaces the user's home directory; also in launcher.c."""
SPARE_DESCRIPTORS: Final = 256
"""Descriptors that may be opened during a spawn."""


class Spawner:
    """Starts processes; used by the thread that made it, and by those that have called `unshare`."""

    def __init__(self, open_files: tuple[int, int] | None = None) -> None:
        self._open_files = OpenFilesLimit(open_files)
        self._null = _above_child_descriptors(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
        self._launcher = Launcher()
        self._home = os.open(".", os.O_PATH | os.O_CLOEXEC)
        self._protection = OomProtection()
        seal_descriptors()
        self.single_threaded = not unshare()
        """Whether only one thread may use it."""
        self._posix_spawn = PosixSpawn(hold_gil=self.single_threaded)

    def spawn(self, launch: Launch, outputs: Sequence[int], status: int = -1) -> int:
        """Start a process with these descriptors as its 1, 2 and so on; return its pid.

        `status` is the descriptor for its launcher's messages, if it has one. Raises RocketdError if it cannot start.
        """
        stdin = self._null if not launch.stdin else _memory_file("stdin", launch.stdin)
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
        """Release all resources."""
        os.close(self._null)
        os.close(self._home)
        self._launcher.close()
        self._protection.close()

    def _spawn(self, launch: Launch, descriptors: Sequence[int], status: int) -> int:
        umask = os.umask(launch.umask)
        try:
            if launch.request is not None:
                return self._spawn_launcher(launch.request, descriptors, status)
            with suppress(OSError):
                return self._spawn_program(launch, descriptors, launch.directory)
            return self._spawn_step_by_step(launch, descriptors)
        finally:
            os.umask(umask)

    def _spawn_program(self, launch: Launch, descriptors: Sequence[int], directory: str = "") -> int:
        with self._protection.suspended():
            return self._posix_spawn(launch.program, launch.argv, launch.environment, descriptors, directory)

    def _spawn_step_by_step(self, launch: Launch, descriptors: Sequence[int]) -> int:
        try:
            self._change_directory(launch)
            return self._spawn_program(launch, descriptors)
        except OSError as error:
            raise execution_error(launch.target, error.errno or 0) from None
        finally:
            os.fchdir(self._home)  # otherwise the task's file system could not be unmounted

    def _spawn_launcher(self, request: LaunchRequest, descriptors: Sequence[int], status: int) -> int:
        """Start a launcher. Its environment contains only the run's id, which marks its process as the run's."""
        program = self._launcher.program()
        environment = marker(request.run_environment)
        none = [-1] * (REQUEST - len(descriptors))
        file = _memory_file("request", request.encode())
        try:
            with self._protection.suspended():
                return self._posix_spawn(program, [NAME], environment, [*descriptors, *none, file, status], "/")
        except OSError as error:
            raise cannot("the launcher", error) from None
        finally:
            os.close(file)

    def _change_directory(self, launch: Launch) -> None:
        """Enter the working directory; a user without a home, such as `nobody`, may run tasks as well."""
        try:
            os.chdir(launch.directory)
        except OSError as error:
            if not launch.home_optional or not isinstance(error, HOME_ERRORS):
                raise cannot(f"directory {launch.directory}", error) from None
            os.chdir("/")


class SharedScope:
    """A state that is set while any thread spawns a process."""

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._begin, self._end = begin, end
        self._lock = Lock()
        self._users = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._begin()
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._end()


class OpenFilesLimit:
    """The RLIMIT_NOFILE of children, where the daemon has raised its own."""

    def __init__(self, limits: tuple[int, int] | None) -> None:
        """`limits` are the original ones (soft, hard); None: the daemon has not raised them."""
        self._limits = limits
        self._low = SharedScope(lambda: self._allow(0), lambda: self._allow(1))

    def lowered(self, newest: int) -> AbstractContextManager[None] | None:
        """Return a context with the original limit; None if the newest descriptor is too close to it."""
        if self._limits is None:
            return nullcontext()
        return self._low if newest + SPARE_DESCRIPTORS < self._limits[0] else None

    def lower(self, pid: int) -> None:
        """Set the original limit of a child that has started with the raised one."""
        if self._limits is not None:
            with suppress(OSError):  # it has changed its user, or is gone: the run goes on nevertheless
                resource.prlimit(pid, resource.RLIMIT_NOFILE, self._limits)

    def _allow(self, which: int) -> None:
        if self._limits is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._limits[which], self._limits[1]))


class OomProtection:
    """The daemon's own protection from the OOM killer, if it has any."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        self._score = os.read(self._file, 16).strip()
        self._without = SharedScope(lambda: self._write(b"0"), lambda: self._write(self._score))

    def suspended(self) -> AbstractContextManager[None]:
        """Return a context without protection, so that a process that is spawned there has none."""
        return self._without if self._score.startswith(b"-") else nullcontext()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, score: bytes) -> None:
        with suppress(OSError):  # it may not be restored: better unprotected than not running
            os.pwrite(self._file, score, 0)


def open_child_pidfd(pid: int) -> int:
    """Return a pidfd of a new child; if that fails, e.g. for lack of descriptors, kill the child and raise OSError."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        with suppress(ProcessLookupError):  # it does not lead its group yet, or has ended
            os.killpg(pid, signal.SIGKILL)
        with suppress(RuntimeError):  # no pid is left for a thread: it stays a zombie
            Thread(target=_reap, args=(pid,), name="reaper", daemon=True).start()
        raise


def _reap(pid: int) -> None:
    """Wait for the end of a child, however long that takes: it may hang in a file system."""
    with suppress(ChildProcessError):  # other code in this process waits for any child
        os.waitpid(pid, 0)


def unshare() -> bool:
    """Give this thread a directory and a umask of its own; return whether that is allowed."""
    return bool(ctypes.CDLL(None).unshare(CLONE_FS) == 0)


def raise_open_files() -> tuple[int, int]:
    """Raise the soft RLIMIT_NOFILE to the hard one; return the original limits (soft, hard), for children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard


def seal_descriptors() -> None:
    """Set O_CLOEXEC on inherited descriptors, e.g. of the service manager, so that no child inherits them."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(OSError):  # that of listdir itself is closed by now
            if int(name) > 2:  # noqa: PLR2004 - stdin, stdout, stderr
                os.set_inheritable(int(name), False)  # noqa: FBT003 - its signature


def _above_child_descriptors(descriptor: int) -> int:
    """Return a copy above the child's numbers: a descriptor with one of these would be overwritten in the child."""
    return descriptor if descriptor > STATUS else _above_child_descriptors(fcntl(descriptor, F_DUPFD_CLOEXEC))


def _memory_file(name: str, data: bytes) -> int:
    """Return a file in memory, positioned at its beginning: unlike a pipe, it takes all data at once."""
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
