"""Checks the paths that a task names, as far as is possible when it is loaded.

Each is looked at once per load, by `HostQueries`: its file system may never answer.
"""

import os
import stat
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from rocketd.config.host_queries import HostQueries, NoAnswer, QueryKind
from rocketd.core import environment_mistakes
from rocketd.core.script_header import HEAD_BYTES, interpreter_of, missing, mistake_in

T = TypeVar("T")


class PathChecks:
    """Answers about paths, as they are during one load."""

    def __init__(self, queries: HostQueries) -> None:
        self._queries = queries
        self._modes: dict[str, int] = {}
        self._script_problems: dict[str, str] = {}

    def execution_problem(self, program: str, search: str) -> str:
        """Return why a program cannot be executed, as far as we may look; empty: it can.

        One without a slash is looked for in `search`, as PATH is.
        """
        if found := self._found(program, search):
            return self._script_problem(found)
        return f"there is no program '{program}' to execute" + ("" if "/" in program else f" in {search}")

    def executable(self, program: str, search: str) -> bool:
        """Whether there is such a program to execute."""
        return bool(self._found(program, search))

    def _found(self, program: str, search: str) -> str:
        places = [f"{directory}/{program}" for directory in search.split(":") if directory]
        return next(filter(self._is_executable, [program] if "/" in program else places), "")

    def _script_problem(self, path: str) -> str:
        if path not in self._script_problems:
            head = self._ask(path, partial(_head, path, HEAD_BYTES), b"")
            trouble, interpreter = mistake_in(head), interpreter_of(head)
            if not trouble and interpreter.startswith("/") and not self._is_executable(interpreter):
                trouble = missing(interpreter)
            self._script_problems[path] = f"'{path}' cannot be executed: {trouble}" if trouble else ""
        return self._script_problems[path]

    def is_directory(self, path: str) -> bool:
        """Whether that is a directory; yes where we may not look."""
        return stat.S_ISDIR(self._mode(path, stat.S_IFDIR))

    def is_file(self, path: str) -> bool:
        """Whether that is something to read from; yes where we may not look."""
        return stat.S_IFMT(self._mode(path, stat.S_IFREG)) not in (0, stat.S_IFDIR)

    def environment_file_problem(self, path: str) -> str:
        """Return which of its variables a file does not set, as far as we may look; empty: it sets all."""
        head = self._ask(path, partial(_head, path, environment_mistakes.HEAD_BYTES), b"")
        trouble = environment_mistakes.mistake_in(head)
        return f"'{path}' is not read as it is meant: {trouble}" if trouble else ""

    def _is_executable(self, path: str) -> bool:
        mode = self._mode(path, stat.S_IFREG | stat.S_IXUSR)
        return stat.S_ISREG(mode) and bool(mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))

    def _mode(self, path: str, unreadable: int) -> int:
        """Type and permissions of a file, 0 where there is none; `unreadable` where we may not look."""
        known = self._modes.get(path)
        if known is None:
            known = self._modes[path] = self._ask(path, partial(_mode, path), -1)
        return unreadable if known < 0 else known

    def _ask(self, path: str, look: Callable[[], T], default: T) -> T:
        """Look at a path that may not answer."""
        try:
            return self._queries.ask(path, QueryKind.PATH, look)
        except NoAnswer:
            return default


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - thousands of them in a load
    except PermissionError:
        return -1
    except OSError:
        return 0


def _head(path: str, size: int) -> bytes:
    """Read how a file begins that anybody may read; nothing of any other, and no device is opened."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            mode = os.fstat(place).st_mode
            if not stat.S_ISREG(mode) or not mode & stat.S_IROTH:
                return b""
            # Do not wait for a lease.
            file = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(place)
    except OSError:
        return b""
    try:
        return os.read(file, size)
    finally:
        os.close(file)
