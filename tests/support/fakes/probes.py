"""Probes of which a test says what they show."""

from dataclasses import dataclass

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import SECOND, Duration


@dataclass(frozen=True, slots=True)
class Shown(Probe):
    """A probe that shows what a test says."""

    what: str = "door"
    interval: Duration | None = SECOND

    def __str__(self) -> str:
        return f"shown({self.what!r})"


DOOR = Shown()
"""Looked at every second."""
BELL = Shown("bell", None)
"""Told of by whoever rings."""
