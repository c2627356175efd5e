"""What a host may lack, for as long as a test needs."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


@contextmanager
def process_cgroup() -> Iterator[Path]:
    """A cgroup of the test's own, whose `pids.max` bounds how many processes it has; skips where there can be none."""
    parents = [Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")]
    parent = next((one for one in parents if (one / "cgroup.procs").exists()), None)
    place = Path("/") if parent is None else parent / f"rocketd-test-{os.getpid()}"
    try:
        place.mkdir()
        (place / "pids.max").write_text("1000")
    except OSError as error:
        pytest.skip(f"needs a cgroup of its own: {error}")
    yield place
    place.rmdir()
