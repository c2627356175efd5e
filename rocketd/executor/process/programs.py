"""Programs: where one is found, whose interpreter it needs, and why one cannot be executed.

The launcher does the same in C with the rights of a task's user; here it is done for programs that can be trusted.
"""

import errno
import os
import stat
import struct
import sys
from contextlib import suppress
from typing import Final

from rocketd.core import script_header
from rocketd.core.errors import RocketdError
from rocketd.executor.process.path_trust import PathTrust, UntrustedPath
from rocketd.executor.shortage import SHORTAGES, cannot

HEAD_BYTES: Final = 4096
"""Of a program: its `#!` line, or the headers of an ELF file."""
MOST_INTERPRETERS: Final = 5
"""An interpreter may be a script itself; the kernel takes so many."""
NO_INTERPRETER_LINE: Final = "a script needs a first line like #!/bin/sh"
_ELF: Final = b"\x7fELF"
_HEADERS: Final = {1: (struct.Struct("=28xI10xHH"), 4), 2: (struct.Struct("=32xQ14xHH"), 8)}
"""By the class of an ELF file, 32 or 64 bit: e_phoff, e_phentsize, e_phnum; and the size of p_offset, and its place."""
_PT_INTERP: Final = 3
_ABOUT_FILES: Final = frozenset({errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ENOEXEC, errno.ELOOP})


class Programs:
    """Finds the programs that we may execute ourselves."""

    def __init__(self, trust: PathTrust) -> None:
        self._trust = trust

    def find(self, name: str, directory: str, path: str) -> str:
        """Find a program as execvp(3) does, from a directory to be entered, and by the path of the process to come.

        Raises Untrusted where that is the launcher's, and RocketdError if there is none.
        """
        return self._trust.remembered((name, directory, path), lambda: self._find(name, directory, path))

    def _find(self, name: str, directory: str, path: str) -> str:
        with suppress(OSError):  # who enters it says why not
            self._trust.look(directory)
        if "/" in name:
            self._must_be_trusted(os.path.join(directory, name))  # noqa: PTH118 - a string in, a string out
            return name
        for place in path.split(":"):
            candidate = os.path.join(directory, place, name)  # noqa: PTH118 - as above
            if self._is_executable(candidate):
                self._must_be_trusted(candidate)
                return candidate
        raise not_found(name, path)

    def _is_executable(self, candidate: str) -> bool:
        try:
            status = self._trust.look(candidate)
        except OSError:
            return False
        return not stat.S_ISDIR(status.st_mode) and os.access(candidate, os.X_OK)

    def _must_be_trusted(self, program: str) -> None:
        """Raise Untrusted unless that can be trusted, and whatever interprets it."""
        try:
            for _ in range(MOST_INTERPRETERS):
                interpreter = self._interpreter(program)
                if not interpreter:
                    return
                if not interpreter.startswith("/"):
                    raise UntrustedPath
                program = interpreter
        except OSError:
            return  # so will the execution, and say why

    def _interpreter(self, program: str) -> str:
        if not stat.S_ISREG(self._trust.look(program).st_mode):
            raise UntrustedPath
        return interpreter_of(_head(program))


def interpreter_of(head: bytes) -> str:
    """Name what the kernel executes in the place of a file that begins so; empty: the file itself."""
    try:
        return _loader_of(head) if head.startswith(_ELF) else script_header.interpreter_of(head)
    except (KeyError, struct.error):  # cut off, or of another machine
        return ""


def _loader_of(head: bytes) -> str:
    header, word = _HEADERS[head[4]]
    offset, size, count = header.unpack_from(head)
    for at in range(offset, offset + count * size, size):
        (kind,) = struct.unpack_from("I", head, at)
        if kind == _PT_INTERP:
            begin = int.from_bytes(head[at + word : at + 2 * word], sys.byteorder)
            return os.fsdecode(head[begin:].split(b"\0", 1)[0])
    return ""


def refusal(program: str, number: int) -> RocketdError:
    """Say why executing a program that can be trusted ended with this errno."""
    if number in SHORTAGES:
        return cannot(program, OSError(number, os.strerror(number)))
    path, depth = program, 0
    while number in _ABOUT_FILES and depth < MOST_INTERPRETERS:
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116 - may be relative to where we are
            if not stat.S_ISREG(mode) or not os.access(path, os.X_OK):
                return not_executable(program, errno.EACCES, path if depth else "", mode)
            head = _head(path)
        except OSError as error:
            return not_executable(program, error.errno or number, path if depth else "")
        if not (interpreter := interpreter_of(head)):
            return not_executable(program, number, hint=_hint(head) if number == errno.ENOEXEC else "")
        path, depth = interpreter, depth + 1
    return not_executable(program, number)


def not_executable(program: str, number: int, interpreter: str = "", mode: int = 0, hint: str = "") -> RocketdError:
    """Say that a program cannot be executed, or its interpreter cannot, which has this mode."""
    if mode and (not stat.S_ISREG(mode) or not mode & 0o111):
        hint = f"it is {stat.filemode(mode)}"
    if not interpreter:
        return RocketdError(f"{program}: {os.strerror(number)}", hint=hint)
    if number == errno.ENOENT:
        return RocketdError(f"{program}: {script_header.missing(interpreter)}")
    return RocketdError(f"{program}: its interpreter {interpreter}: {os.strerror(number)}", hint=hint)


def not_found(name: str, path: str) -> RocketdError:
    """Say that no directory of a path has a program of that name."""
    return RocketdError(f"{name}: not found in {path}")


def _hint(head: bytes) -> str:
    if script_header.has_byte_order_mark(head):
        return script_header.BYTE_ORDER_MARK
    return "" if head.startswith((_ELF, b"#!")) else NO_INTERPRETER_LINE


def _head(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        return os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)
