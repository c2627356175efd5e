"""The messages about how people are told: hooks, pings, webhooks, and what only the daemon notices of a task."""

from collections.abc import Mapping

from rocketd.core.duration import approximate_duration
from rocketd.core.instant import Duration
from rocketd.core.instant_text import timestamp
from rocketd.core.messages import run_messages
from rocketd.core.messages.message import Message, MessageId, Priority, Stream
from rocketd.core.model.events import Missed
from rocketd.core.notifications.occasions import NotifiedEvent, Overdue, Slow, task_of


def _fields(event: NotifiedEvent) -> Mapping[str, str]:
    if isinstance(event, Overdue):
        return {"ROCKETD_TASK": event.task}
    if isinstance(event, Missed):
        return {"ROCKETD_TASK": event.task, "ROCKETD_RUN_ID": event.run_id}
    run = event.run
    return {"ROCKETD_TASK": run.task, "ROCKETD_RUN_ID": run.run_id, "ROCKETD_NUMBER": str(run.number)}


def sentence(event: NotifiedEvent) -> str:
    """Return what has happened, as the journal says it."""
    if isinstance(event, Overdue):
        return overdue(event).message
    if isinstance(event, Slow):
        return slow(event).message
    return run_messages.entry_of(event).message


def hook_line(event: NotifiedEvent, hook: str, stream: str, line: str) -> Message:
    """Return the message of a line that a hook printed: with the output of the run that it is about."""
    fields = {**_fields(event), "ROCKETD_HOOK": hook, "ROCKETD_STREAM": Stream(stream).value}
    return Message(f"{hook}: {line}", Priority.INFO, "", fields, task_of(event))


def hook_ended(event: NotifiedEvent, hook: str, error: str, runtime: Duration) -> Message:
    """Report how a hook ended; `error` completes "its hook", empty: it succeeded."""
    fields = {**_fields(event), "ROCKETD_HOOK": hook}
    if error:
        message = f"{task_of(event)}: its {hook} hook {error}"
        return Message(message, Priority.WARNING, MessageId.HOOK_FAILED, fields)
    took = f" after {approximate_duration(runtime)}" if runtime else ""
    return Message(f"{task_of(event)}: its {hook} hook succeeded{took}", Priority.DEBUG, "", fields)


def overdue(event: Overdue) -> Message:
    """Report a task that has not succeeded for too long."""
    age = approximate_duration(event.at - event.since)
    limit = approximate_duration(event.max_age)
    message = f"{event.task} is overdue: no success for {age} (max_age is {limit}), since {timestamp(event.since)}"
    return Message(message, Priority.WARNING, MessageId.OVERDUE, {"ROCKETD_TASK": event.task})


def slow(event: Slow) -> Message:
    """Report a run that takes longer than expected."""
    usual = f", usually {approximate_duration(event.usual)}" if event.usual is not None else ""
    message = f"{event.run.task} is slow: run {event.run.number} takes longer than {approximate_duration(event.limit)}"
    return Message(f"{message}{usual}", Priority.WARNING, MessageId.SLOW, _fields(event))


def undelivered(target: str, why: str) -> Message:
    """Report that a server cannot be reached at the moment."""
    return Message(f"cannot reach {target}: {why}; it is tried again", Priority.ERROR, MessageId.UNDELIVERED)


def delivered_again(target: str) -> Message:
    """Report that a server can be reached again."""
    return Message(f"{target} can be reached again", Priority.NOTICE, MessageId.DELIVERED_AGAIN)


def given_up(event: NotifiedEvent, target: str, why: str) -> Message:
    """Report that somebody will not be told."""
    message = f"{task_of(event)}: {target} was not delivered: {why}"
    return Message(message, Priority.ERROR, MessageId.GIVEN_UP, _fields(event))
