"""The tasks that run when the scheduler starts, and before all others."""

from collections.abc import Collection

from rocketd.app.task import Task
from rocketd.core.model.run import Trigger
from rocketd.core.scheduler.scheduler import Scheduler


def force_startup_runs(scheduler: Scheduler, tasks: Collection[Task]) -> None:
    """Force the runs of the tasks that run at the start, and have all others wait for them."""
    first = [task for task in tasks if task.on_startup and not task.disabled]
    for task in first:
        scheduler.force(task.name, Trigger.STARTUP, "on startup")
    scheduler.startup.begin((task.name for task in first), (task.name for task in first if _must_end(task)))


def _must_end(task: Task) -> bool:
    """Whether other tasks wait for its end: a plain function with `main` or `async`, as in Rocketry."""
    return task.how in ("main", "async") and not (task.body.is_coroutine or task.is_command)
