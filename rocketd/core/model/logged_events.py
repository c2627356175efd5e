"""What is known of one event in the log: when it was, as recorded, and its place."""

from typing import Final, NamedTuple, Protocol

from rocketd.core.instant import BEGINNING, Instant
from rocketd.core.model.events import Missed
from rocketd.core.model.run import End, Run


class LoggedInstant(NamedTuple):
    """An instant as it was recorded."""

    at: Instant
    position: int
    """Its place in the log."""


BEFORE_ALL: Final = LoggedInstant(BEGINNING, 0)
"""Everything happened after it."""


class Occurrence(NamedTuple):
    """The newest event of one action."""

    at: Instant
    position: int
    """Its place in the log: later events have higher ones, whatever the clock did."""
    run: Run
    end: End | None = None
    """How that run ended; None: this is its start."""


class MissedReport(NamedTuple):
    """The newest interval of misses, as it was reported."""

    at: Instant
    """When that was first."""
    position: int
    """The place in the log of the first report: later ones of the same interval do not change it."""
    newest: Missed
    last_position: int
    """The place in the log of the newest report."""


class LoggedEvent(Protocol):
    """Any of them."""

    @property
    def at(self) -> Instant: ...
    @property
    def position(self) -> int: ...
