"""The load of the host, and the environment of this process."""

import os
from collections.abc import Callable, Mapping

from rocketd.core.conditions.host_conditions import LOAD_EVERY, EnvironmentIs, LoadBelow
from rocketd.probes.polling import RegularPolling
from rocketd.probes.prober import Tell


def load() -> float:
    """Read the load, averaged over a minute; raises OSError."""
    return os.getloadavg()[0]


class LoadObserver:
    """Looks every 15 s: the kernel tells nobody when the load changes."""

    def __init__(self, load: Callable[[], float] = load) -> None:
        self._load = load
        self._going: dict[LoadBelow, RegularPolling] = {}

    def begin(self, probe: LoadBelow, tell: Tell) -> None:
        """Look at it from now on."""
        self._going[probe] = RegularPolling(lambda: self._load() < probe.limit, LOAD_EVERY, tell)

    def end(self, probe: LoadBelow) -> None:
        """Look no more."""
        self._going.pop(probe).stop()

    async def close(self) -> None:
        """Look at nothing."""
        for looking in self._going.values():
            looking.stop()


class EnvironmentObserver:
    """Looks once: nobody but this process itself could change its environment."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def begin(self, probe: EnvironmentIs, tell: Tell) -> None:
        """Tell how it is."""
        found = self._environment.get(probe.name)
        tell(found is not None if probe.value is None else found == probe.value, "")

    def end(self, probe: EnvironmentIs) -> None:
        """Nothing has to end."""

    async def close(self) -> None:
        """Nothing has to end."""
