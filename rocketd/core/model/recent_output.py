"""What an active run has printed so far, as much of it as is kept."""

from typing import NamedTuple


class JournalPlace(NamedTuple):
    """Where a line is in the journal: journald numbers its entries one after the other."""

    sequence: str
    """Which numbers these are; they begin anew if journald has lost its files."""
    number: int


class RecentOutput(NamedTuple):
    """The tail of what an active run has printed."""

    text: str
    place: JournalPlace | None = None
    """That of the last line, if it was read from the journal; None: each line that is passed on later is new."""

    def includes(self, place: JournalPlace | None) -> bool:
        """Return whether the line at that place is part of it, or older."""
        if self.place is None or place is None or place.sequence != self.place.sequence:
            return False
        return place.number <= self.place.number
