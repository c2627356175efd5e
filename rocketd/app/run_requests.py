"""Runs that were asked for by `task.run()`: each waits for whatever any start waits for, and gets its parameters."""

from rocketd.app.parameters import Given, Parameters
from rocketd.app.task import Task
from rocketd.core.model.run import Run, RunKey, Trigger
from rocketd.core.scheduler.scheduler import Scheduler


class RunRequests:
    """Forces one run after the other. Everything is called on the loop's thread."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._given: dict[RunKey, Parameters] = {}

    def press(self, task: Task) -> None:
        """Make the next run due, if there is one that was asked for and none is due already."""
        entry = self._scheduler.tasks.get(task.name)
        if entry is None or entry.forced:
            return
        going = self._scheduler.history.of(task.name).running.values()
        decided = sum(run.trigger is Trigger.AS_SCHEDULED and run.key not in self._given for run in going)
        if len(task.batches) > decided:
            self._scheduler.force(task.name, Trigger.AS_SCHEDULED, "task.run()")

    def take(self, task: Task, run: Run) -> Given:
        """Give a run its parameters, the same each time; empty: it was not asked for, or without any."""
        if run.trigger is Trigger.AS_SCHEDULED and run.key not in self._given and task.batches:
            self._given[run.key] = task.batches.popleft()
        return self._given.get(run.key) or {}

    def begun(self, task: Task, run: Run) -> None:
        """Make the next run due: this one has begun, or never will."""
        self.take(task, run)
        self.press(task)

    def withdrawn(self, task: Task, run: Run) -> None:
        """Take back what a run was given that has not begun: it is for the next one."""
        given = self._given.pop(run.key, None)
        if given is not None:
            task.batches.appendleft(given)
        self.press(task)

    def ended(self, run: Run) -> None:
        """Forget the run."""
        self._given.pop(run.key, None)
