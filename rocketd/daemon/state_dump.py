"""What SIGUSR1 has the daemon write to the journal: its state, for people."""

from collections.abc import Iterator

from rocketd.core.instant_text import timestamp
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.records import TaskState
from rocketd.daemon.loop import Loop


def state_dump(loop: Loop) -> Message:
    """Return the state as a message: what is running, what is due and waits, and what is paused."""
    return Message("\n".join(_lines(loop)), Priority.NOTICE)


def _lines(loop: Loop) -> Iterator[str]:
    yield loop.health.status
    for run in loop.scheduler.running_runs:
        spawned_at = loop.scheduler.history.of(run.task).spawned_at.get(run.number)
        state = (
            "is waiting for its record to be written"
            if spawned_at is None
            else f"has been running since {timestamp(spawned_at)}"
        )
        yield f"{run.task}/{run.number} {state}"
    for name, entry in loop.scheduler.tasks.items():
        if entry.due is not None:
            state = f"but cannot start: {entry.blocked_reason}" if entry.blocked_reason else "and is about to start"
            yield f"{name} has been due since {timestamp(entry.due)} {state}"
        if entry.paused is not None:
            yield f"{name} is paused{_pause(entry.paused)}"


def _pause(state: TaskState) -> str:
    until = "" if state.paused_until is None else f" until {timestamp(state.paused_until)}"
    by = f" by {state.paused_by}" if state.paused_by else ""
    return f"{until}{by}{f': {state.paused_reason}' if state.paused_reason else ''}"
