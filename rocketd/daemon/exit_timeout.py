"""The end of a process that does not come to its end: what was opened is closed in time, or not at all.

A file server that does not answer, or a thread of somebody's handler, must not keep a host from rebooting.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Final

CLOSE_TIMEOUT: Final = 60.0
"""Seconds after the last run in which everything must have been closed; each part has limits of its own, and fewer."""
INTERPRETER_TIMEOUT: Final = 5.0
"""Seconds that Python may take to end, which waits for the threads of others."""


@contextmanager
def exit_deadline(seconds: float, code: int = 1) -> Iterator[None]:
    """End the process with this code if what is inside takes longer."""
    timer = _start_timer(seconds, code)
    try:
        yield
    finally:
        timer.cancel()


def exit_within(seconds: float, code: int) -> None:
    """End the process with this code if it has not ended by itself then."""
    _start_timer(seconds, code)


def _start_timer(seconds: float, code: int) -> Timer:
    timer = Timer(seconds, _exit, [seconds, code])
    timer.daemon = True
    timer.start()
    return timer


def _exit(seconds: float, code: int) -> None:
    with suppress(OSError):  # nobody is there to hear it
        os.write(2, f"rocketd: something is still in use after {seconds:g} s; exiting without closing it\n".encode())
    os._exit(code)
