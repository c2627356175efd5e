"""Which files count, and reading them safely.

Directories are merged as systemd merges those of unit files (systemd.unit(5)): all files sorted by name; of several
with the same name the one in the last directory counts; one that is empty or a link to /dev/null only hides the others.
A file that is named itself, and not found in a directory, always counts.

What is checked is what is read: the file is opened once, and its owner and mode are asked of the open descriptor, and
so are those of its directory. Nobody can put another file in its place between the check and the reading.
"""

import errno
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from rocketd.config.host_queries import HostQueries, NoAnswer, QueryKind
from rocketd.config.problems import Fault, Problem, Severity
from rocketd.core.dataclass import dataclass

T = TypeVar("T")

VENDOR: Final = Path("/usr/lib/rocketd/tasks")
RUNTIME: Final = Path("/run/rocketd/tasks")
ADMINISTRATOR: Final = Path("/etc/rocketd")

DEFAULT_DIRECTORIES: Final = (VENDOR, RUNTIME, ADMINISTRATOR)
"""The last wins. None of them need exist."""

SETTINGS_NAME: Final = "rocketd.toml"
"""The file that may hold the daemon's own settings; not in the vendor's or the runtime directory."""

MAX_BYTES: Final = 1024**2
"""Thousands of tasks. What is read takes up to a hundred times as much memory, and a second to parse."""

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""A FIFO must not block us, a link must not lead us elsewhere."""


_FILE_ERRORS: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.ENXIO}
)
"""What is wrong with a file itself; all else (its disk, its server, a lease, a lack of memory) may pass."""


class UnreadableFile(Exception):
    """A file or a directory that is not read, and why."""

    def __init__(self, message: str, hint: str = "", fault: Fault = Fault.FILE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fault = fault

    def problem(self, path: str, severity: Severity) -> Problem:
        """Return it as a problem of the whole file or directory."""
        return Problem(path, 1, 1, "", severity, self.message, self.hint, fault=self.fault)


class Masked(Exception):
    """A file that only hides those of the same name in other directories."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Whose files are read."""

    owners: frozenset[int]
    strict: bool = True
    """Whether files of other owners are refused; if not, they are read with a warning: the daemon would refuse them."""

    @property
    def severity(self) -> Severity:
        """How bad a file of somebody else is."""
        return "error" if self.strict else "warning"

    def fault(self, status: os.stat_result, path: Path) -> UnreadableFile | None:
        """Return why a file or directory with this status is not trusted; may query the name service."""
        if status.st_uid not in self.owners:
            allowed = " or ".join(f"'{_user(owner)}'" for owner in sorted(self.owners))
            message = f"this belongs to '{_user(status.st_uid)}', not to {allowed}, so it is not read"
            return UnreadableFile(message, f"chown {_user(min(self.owners))} {path}")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            writers = "everybody" if status.st_mode & stat.S_IWOTH else "its group"
            return UnreadableFile(
                f"this is writable by {writers}, who could run anything, so it is not read", f"chmod go-w {path}"
            )
        return None


