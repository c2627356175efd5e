"""The daemon's side of launcher.c: encodes the request for a launcher, decodes its messages.

The launcher needs a C compiler when the package is built. Its file is opened once, so that an upgrade of the package
does not replace it under a running daemon.
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
"""Its only argument, which all users can read."""
REQUEST: Final = 4
STATUS: Final = 5
"""Descriptors of the launcher; 0 to 3 are the program's."""
_FORMAT: Final = 1
_NUMBER: Final = struct.Struct("=q")
_MESSAGE: Final = struct.Struct("=6i232s")
_READ_BYTES: Final = 64 * 1024
_HINTS: Final = ("", BYTE_ORDER_MARK, NO_INTERPRETER_LINE)
_LIMITS: Final = {
    getattr(resource, name): name.removeprefix("RLIMIT_").lower() for name in dir(resource) if "RLIMIT_" in name
}
"""The names of resource limits, by their numbers."""
_LIMITED_BY: Final = {
    errno.EMFILE: frozenset({resource.RLIMIT_NOFILE}),
    errno.ENOMEM: frozenset({resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_STACK}),
}
"""The task's own limits that can cause an error: waiting for the host would not help then."""
_NO_LIMITS: Final[frozenset[int]] = frozenset()
_SHARED: Final = frozenset({errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors that affect other tasks as well; the rest concern this user, e.g. RLIMIT_NPROC, or one file."""
_MODE: Final = 0o177777
"""What st_mode has of a type and permissions."""


class Stage(IntEnum):
    """What a launcher is doing; the numbers are those of launcher.h."""

    READING_REQUEST = 0
    LIMIT = 1
    IDENTITY = 2
    ENVIRONMENT_FILE = 3
    DIRECTORY = 4
    PROGRAM = 5
    INTERPRETER = 6
    SEARCH = 7


_BEFORE_USER: Final = frozenset({Stage.READING_REQUEST, Stage.LIMIT, Stage.IDENTITY})
"""What a launcher does before it takes the rights of the task's user. What fails later may do so in a file system of
that user, which returns whatever error it likes: this says nothing about the host."""


class LaunchRequest(NamedTuple):
    """What a launcher sets up before it executes a program, and the program."""

    argv: Sequence[str]
    directory: str
    home_optional: bool
    """Whether `/` is used if the directory does not exist or may not be entered."""
    umask: int
    nice: int | None
    """None: that of the daemon."""
    limits: Sequence[Limit]
    identity: Identity | None
    """None: that of the daemon."""
    environment: Mapping[str, str]
    """The variables of the files override these, and `run_environment` overrides both."""
    environment_files: Sequence[str]
    run_environment: Mapping[str, str]

    def encode(self) -> bytes:
        """Encode it as request.c reads it; raises ValueError for a NUL byte, or a `=` in the name of a variable."""
        numbers = [_FORMAT, self.umask, len(self.limits)]
        for limit in self.limits:
            numbers += [limit.resource, limit.soft, limit.hard]
        numbers += [self.nice is not None, self.nice or 0, self.identity is not None]
        if self.identity is not None:
            groups = sorted({*self.identity.groups, self.identity.gid})
            numbers += [self.identity.uid, self.identity.gid, len(groups), *groups]
        texts = [*_counted(assignments(self.environment)), *_counted(self.environment_files)]
        texts += _counted(assignments(self.run_environment))
        texts += [_text(self.directory), _NUMBER.pack(self.home_optional), *_counted(self.argv)]
        return b"".join([*map(_NUMBER.pack, numbers), *texts])

    def encode_for_unit(self, stdin: bytes, limits: Sequence[Limit]) -> bytes:
        """Encode it for a launcher in a unit: its input follows, and limits that would keep it from reporting."""
        numbers = [len(limits), *(number for limit in limits for number in (limit.resource, limit.soft, limit.hard))]
        return b"".join([self.encode(), _bytes(stdin), *map(_NUMBER.pack, numbers)])


def _counted(texts: Iterable[str]) -> list[bytes]:
    encoded = [_text(text) for text in texts]
    return [_NUMBER.pack(len(encoded)), *encoded]


def _text(text: str) -> bytes:
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return _bytes(data)


def _bytes(data: bytes) -> bytes:
    return _NUMBER.pack(len(data)) + data + b"\0"


class Launcher:
    """The launcher's file, if it was built."""

    def __init__(self, program: Path = LAUNCHER) -> None:
        executable = os.access(program, os.X_OK)
        self._file = os.open(program, os.O_PATH | os.O_CLOEXEC) if executable else -1

    def program(self) -> str:
        """Return the path to execute; raises RocketdError if the launcher was not built."""
        if self._file < 0:
            raise RocketdError(
                "that needs rocketd's launcher, which this installation lacks",
                hint="install rocketd again where there are a C compiler and a static C library (gcc, libc6-dev)",
            )
        return f"/proc/self/fd/{self._file}"

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)


class LauncherMessage(NamedTuple):
    """A launcher's report of its progress."""

    stage: Stage
    place: int
    """The index of the environment file or directory of PATH, or the number of the limit."""
    failed: bool
    """False: it is waiting for the stage to complete."""
    error: int
    """An errno; 0: `text` is the reason."""
    mode: int
    hint: str
    text: str


def decode_last_message(data: bytes) -> LauncherMessage:
    """Decode the last whole message that a launcher wrote; without any, it is reading its request.

    It is a process of the task's user, so a message that no launcher writes counts as none.
    """
    last = data[: len(data) // _MESSAGE.size * _MESSAGE.size][-_MESSAGE.size :].rjust(_MESSAGE.size, b"\0")
    stage, place, failed, error, mode, hint, text = _MESSAGE.unpack(last)
    if not (0 <= stage < len(Stage) and 0 <= hint < len(_HINTS)):
        return decode_last_message(b"")
    detail = os.fsdecode(text.split(b"\0", 1)[0])
    return LauncherMessage(Stage(stage), place, bool(failed), error, mode & _MODE, _HINTS[hint], detail)


class LauncherProgress:
    """Reads how far a launcher has come, without waiting."""

    def __init__(self, reader: int) -> None:
        os.set_blocking(reader, False)
        self._reader = reader
        self._last = b""
        self._ended = False

    def last_message(self) -> LauncherMessage | None:
        """Return the latest message; None once the launcher has executed the program."""
        self._read()
        message = decode_last_message(self._last)
        return None if self._ended and not message.failed else message

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._reader)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while not self._ended:
                data = os.read(self._reader, _READ_BYTES)
                self._ended = not data
                self._last = (self._last + data)[-_MESSAGE.size :]


def launch_error(request: LaunchRequest, message: LauncherMessage) -> RocketdError:
    """Return why a launcher failed: a `ResourceShortage` if the task is not at fault."""
    shared = message.error in _SHARED and message.stage in _BEFORE_USER
    return start_error(request, _failure(request, message), message.error, shared=shared)


def start_error(request: LaunchRequest, error: RocketdError, number: int, *, shared: bool) -> RocketdError:
    """Return an error with this errno as a `ResourceShortage`, unless the task, or a limit of its own, is at fault.

    `shared`: whether other tasks would fail as well.
    """
    if number not in SHORTAGES or _LIMITED_BY.get(number, _NO_LIMITS) & {limit.resource for limit in request.limits}:
        return error
    own = number == errno.EAGAIN and _own_process_limit(request) is not None
    return ResourceShortage(error.message, hint=error.hint, shared=shared, own_limit=own)


def _failure(request: LaunchRequest, message: LauncherMessage) -> RocketdError:
    if message.error == errno.EAGAIN and message.stage in {Stage.IDENTITY, Stage.PROGRAM, Stage.INTERPRETER}:
        return RocketdError(_too_many_processes(request))  # execve(2) has no other reason for it
    match message.stage:
        case Stage.SEARCH:
            return not_found(request.argv[0], message.text)
        case Stage.PROGRAM:
            return not_executable(_program(request, message), message.error, mode=message.mode, hint=message.hint)
        case Stage.INTERPRETER:
            return not_executable(request.argv[0], message.error, message.text, message.mode)
        case Stage.LIMIT:
            what = f"limit {_LIMITS.get(message.place, message.place)}"
        case Stage.IDENTITY:
            what = f"it cannot become {request.identity.name if request.identity else 'its user'}"
        case _:
            what = awaited_resource(request, message)
    return RocketdError(f"{what}: {os.strerror(message.error) if message.error else message.text}")


def _too_many_processes(request: LaunchRequest) -> str:
    """Say whose limit it is: an administrator has to know what to change."""
    user, own = request.identity.name if request.identity else "its user", _own_process_limit(request)
    if own is not None:
        return f"user {user} has more processes than nproc = {own} in the limits of this task allows"
    inherited = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return f"user {user} has more processes than the limit of rocketd itself allows (LimitNPROC= is {inherited})"


def _own_process_limit(request: LaunchRequest) -> int | None:
    """Return how many processes of its user the task's own limits allow; None: they say nothing."""
    limits = [limit.soft for limit in request.limits if limit.resource == resource.RLIMIT_NPROC]
    return limits[-1] if limits else None


def awaited_resource(request: LaunchRequest, message: LauncherMessage) -> str:
    """Return what a launcher is waiting for, as a noun."""
    match message.stage:
        case Stage.ENVIRONMENT_FILE:
            files, place = request.environment_files, message.place
            name = files[place] if 0 <= place < len(files) else message.text
            return f"environment file {name.removeprefix('-')}"
        case Stage.DIRECTORY:
            return f"directory {request.directory}"
        case Stage.PROGRAM | Stage.INTERPRETER:
            return f"program {_program(request, message)}"
    return "the launcher"


def _program(request: LaunchRequest, message: LauncherMessage) -> str:
    return request.argv[0] if "/" in request.argv[0] else message.text
