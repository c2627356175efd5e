"""Programs: where one is found, which interpreter it needs, and why one cannot be executed.

The launcher does the same in C with the rights of a task's user; this module is for programs that can be trusted.
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
"""Read from a program: its `#!` line, or the headers of an ELF file."""
MAX_INTERPRETERS: Final = 5
"""An interpreter may be a script itself; this is the kernel's own limit."""
NO_INTERPRETER_LINE: Final = "a script needs a first line like #!/bin/sh"
_ELF: Final = b"\x7fELF"
_HEADERS: Final = {1: (struct.Struct("=28xI10xHH"), 4), 2: (struct.Struct("=32xQ14xHH"), 8)}
"""By the class of an ELF file, 32 or 64 bit: e_phoff, e_phentsize, e_phnum; and the offset and size of p_offset."""
_PT_INTERP: Final = 3
_FILE_ERRORS: Final = frozenset({errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ENOEXEC, errno.ELOOP})


class Programs:
    """Finds the programs that the daemon may execute itself."""

    def __init__(self, trust: PathTrust) -> None:
        self._trust = trust

    def find(self, name: str, directory: str, path: str) -> str:
        """Find a program as execvp(3) does; `directory` and `path` are the working directory and PATH of the process.

        Raises UntrustedPath if only the launcher may access it, and RocketdError if it is not found.
        """
        return self._trust.cached((name, directory, path), lambda: self._find(name, directory, path))

    def _find(self, name: str, directory: str, path: str) -> str:
        with suppress(OSError):  # entering it reports the error
            self._trust.stat(directory)
        if "/" in name:
            self._require_trusted(os.path.join(directory, name))  # noqa: PTH118 - a string in, a string out
            return name
        for place in path.split(":"):
            candidate = os.path.join(directory, place, name)  # noqa: PTH118 - as above
            if self._is_executable(candidate):
                self._require_trusted(candidate)
                return candidate
        raise not_found(name, path)

    def _is_executable(self, candidate: str) -> bool:
        try:
            status = self._trust.stat(candidate)
        except OSError:
            return False
        return not stat.S_ISDIR(status.st_mode) and os.access(candidate, os.X_OK)

    def _require_trusted(self, program: str) -> None:
        """Raise UntrustedPath unless the program and its interpreters can be trusted."""
        try:
            for _ in range(MAX_INTERPRETERS):
                interpreter = self._interpreter(program)
                if not interpreter:
                    return
                if not interpreter.startswith("/"):
                    raise UntrustedPath
                program = interpreter
        except OSError:
            return  # executing it fails in the same way, and reports the error

    def _interpreter(self, program: str) -> str:
        if not stat.S_ISREG(self._trust.stat(program).st_mode):
            raise UntrustedPath
        return interpreter_of(_head(program))


def interpreter_of(head: bytes) -> str:
    """Return what the kernel executes in place of a file that begins like this; empty: the file itself."""
    try:
        return _loader_of(head) if head.startswith(_ELF) else script_header.interpreter_of(head)
    except (KeyError, struct.error):  # truncated, or for another architecture
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


def execution_error(program: str, number: int) -> RocketdError:
    """Return why executing a trusted program failed with this errno."""
    if number in SHORTAGES:
        return cannot(program, OSError(number, os.strerror(number)))
    path, depth = program, 0
    while number in _FILE_ERRORS and depth < MAX_INTERPRETERS:
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116 - may be relative to the current directory
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
    """Return the error for a program, or the interpreter of one, that cannot be executed; `mode` is its st_mode."""
    if mode and (not stat.S_ISREG(mode) or not mode & 0o111):
        hint = f"it is {stat.filemode(mode)}"
    if not interpreter:
        return RocketdError(f"{program}: {os.strerror(number)}", hint=hint)
    if number == errno.ENOENT:
        return RocketdError(f"{program}: {script_header.missing(interpreter)}")
    return RocketdError(f"{program}: its interpreter {interpreter}: {os.strerror(number)}", hint=hint)


def not_found(name: str, path: str) -> RocketdError:
    """Return the error for a program that is not found in PATH."""
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
