"""Run ids: UUIDv7 (RFC 9562), so that they sort as the runs were decided."""

import os
from threading import Lock
from typing import Final

from rocketd.core.instant import MILLISECOND, MINUTE, Duration, Instant

MAX_AHEAD: Final[Duration] = MINUTE
_RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62
_RANDOM_BYTES: Final = 10
_POOL: Final = 256
"""Ids whose random bits are asked for at once: each question lets go of the interpreter's lock."""


class RunIds:
    """Gives out run ids, each higher than the one before (RFC 9562, section 6.2, method 2).

    Only if the clock was ahead by more than `MAX_AHEAD` and was set back, ids start from the present again: otherwise
    all later ids would name a time in the future, and differ only in their last digits.
    """

    def __init__(self) -> None:
        self._newest = 0
        self._pool: list[bytes] = []
        self._lock = Lock()

    def new(self, now: Instant) -> str:
        """Return an id of this instant's millisecond and 74 random bits."""
        with self._lock:
            random = int.from_bytes(self._random_bytes(), "big") >> (8 * _RANDOM_BYTES - _RANDOM_BITS)
            if self._newest >> _RANDOM_BITS > (now + MAX_AHEAD) // MILLISECOND:
                self._newest = 0
            self._newest = max((now // MILLISECOND) << _RANDOM_BITS | random, self._newest + 1)
            return _formatted(self._newest)

    def begin_anew(self) -> None:
        """Drop what a fork has copied: the random bits in stock, and the newest id, which both would count on from."""
        self._newest, self._pool = 0, []

    def _random_bytes(self) -> bytes:
        if not self._pool:
            fresh = os.urandom(_POOL * _RANDOM_BYTES)
            self._pool = [fresh[at : at + _RANDOM_BYTES] for at in range(0, len(fresh), _RANDOM_BYTES)]
        return self._pool.pop()


def _formatted(number: int) -> str:
    """Put the version and the variant into the 122 bits that are ours."""
    low = number & ((1 << _LOW_BITS) - 1)
    middle = (number >> _LOW_BITS) & 0xFFF
    digits = f"{(number >> _RANDOM_BITS) << 80 | 0x7 << 76 | middle << 64 | 0b10 << _LOW_BITS | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_ids: Final = RunIds()
os.register_at_fork(after_in_child=_ids.begin_anew)


def new_run_id(now: Instant) -> str:
    """Return a new run id; within this process each is higher than the one before, except after a clock far ahead."""
    return _ids.new(now)
