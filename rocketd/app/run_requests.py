"""Run requests made by `task.run()`. Each starts under the same rules as any other run, with its own parameters."""

from rocketd.app.parameters import ParameterMapping, Parameters
from rocketd.app.task import Task
from rocketd.core.model.run import Run, RunKey, Trigger
from rocketd.core.scheduler.scheduler import Scheduler


class RunRequests:
    """Forces one run after the other. Everything is called on the loop's thread."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._parameters: dict[RunKey, Parameters] = {}

    def force_next(self, task: Task) -> None:
        """Force the next requested run, unless one is forced already."""
        entry = self._scheduler.tasks.get(task.name)
        if entry is None or entry.forced:
            return
        running = self._scheduler.history.of(task.name).running.values()
        decided = sum(run.trigger is Trigger.AS_SCHEDULED and run.key not in self._parameters for run in running)
        if len(task.batches) > decided:
            self._scheduler.force(task.name, Trigger.AS_SCHEDULED, "task.run()")

    def parameters_of(self, task: Task, run: Run) -> ParameterMapping:
        """Return the parameters of a run, the same each time; empty: not requested, or without parameters."""
        if run.trigger is Trigger.AS_SCHEDULED and run.key not in self._parameters and task.batches:
            self._parameters[run.key] = task.batches.popleft()
        return self._parameters.get(run.key) or {}

    def started(self, task: Task, run: Run) -> None:
        """Force the next requested run: this one has started."""
        self.parameters_of(task, run)
        self.force_next(task)

    def withdrawn(self, task: Task, run: Run) -> None:
        """Return the parameters of a run that did not start to the front of the queue."""
        parameters = self._parameters.pop(run.key, None)
        if parameters is not None:
            task.batches.appendleft(parameters)
        self.force_next(task)

    def finished(self, run: Run) -> None:
        """Forget the run."""
        self._parameters.pop(run.key, None)
