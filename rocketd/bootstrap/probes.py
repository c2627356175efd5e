"""The prober of this host put together, for the daemon and for the library."""

from rocketd.core.clock import Clock
from rocketd.core.conditions.host_conditions import CommandSucceeds, EnvironmentIs, LoadBelow, PathExists, UnitActive
from rocketd.core.model.events import Report
from rocketd.core.prober import Prober
from rocketd.daemon.ports import ReportObserved
from rocketd.executor.commands import Commands
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.process.network_mounts import Mounts
from rocketd.probes.commands import CommandObserver, Runner
from rocketd.probes.load_and_env import EnvironmentObserver, LoadObserver
from rocketd.probes.paths import PathObserver
from rocketd.probes.prober import HostProber
from rocketd.probes.systemd_units import UnitObserver


def host_prober(
    report_observed: ReportObserved,
    clock: Clock,
    fallback: Prober | None = None,
    *,
    commands: Commands | None = None,
) -> Prober:
    """Make it, on the thread of the running loop; `fallback` looks at the probes that are not about the host.

    `commands` carries out those of conditions; None: they are processes.
    """

    def runner(report_command: Report) -> Runner:
        if commands is not None:
            return commands.executor("probe", report_command, lambda *_: None)
        return ProcessExecutor(report_command, lambda *_: None, clock=clock)

    prober = HostProber(report_observed, clock.now, fallback)
    prober.add(PathExists, PathObserver(Mounts))
    prober.add(UnitActive, UnitObserver())
    prober.add(LoadBelow, LoadObserver())
    prober.add(CommandSucceeds, CommandObserver(runner, clock.now))
    prober.add(EnvironmentIs, EnvironmentObserver())
    return prober
