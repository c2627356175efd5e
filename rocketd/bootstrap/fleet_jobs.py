"""The runs of the fleet that are handed off to engines: they go on without the host that began them.

Whoever owns the task follows its jobs: it stops them, its timeout ends them, and it records their ends. The host that
has begun them leaves them to it, and takes the end that the fleet has recorded into its own run log.
"""

from rocketd.core.model.events import Event, Finished
from rocketd.core.model.run import Run, RunKey
from rocketd.daemon.loop import Loop


class FleetJobs:
    """Takes jobs over with their tasks, and leaves them to the next owner. On the loop's thread."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._standby = loop.scheduler.standby
        self._left: dict[RunKey, Run] = {}

    def take_over(self, name: str) -> None:
        """Follow the runs of the task that the last owner has handed off."""
        task = self._loop.scheduler.find(name).task
        for run in [*self._standby.runs_elsewhere(name, self._loop.scheduler.running_runs)] if task.engine else ():
            self._left.pop(run.key, None)
            self._standby.take_over(run)
            self._loop.take_over_run(task, run)

    def leave(self, name: str) -> None:
        """Leave the runs of the task to the host that owns it, which has it as it is here."""
        for run in [run for run in self._loop.scheduler.running_runs if run.task == name]:
            if self._loop.leave_run(run):
                self._standby.leave(run)
                self._left[run.key] = run

    def learn(self, event: Event) -> None:
        """Take the end of a run that this host has left into its run log."""
        if isinstance(event, Finished) and (run := self._left.pop(event.run.key, None)) is not None:
            self._loop.record([event], lambda: self._loop.executor.recorded(run))
