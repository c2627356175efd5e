"""What asks engines: one for each engine that a task names."""

from rocketd.core.model.engine import Engine, EngineCommands
from rocketd.executor.engine.command_runner import CommandRunner
from rocketd.executor.engine.job import EngineClient
from rocketd.executor.engine.user_commands import UserCommands


class HostEngineClients:
    """Reaches engines from this host: an `EngineClients`."""

    def __init__(self, runner: CommandRunner) -> None:
        self._runner = runner

    def of(self, engine: Engine) -> EngineClient:
        """Return what asks that engine."""
        by = engine.reached_by
        assert isinstance(by, EngineCommands)  # noqa: S101 - the others follow
        return UserCommands(by, self._runner)

    async def close(self) -> None:
        """End the commands that are active."""
        await self._runner.close()
