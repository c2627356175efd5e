"""posix_spawn(3) of the C library, without holding the interpreter's lock.

`os.posix_spawn` holds the lock while it waits for the child to execute its program: 300 µs on an idle machine, several
milliseconds on a busy one, during which no other thread of the daemon can run. A call through ctypes releases it.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_FLAGS: Final = 0x04 | 0x08 | 0x80
"""POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK and POSIX_SPAWN_SETSID of <spawn.h>."""
_Buffer: Final = ctypes.c_char * 1024
"""Larger than any of its structures; the largest are the attributes of glibc, with 336 bytes."""

_LIBC_WITH_GIL: Final = ctypes.PyDLL(None)
"""For calls that are faster than releasing the lock."""
_LIBC: Final = ctypes.CDLL(None)


class PosixSpawn:
    """Starts processes in sessions of their own, with default signal dispositions and an empty signal mask."""

    def __init__(self, *, hold_gil: bool = False) -> None:
        """`hold_gil`: hold the lock nevertheless, as no other thread may see the state of the process meanwhile."""
        self._spawn: Callable[..., int] = (_LIBC_WITH_GIL if hold_gil else _LIBC).posix_spawn
        all_signals, no_signals = _Buffer(), _Buffer()
        _LIBC_WITH_GIL.sigfillset(all_signals)
        _LIBC_WITH_GIL.sigemptyset(no_signals)
        for number in (signal.SIGKILL, signal.SIGSTOP):  # they have no disposition
            _LIBC_WITH_GIL.sigdelset(all_signals, number)
        self._attributes = _Buffer()
        _check(_LIBC_WITH_GIL.posix_spawnattr_init(self._attributes))
        _check(_LIBC_WITH_GIL.posix_spawnattr_setflags(self._attributes, ctypes.c_short(_FLAGS)))
        _check(_LIBC_WITH_GIL.posix_spawnattr_setsigdefault(self._attributes, all_signals))
        _check(_LIBC_WITH_GIL.posix_spawnattr_setsigmask(self._attributes, no_signals))

    def __call__(
        self,
        program: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        descriptors: Sequence[int],
        directory: str = "",
    ) -> int:
        """Start a program with these descriptors as its 0, 1 and so on (-1: none); return its pid.

        The child enters the directory before it executes the program, if there is one.

        Raises OSError, and ValueError for a NUL byte, or a `=` in the name of a variable.
        """
        pid = ctypes.c_int()
        actions = _Buffer()
        path, *texts = _encoded([program, *argv, *assignments(environment)])
        arguments, variables = _array(texts[: len(argv)]), _array(texts[len(argv) :])
        _check(_LIBC_WITH_GIL.posix_spawn_file_actions_init(actions))
        try:
            for to, at in enumerate(descriptors):
                if at < 0:
                    continue
                _check(_LIBC_WITH_GIL.posix_spawn_file_actions_adddup2(actions, at, to))
            if directory:
                _check(_LIBC_WITH_GIL.posix_spawn_file_actions_addchdir_np(actions, os.fsencode(directory)))
            _check(self._spawn(ctypes.byref(pid), path, actions, self._attributes, arguments, variables))
        finally:
            _LIBC_WITH_GIL.posix_spawn_file_actions_destroy(actions)
        return pid.value


def assignments(environment: Mapping[str, str]) -> list[str]:
    """Return the variables as in environ(7); raises ValueError for a `=` in the name of one."""
    if "=" in "".join(environment):
        raise ValueError("illegal environment variable name")
    return [f"{name}={value}" for name, value in environment.items()]


def _encoded(texts: Sequence[str]) -> list[bytes]:
    """Encode all texts in one call: each run has many."""
    encoded = os.fsencode("\0".join(texts)).split(b"\0")
    if len(encoded) != len(texts):
        raise ValueError("embedded null byte")
    return encoded


def _array(texts: Sequence[bytes]) -> "ctypes.Array[ctypes.c_char_p]":
    """Return a C array such as argv or environ."""
    return (ctypes.c_char_p * (len(texts) + 1))(*texts)


def _check(error: int) -> None:
    if error:
        raise OSError(error, os.strerror(error))
