"""A line that a run has printed, as it is passed to whoever watches."""

from typing import NamedTuple

from rocketd.core.messages.message import Stream
from rocketd.core.model.recent_output import JournalPlace
from rocketd.core.model.run import Run


class OutputLine(NamedTuple):
    """A line of the output of a run."""

    run: Run
    stream: Stream
    line: str
    place: JournalPlace | None = None
    """Where it is in the journal, if it was read from there."""
