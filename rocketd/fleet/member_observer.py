"""Who hears of what becomes of a member's exchange with the database."""

from typing import Protocol

from rocketd.core.errors import StoreError
from rocketd.core.instant import Duration


class FleetObserver(Protocol):
    """Hears of what becomes of the exchange with the database; on the member's thread."""

    def exchange_begins(self) -> None: ...
    def exchange_ends(self) -> None: ...
    def joined(self) -> None:
        """The host has its name, perhaps again: all tasks are to be shown anew."""
        ...

    def renewed(self, sent_at: float, sent_at_boottime: Duration, clock_offset: Duration) -> None:
        """The lease was renewed by what was sent then, in seconds of the steady clock, and by the boot-time clock."""
        ...

    def failed(self, error: StoreError) -> None: ...
    def refused(self, holder: str) -> None: ...
    def note(self, text: str) -> None: ...
