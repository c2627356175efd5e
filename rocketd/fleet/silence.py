"""How long this host has heard nothing of the hosts that run something for which it has to answer.

The clock of the database alone does not make a host lost: if it is set forward, every host seems to have been silent
for long. So whoever judges a host must have seen the same last sign of life of it for as long, by its own clock that
goes on in a suspend and that nobody sets.
"""

from collections.abc import Iterable
from typing import NamedTuple

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Duration


class RunOfHost(NamedTuple):
    """A run of another host, and the last sign of life of that host."""

    run_id: str
    sign: str
    """Changes whenever the host is heard of."""
    lost_after: Duration
    said_lost: bool
    """Whether an operator has said that the host is dead."""


@dataclass(slots=True)
class LostHosts:
    """Remembers since when each sign of life has been the last one."""

    _since: dict[str, Duration] = field(default_factory=dict)

    def lost(self, runs: Iterable[RunOfHost], now: Duration) -> list[str]:
        """Return the runs whose hosts have been silent for long enough; called in each look, with all of them.

        `now`: by the boot-time clock.
        """
        runs = list(runs)
        self._since = {one.sign: self._since.get(one.sign, now) for one in runs}
        return [one.run_id for one in runs if one.said_lost or now - self._since[one.sign] >= one.lost_after]
