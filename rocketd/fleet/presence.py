"""Whether the fleet hears of this host, and what is to be told about that: each change once.

Pure: times are seconds of the steady clock, and arguments.
"""

from enum import StrEnum
from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.core.errors import StoreError
from rocketd.core.instant import MILLISECOND, SECOND, Duration
from rocketd.core.messages import fleet_messages
from rocketd.core.messages.message import Message

CLOCK_WARNING: Final[Duration] = 500 * MILLISECOND
"""How far the clock of a host may be from that of the database before it is told."""


class PresenceState(StrEnum):
    """What the fleet knows of this host."""

    JOINING = "joining"
    MEMBER = "member"
    AWAY = "away"
    """Its sign of life has run out, or no connection can be made."""
    REFUSED = "refused"
    """Another daemon has its name."""


@dataclass(slots=True)
class Presence:
    """This host as the fleet sees it."""

    fleet: str
    host: str
    since: float
    """When the fleet heard of it last, or, before that, when it began to join."""
    state: PresenceState = PresenceState.JOINING
    trouble: str = ""
    """What does not work, for the status; empty: all does."""
    _error: str = ""
    _clock_told: bool = False

    def renewed(self, sent_at: float, now: float) -> Message | None:
        """Learn that the database has the sign of life that was sent then."""
        before, since = self.state, self.since
        self.state, self.since, self.trouble, self._error = PresenceState.MEMBER, sent_at, "", ""
        if before is PresenceState.JOINING:
            return fleet_messages.joined(self.fleet, self.host)
        if before is PresenceState.MEMBER:
            return None
        return fleet_messages.back(round((now - since) * SECOND))

    def failed(self, error: StoreError) -> Message | None:
        """Learn that a try has failed; what may pass is told only when the lease is over."""
        self._error = f"{error.message} ({error.hint})" if error.hint else error.message
        if self.state is PresenceState.AWAY:
            self.trouble = self._trouble()
        return None if error.temporary else self._go_away()

    def lease_over(self) -> Message | None:
        """Learn that the last sign of life, or the time to join, has run out."""
        self._error = self._error or "its database does not answer"
        return None if self.state is PresenceState.REFUSED else self._go_away()

    def refused(self, holder: str) -> Message | None:
        """Learn that another daemon that is alive has the name; `holder` says which, for people."""
        message = fleet_messages.name_held(self.host, holder)
        if self.trouble == message.message:
            return None
        self.state, self.trouble = PresenceState.REFUSED, message.message
        return message

    def clock_measured(self, offset: Duration) -> Message | None:
        """Learn how far the clock of this host is ahead of that of the database."""
        wrong = abs(offset) >= (CLOCK_WARNING // 2 if self._clock_told else CLOCK_WARNING)
        if wrong is self._clock_told:
            return None
        self._clock_told = wrong
        return fleet_messages.clock_differs(offset) if wrong else fleet_messages.clock_agrees()

    def _go_away(self) -> Message | None:
        known = self.state is PresenceState.AWAY
        self.state, self.trouble = PresenceState.AWAY, self._trouble()
        return None if known else fleet_messages.away(self._error)

    def _trouble(self) -> str:
        return f"the fleet does not hear of this host: {self._error}"
