"""A file server that does not answer, played by a FUSE mount whose server, the test, never answers."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def dead_server(place: Path) -> Iterator[None]:
    """Make every look at that directory hang; what hangs there afterwards gets an error."""
    place.mkdir(exist_ok=True)
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other"
    if LIBC.mount(b"dead", os.fsencode(place), b"fuse.dead", 0, options.encode()) != 0:
        pytest.skip(f"not allowed to mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        LIBC.umount2(os.fsencode(place), MNT_DETACH)
        os.close(server)
