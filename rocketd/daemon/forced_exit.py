"""Limits how long the process takes to exit: what is still open after the deadline is not closed.

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
"""Seconds that Python may take to exit, as it waits for the threads of libraries."""


@contextmanager
def exit_deadline(seconds: float, code: int = 1) -> Iterator[None]:
    """Exit with this code if the block takes longer."""
    timer = _start_timer(seconds, code)
    try:
        yield
    finally:
        timer.cancel()


def exit_within(seconds: float, code: int) -> None:
    """Exit with this code if the process is still running then."""
    _start_timer(seconds, code)


def _start_timer(seconds: float, code: int) -> Timer:
    timer = Timer(seconds, _exit, [seconds, code])
    timer.daemon = True
    with suppress(RuntimeError):  # the host has no thread left: it ends without a limit
        timer.start()
    return timer


def _exit(seconds: float, code: int) -> None:
    with suppress(OSError):  # nobody reads standard error
        os.write(2, f"rocketd: something is still in use after {seconds:g} s; exiting without closing it\n".encode())
    os._exit(code)
