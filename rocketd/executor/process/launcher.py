"""The other end of launcher.c: what a launcher is told, and what it tells.

A start by the launcher needs a C compiler when the package is built. The program is opened once, so that an upgrade of
the package does not put another one in its place under a running daemon.
"""

import errno
import os
import resource
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.errors import ResourceShortage, RocketdError
from rocketd.core.model.task import Identity, Limit
from rocketd.core.script_header import BYTE_ORDER_MARK
from rocketd.executor.process.posix_spawn import assignments
from rocketd.executor.process.programs import NO_INTERPRETER_LINE, not_executable, not_found
from rocketd.executor.shortage import SHORTAGES

LAUNCHER: Final = Path(__file__).with_name("launcher")
NAME: Final = "rocketd-launcher"
"""Its only argument, which everybody can read."""
ORDERS: Final = 4
STATUS: Final = 5
"""Descriptors of the launcher. 0 to 3 are the program's."""
_FORMAT: Final = 1
_NUMBER: Final = struct.Struct("=q")
_TOLD: Final = struct.Struct("=6i232s")
_TOLD_BYTES: Final = 64 * 1024
_HINTS: Final = ("", BYTE_ORDER_MARK, NO_INTERPRETER_LINE)
_LIMITS: Final = {
    getattr(resource, name): name.removeprefix("RLIMIT_").lower() for name in dir(resource) if "RLIMIT_" in name
}
"""What resource limits are called, by their numbers."""


_LIMITED_BY: Final = {
    errno.EMFILE: frozenset({resource.RLIMIT_NOFILE}),
    errno.ENOMEM: frozenset({resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_STACK}),
}
"""With which limits of its own a task lacks what it does, so that waiting would not help."""
_NONE: Final[frozenset[int]] = frozenset()
_OF_THE_HOST: Final = frozenset({errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""What other tasks lack as well; the rest is this user's, e.g. his RLIMIT_NPROC, or that of one file."""


class Stage(IntEnum):
    """What it is at; the numbers are launcher.c's as well."""

    TAKING_ORDERS = 0
    LIMIT = 1
    IDENTITY = 2
    ENVIRONMENT_FILE = 3
    DIRECTORY = 4
    PROGRAM = 5
    INTERPRETER = 6
    SEARCH = 7


class Orders(NamedTuple):
    """What a launcher does before it executes a program."""

    argv: Sequence[str]
    directory: str
    homeless: bool
    """Whether `/` will do where that directory does not exist, or may not be entered."""
    umask: int
    nice: int | None
    """None: as the daemon's."""
    limits: Sequence[Limit]
    identity: Identity | None
    """None: who the daemon is."""
    environment: Mapping[str, str]
    """What the files hold goes before it, and `own` before both."""
    environment_files: Sequence[str]
    own: Mapping[str, str]

    def encode(self) -> bytes:
        """Write them down; raises ValueError where a text has a NUL byte, or the name of a variable a `=`."""
        numbers = [_FORMAT, self.umask, len(self.limits)]
        for limit in self.limits:
            numbers += [limit.resource, limit.soft, limit.hard]
        numbers += [self.nice is not None, self.nice or 0, self.identity is not None]
        if self.identity is not None:
            groups = sorted({*self.identity.groups, self.identity.gid})
            numbers += [self.identity.uid, self.identity.gid, len(groups), *groups]
        texts = [*_counted(assignments(self.environment)), *_counted(self.environment_files)]
        texts += _counted(assignments(self.own))
        texts += [_text(self.directory), _NUMBER.pack(self.homeless), *_counted(self.argv)]
        return b"".join([*map(_NUMBER.pack, numbers), *texts])


def _counted(texts: Iterable[str]) -> list[bytes]:
    encoded = [_text(text) for text in texts]
    return [_NUMBER.pack(len(encoded)), *encoded]


def _text(text: str) -> bytes:
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return _NUMBER.pack(len(data)) + data + b"\0"


class Launcher:
    """The program, if it was built."""

    def __init__(self, program: Path = LAUNCHER) -> None:
        executable = os.access(program, os.X_OK)
        self._file = os.open(program, os.O_PATH | os.O_CLOEXEC) if executable else -1

    def program(self) -> str:
        """Give what to execute; raises RocketdError if there is nothing."""
        if self._file < 0:
            raise RocketdError(
                "that needs rocketd's launcher, which this installation lacks",
                hint="install rocketd again where there are a C compiler and a static C library (gcc, libc6-dev)",
            )
        return f"/proc/self/fd/{self._file}"

    def close(self) -> None:
        """Let go of it."""
        if self._file >= 0:
            os.close(self._file)


class LauncherMessage(NamedTuple):
    """What a launcher told last."""

    stage: Stage
    place: int
    """Which environment file or place of PATH it is about, or which limit."""
    failed: bool
    """Else it waits for that."""
    error: int
    """An errno; 0: `text` says what is wrong."""
    mode: int
    hint: str
    text: str


class LauncherProgress:
    """How far a launcher has come; it never waits for one."""

    def __init__(self, reader: int) -> None:
        os.set_blocking(reader, False)
        self._reader = reader
        self._last = b""
        self._ended = False

    def told(self) -> LauncherMessage | None:
        """Give what it told last, unless it has executed the program: then it is over, and nothing has failed."""
        self._read()
        stage, place, failed, error, mode, hint, text = _TOLD.unpack(self._last.rjust(_TOLD.size, b"\0"))
        if self._ended and not failed:
            return None
        words = os.fsdecode(text.split(b"\0", 1)[0])
        return LauncherMessage(Stage(stage), place, bool(failed), error, mode, _HINTS[hint], words)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._reader)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while not self._ended:
                data = os.read(self._reader, _TOLD_BYTES)
                self._ended = not data
                self._last = (self._last + data)[-_TOLD.size :]


def failure(orders: Orders, told: LauncherMessage) -> RocketdError:
    """Say what a launcher could not do; a `ResourceShortage` if it is no fault of the task."""
    error = _failure(orders, told)
    if told.error not in SHORTAGES or _LIMITED_BY.get(told.error, _NONE) & {limit.resource for limit in orders.limits}:
        return error
    return ResourceShortage(error.message, hint=error.hint, shared=told.error in _OF_THE_HOST)


def _failure(orders: Orders, told: LauncherMessage) -> RocketdError:
    match told.stage:
        case Stage.SEARCH:
            return not_found(orders.argv[0], told.text)
        case Stage.PROGRAM:
            return not_executable(_program(orders, told), told.error, mode=told.mode, hint=told.hint)
        case Stage.INTERPRETER:
            return not_executable(orders.argv[0], told.error, told.text, told.mode)
        case Stage.LIMIT:
            what = f"limit {_LIMITS.get(told.place, told.place)}"
        case Stage.IDENTITY:
            what = f"it cannot become {orders.identity.name if orders.identity else 'its user'}"
        case _:
            what = delay(orders, told)
    return RocketdError(f"{what}: {os.strerror(told.error) if told.error else told.text}")


def delay(orders: Orders, told: LauncherMessage) -> str:
    """Name what a launcher is waiting for."""
    match told.stage:
        case Stage.ENVIRONMENT_FILE:
            return f"environment file {orders.environment_files[told.place].removeprefix('-')}"
        case Stage.DIRECTORY:
            return f"directory {orders.directory}"
        case Stage.PROGRAM | Stage.INTERPRETER:
            return f"program {_program(orders, told)}"
    return "the launcher"


def _program(orders: Orders, told: LauncherMessage) -> str:
    return orders.argv[0] if "/" in orders.argv[0] else told.text
