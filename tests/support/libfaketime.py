"""A wall clock for one process and its children, which a test may set: libfaketime(1), Debian package libfaketime.

Only CLOCK_REALTIME is faked. The kernel cannot tell the process that its clock was set; whoever sets it has to wake it.
"""

from itertools import chain
from pathlib import Path

import pytest

_FOUND = [*chain(*(Path(place).glob("**/faketime/libfaketimeMT.so.1") for place in ("/usr/lib", "/usr/lib64")))]

needs_faketime = pytest.mark.skipif(not _FOUND, reason="needs libfaketime")


class FakedClock:
    """How far the clock is off, in seconds."""

    def __init__(self, directory: Path, seconds: int = 0) -> None:
        self._file = directory / "faketime"
        self.set(seconds)

    def set(self, seconds: int) -> None:
        """Have it be off by so much from now on."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+d}\n")
        part.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """For who is to have that clock."""
        return {
            "LD_PRELOAD": str(_FOUND[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
