"""The port to whoever observes probes; an adapter is in `probes`."""

from typing import Protocol

from rocketd.core.conditions.probe import Probe


class Prober(Protocol):
    """Observes probes, and reports them to the `report` it was made with, on the loop's thread.

    Each probe is reported soon after it is set; then one with an interval after each interval, whether or not its value
    has changed, and one without only when it changes. Where observing fails, raises or takes too long, the value is
    None and the event carries a problem. `core.conditions.probe.observed` makes the event.
    """

    def set_probes(self, probes: frozenset[Probe]) -> None:
        """Observe these from now on, and no others; called at the end of a pass that changed them."""
        ...

    async def close(self) -> None:
        """Observe nothing any longer, and report nothing."""
        ...