def _user(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


@dataclass(frozen=True, slots=True)
class Directory:
    """An open directory of task files."""

    path: Path
    descriptor: int
    key: tuple[int, int]
    """Its device and inode: the same directory, whatever it is called."""
    names: tuple[str, ...]
    trusted: bool = True
    """If not, none of its files is read."""
    single: bool = False
    """Whether one file in it was named, and not the directory."""

    def is_task_file(self, name: str) -> bool:
        """Whether that is a task file."""
        return self.single or (name.endswith(".toml") and not name.startswith("."))


@dataclass(frozen=True, slots=True)
class TaskFileEntry:
    """A task file that counts."""

    name: str
    directory: Directory

    @property
    def path(self) -> str:
        """As it is shown to people."""
        return str(self.directory.path / self.name)

    @property
    def may_hold_settings(self) -> bool:
        """Whether it may contain the daemon's own settings."""
        return self.name == SETTINGS_NAME and self.directory.path not in (VENDOR, RUNTIME)


class TaskFileTree:
    """The open directories, and which of their files count."""

    def __init__(
        self, directories: Sequence[Directory], problems: Sequence[Problem], unreadable: Sequence[Path]
    ) -> None:
        self.problems = tuple(problems)
        self.unreadable = frozenset(unreadable)
        """The directories that could not be looked into."""
        files = _unique_files(directories)
        task_files = [file for file in files if file.directory.is_task_file(file.name)]
        named = [file for file in task_files if file.directory.single]
        last = {file.name: file for file in task_files} | {file.name: file for file in named}
        counting = {id(file) for file in (*last.values(), *named)}
        self.entries = tuple(sorted((file for file in task_files if id(file) in counting), key=lambda file: file.name))
        self.ignored = _paths(file for file in files if not file.directory.is_task_file(file.name))
        """Paths of what is no task file."""
        self.replaced = _paths(file for file in task_files if id(file) not in counting)
        """Paths of task files that do not count, because another has their name."""


def _unique_files(directories: Iterable[Directory]) -> list[TaskFileEntry]:
    """Every file, but one that is named twice only once, whatever its directory is called there."""
    found = {
        (*directory.key, name): TaskFileEntry(name, directory) for directory in directories for name in directory.names
    }
    return list(found.values())


def _paths(files: Iterable[TaskFileEntry]) -> tuple[str, ...]:
    return tuple(sorted(file.path for file in files))


@contextmanager
def opened(paths: Sequence[Path], rights: Rights, queries: HostQueries) -> Iterator[TaskFileTree]:
    """Open the directories (or the directory of a single file); they stay open until everything has been read."""
    directories: list[Directory] = []
    problems: list[Problem] = []
    unreadable: list[Path] = []
    with ExitStack() as stack:
        for path in dict.fromkeys(paths):
            try:
                directory, fault = _query(f"{path}/", queries, partial(_open, path, rights))
            except UnreadableFile as refusal:
                problems.append(refusal.problem(str(path), "error"))
                unreadable.append(path)
            except FileNotFoundError as error:
                if path not in DEFAULT_DIRECTORIES:
                    problems.append(_unreadable(error).problem(str(path), "error"))
                    unreadable.append(path)
            else:
                stack.callback(os.close, directory.descriptor)
                directories.append(directory)
                if fault:
                    problems.append(fault.problem(str(path), rights.severity))
        yield TaskFileTree(directories, problems, unreadable)


def _query(what: str, queries: HostQueries, look: Callable[[], T]) -> T:
    """Query a file or a directory; raises UnreadableFile, also if it does not answer, or FileNotFoundError."""
    try:
        return queries.ask(what, QueryKind.FILE, look)
    except NoAnswer:
        message = "this does not answer: its file system hangs"
        raise UnreadableFile(message, "rocketd reads it as soon as its file system answers", Fault.HOST) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(error) from None


def _open(path: Path, rights: Rights) -> tuple[Directory, UnreadableFile | None]:
    single = path.is_file()
    place = path.parent if single else path
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        status = os.fstat(descriptor)
        key = status.st_dev, status.st_ino
        if single:  # whoever names a file means it, wherever it is
            return Directory(place, descriptor, key, (path.name,), single=True), None
        fault = rights.fault(status, path)
        names = tuple(os.listdir(descriptor))  # noqa: PTH208 - of the open directory, not of what has its name now
    except BaseException:
        os.close(descriptor)
        raise
    return Directory(path, descriptor, key, names, trusted=not (fault and rights.strict)), fault


def _unreadable(error: OSError) -> UnreadableFile:
    fault = Fault.FILE if error.errno in _FILE_ERRORS else Fault.HOST
    return UnreadableFile(f"this cannot be read: {os.strerror(error.errno or 0)}", fault=fault)


def read(entry: TaskFileEntry, rights: Rights, queries: HostQueries) -> tuple[bytes, UnreadableFile | None]:
    """Read a task file; if not strict, also return what is wrong with its owner. Raises UnreadableFile and Masked."""
    try:
        return _query(entry.path, queries, partial(_read, entry.name, rights, entry.directory))
    except FileNotFoundError as error:
        raise _unreadable(error) from None


def _read(name: str, rights: Rights, directory: Directory) -> tuple[bytes, UnreadableFile | None]:
    path = directory.path / name
    try:
        before = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
        if not stat.S_ISREG(before.st_mode) and not stat.S_ISLNK(before.st_mode):  # opening a device may have effects
            _check_file(before, rights, path)
        descriptor = os.open(name, _FLAGS, dir_fd=directory.descriptor)
        try:
            fault = _check_file(os.fstat(descriptor), rights, path)
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(MAX_BYTES), fault
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _refusal(error, name, directory) from None


def _refusal(error: OSError, name: str, directory: Directory) -> UnreadableFile | Masked:
    if error.errno != errno.ELOOP:
        return _unreadable(error)
    with suppress(OSError):
        if _is_null(os.stat(name, dir_fd=directory.descriptor)):
            return Masked()
    return UnreadableFile(
        "this is a symbolic link, and only links to /dev/null are allowed", "put the file itself here"
    )


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3)


def _check_file(status: os.stat_result, rights: Rights, path: Path) -> UnreadableFile | None:
    if _is_null(status):
        raise Masked
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile("this is not a regular file")
    fault = rights.fault(status, path)
    if fault and rights.strict:
        raise fault
    if status.st_size == 0:
        raise Masked
    if status.st_size > MAX_BYTES:
        raise UnreadableFile("this is larger than 1 MiB", "spread the tasks over several files")
    return fault
