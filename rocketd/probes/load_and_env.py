"""The load of the host, and the environment of this process."""

import os
from collections.abc import Callable, Mapping

from rocketd.core.conditions.host_conditions import LOAD_EVERY, EnvironmentIs, LoadBelow
from rocketd.probes.polling import RegularPolling
from rocketd.probes.prober import ReportValue


def load() -> float:
    """Return the load average of the last minute; raises OSError."""
    return os.getloadavg()[0]


class LoadObserver:
    """Polls the load every 15 s: the kernel does not report changes."""

    def __init__(self, load: Callable[[], float] = load) -> None:
        self._load = load
        self._pollings: dict[LoadBelow, RegularPolling] = {}

    def start(self, probe: LoadBelow, report: ReportValue) -> None:
        """Observe the load for this probe."""
        self._pollings[probe] = RegularPolling(lambda: self._load() < probe.limit, LOAD_EVERY, report)

    def stop(self, probe: LoadBelow) -> None:
        """Stop observing it."""
        self._pollings.pop(probe).stop()

    async def close(self) -> None:
        """Stop observing everything."""
        for polling in self._pollings.values():
            polling.stop()


class EnvironmentObserver:
    """Reports once: only this process itself could change its environment."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def start(self, probe: EnvironmentIs, report: ReportValue) -> None:
        """Report whether the variable is set, or has the value."""
        found = self._environment.get(probe.name)
        report(found is not None if probe.value is None else found == probe.value, "")

    def stop(self, probe: EnvironmentIs) -> None:
        """Do nothing: nothing is watched."""

    async def close(self) -> None:
        """Do nothing: nothing is watched."""
