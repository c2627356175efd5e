"""What sending a mail by a program needs of whoever runs it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class ProgramEnd(NamedTuple):
    """How a program ended."""

    exit_code: int
    """Negative: the signal that ended it."""
    said: str
    """The tail of what it printed."""


class RunProgram(Protocol):
    """Runs a program to its end, with data as its input. Blocks; raises OSError if it cannot be run, or takes long."""

    def __call__(self, argv: Sequence[str], data: bytes, timeout: float) -> ProgramEnd: ...
