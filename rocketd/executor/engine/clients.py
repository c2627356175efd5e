"""What asks engines: made for each run."""

from collections.abc import Callable

from rocketd.core.model.engine import Engine, EngineCommands, Kubernetes, Slurm, Ssh
from rocketd.core.model.secret import Secret
from rocketd.executor.engine.api_requests import ApiRequests
from rocketd.executor.engine.command_runner import CommandRunner
from rocketd.executor.engine.job import EngineClient
from rocketd.executor.engine.kubernetes import KubernetesEngine
from rocketd.executor.engine.remote_systemd import RemoteSystemd
from rocketd.executor.engine.slurm import SlurmEngine
from rocketd.executor.engine.user_commands import UserCommands


class HostEngineClients:
    """Reaches engines from this host: an `EngineClients`."""

    def __init__(self, runner: CommandRunner, read_token: Callable[[Secret], str]) -> None:
        """`read_token` reads a token from its place; raises OSError."""
        self._runner = runner
        self._requests = ApiRequests(read_token)

    def of(self, engine: Engine) -> EngineClient:
        """Return what asks that engine."""
        match engine.reached_by:
            case Slurm() as slurm:
                return SlurmEngine(slurm, self._runner)
            case Ssh() as ssh:
                return RemoteSystemd(ssh, self._runner)
            case Kubernetes() as cluster:
                return KubernetesEngine(cluster, self._requests)
            case EngineCommands() as commands:
                return UserCommands(commands, self._runner)

    async def close(self) -> None:
        """End the commands that are active."""
        await self._runner.close()
