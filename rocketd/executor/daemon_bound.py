"""The part of the executor port that is about a restart, for executors whose runs end with the daemon."""

from collections.abc import Mapping, Sequence

from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Run, RunKey
from rocketd.core.model.task import Task


class DaemonBoundExecutor:
    """Leaves nothing to the next daemon, and takes nothing over from the last one."""

    def recorded(self, run: Run) -> None:
        """Nothing is kept of a run that has ended."""

    def leave(self) -> frozenset[RunKey]:
        """Return none: no run goes on without the daemon."""
        return frozenset()

    async def adopt(
        self,
        runs: Sequence[OpenRun],  # noqa: ARG002 - the port has it
        tasks: Mapping[str, Task],  # noqa: ARG002 - as above
    ) -> Mapping[RunKey, Finished | Withdrawn | None]:
        """Return none: nobody can wait for a child of a daemon that is gone."""
        return {}
