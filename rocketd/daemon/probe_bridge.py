"""Between the loop and the prober: which probes matter goes down after each pass, observations come up as events.

bridge = ProbeBridge(loop)
bridge.start(SomeProber(bridge.report))
"""

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import BEGINNING, FOREVER, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.model.events import Observed
from rocketd.core.prober import Prober
from rocketd.daemon.loop import Loop


class ProbeBridge:
    """Passes observations to the scheduler. A problem of a probe is logged when it begins, and when it is over."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._prober: Prober | None = None
        self._probes: frozenset[Probe] = frozenset()
        self._failing: dict[str, str] = {}

    def start(self, prober: Prober) -> None:
        """From the next pass on, observe the probes that the scheduler needs."""
        self._prober = prober
        self._loop.pass_hooks.append(self._after_pass)

    def report(self, event: Observed) -> None:
        """Handle an observation of the prober. The loop is woken only if it changes something."""
        self._loop.scheduler.observe(event)
        self._log_changes(event)
        if self._loop.scheduler.next_check() == BEGINNING:
            self._loop.wake()

    def _after_pass(self, now: Instant) -> Instant:  # noqa: ARG002 - the signature of a pass hook
        probes = self._loop.scheduler.probes
        if probes is not self._probes and self._prober is not None:
            self._probes = probes
            names = {str(probe) for probe in probes}
            self._failing = {name: problem for name, problem in self._failing.items() if name in names}
            self._prober.set_probes(probes)
        return FOREVER

    def _log_changes(self, event: Observed) -> None:
        if event.value is None and event.probe not in self._failing:
            self._failing[event.probe] = event.problem
            self._loop.journal.write(daemon_messages.unobserved(event.probe, event.problem))
        elif event.value is not None and self._failing.pop(event.probe, None) is not None:
            self._loop.journal.write(daemon_messages.observed_again(event.probe))
