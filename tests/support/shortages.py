"""What a host may lack, for as long as a test needs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TOO_MUCH = 1 << 46
"""Bytes of stack for a thread: more than there are addresses for."""


@contextmanager
def no_threads() -> Iterator[None]:
    """Have this process start no further thread."""
    before = threading.stack_size(_TOO_MUCH)
    try:
        yield
    finally:
        threading.stack_size(before)
