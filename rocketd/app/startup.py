"""What happens when the scheduler starts: the tasks that run before all others, and what is told of the past."""

from collections.abc import Collection

from rocketd.app.task import Task
from rocketd.core.messages import daemon_messages
from rocketd.core.model.run import Trigger
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.recovery import RecoveryResult
from rocketd.journal.logging_bridge import LoggingBridge


def force_startup_runs(scheduler: Scheduler, tasks: Collection[Task]) -> None:
    """Force the runs of the tasks that run at the start, and have all others wait for them."""
    first = [task for task in tasks if task.on_startup and not task.disabled]
    for task in first:
        scheduler.force(task.name, Trigger.STARTUP, "on startup")
    scheduler.startup.begin((task.name for task in first), (task.name for task in first if _must_end(task)))


def report_start(bridge: LoggingBridge, recovered: RecoveryResult, notes: Collection[str]) -> None:
    """Log what was found about the time before the start; `notes` are sentences about the records."""
    for note in notes:
        bridge.write(daemon_messages.records_note(note))
    for event in recovered.ended:
        bridge.watch(event)
    if recovered.outage is not None and recovered.outage.stepped:
        bridge.write(daemon_messages.clock_step(recovered.outage.stepped, while_down=True))
    for name in recovered.ahead:
        bridge.write(daemon_messages.far_ahead(name))


def _must_end(task: Task) -> bool:
    """Whether other tasks wait for its end: a plain function with `main` or `async`, as in Rocketry."""
    return task.how in ("main", "async") and not (task.body.is_coroutine or task.is_command)
