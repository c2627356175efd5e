"""posix_spawn(3) of the C library: what Python's own holds up, this does not.

`os.posix_spawn` keeps the interpreter's lock while it waits for the child to get hold of its new program: 300 µs on a
quiet machine, several milliseconds on a busy one, in which no other thread of ours can do anything. A call through
ctypes lets go of the lock.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_FLAGS: Final = 0x04 | 0x08 | 0x80
"""POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK and POSIX_SPAWN_SETSID of <spawn.h>."""
_Room: Final = ctypes.c_char * 1024
"""More bytes than any of its structures has; the largest are the attributes of glibc, with 336."""

_QUICK: Final = ctypes.PyDLL(None)
"""For calls that take less time than letting go of the lock."""
_SLOW: Final = ctypes.CDLL(None)


class PosixSpawn:
    """Starts processes in sessions of their own, with default signal dispositions and an empty signal mask."""

    def __init__(self, *, alone: bool = False) -> None:
        """`alone` keeps the lock all the same: nobody may see what the process looks like meanwhile."""
        self._spawn: Callable[..., int] = (_QUICK if alone else _SLOW).posix_spawn
        everything, nothing = _Room(), _Room()
        _QUICK.sigfillset(everything)
        _QUICK.sigemptyset(nothing)
        for number in (signal.SIGKILL, signal.SIGSTOP):  # they have no disposition
            _QUICK.sigdelset(everything, number)
        self._attributes = _Room()
        _check(_QUICK.posix_spawnattr_init(self._attributes))
        _check(_QUICK.posix_spawnattr_setflags(self._attributes, ctypes.c_short(_FLAGS)))
        _check(_QUICK.posix_spawnattr_setsigdefault(self._attributes, everything))
        _check(_QUICK.posix_spawnattr_setsigmask(self._attributes, nothing))

    def __call__(
        self, program: str, argv: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> int:
        """Start it, these descriptors being its 0, 1 and so on, -1 for none; gives its pid.

        Raises OSError, and ValueError where a text has a NUL byte or the name of a variable a `=`.
        """
        pid = ctypes.c_int()
        actions = _Room()
        path, *texts = _encoded([program, *argv, *assignments(environment)])
        arguments, variables = _array(texts[: len(argv)]), _array(texts[len(argv) :])
        _check(_QUICK.posix_spawn_file_actions_init(actions))
        try:
            for to, at in enumerate(descriptors):
                if at < 0:
                    continue
                _check(_QUICK.posix_spawn_file_actions_adddup2(actions, at, to))
            _check(self._spawn(ctypes.byref(pid), path, actions, self._attributes, arguments, variables))
        finally:
            _QUICK.posix_spawn_file_actions_destroy(actions)
        return pid.value


def assignments(environment: Mapping[str, str]) -> list[str]:
    """Give it as in environ(7); raises ValueError where the name of a variable has a `=`."""
    if "=" in "".join(environment):
        raise ValueError("illegal environment variable name")
    return [f"{name}={value}" for name, value in environment.items()]


def _encoded(texts: Sequence[str]) -> list[bytes]:
    """Encode them all at once: there are many for every run."""
    encoded = os.fsencode("\0".join(texts)).split(b"\0")
    if len(encoded) != len(texts):
        raise ValueError("embedded null byte")
    return encoded


def _array(texts: Sequence[bytes]) -> "ctypes.Array[ctypes.c_char_p]":
    """An array as of argv or environ."""
    return (ctypes.c_char_p * (len(texts) + 1))(*texts)


def _check(error: int) -> None:
    if error:
        raise OSError(error, os.strerror(error))
