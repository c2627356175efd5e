"""A notification: an event that somebody is told about, with what was known of its task then."""

from datetime import tzinfo
from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import SECOND, Instant, datetime_of
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.run import Action, End, Run
from rocketd.core.notifications.occasions import NotifiedEvent, Occasion, Overdue, Slow, event_key, occasions, task_of
from rocketd.core.signal_names import signal_name

_LONGEST: Final = 4_096
"""The most characters of a variable: a program that gets too many cannot start (execve(2), E2BIG)."""


@dataclass(frozen=True, slots=True)
class Notification:
    """An event, with the state of its task at that time."""

    event: NotifiedEvent
    zone: tzinfo
    """The time zone of the task."""
    recovered: bool = False
    """Whether it is the first success after failures."""
    next: Instant | None = None
    """When the task is expected to be due next; None: only an event makes it due."""
    next_if: str = ""
    """The condition that must hold at `next`; empty: none."""
    now_if: str = ""
    """The condition that makes the task due before `next`, as soon as it holds; empty: none."""
    description: str = ""

    @property
    def task(self) -> str:
        """The name of the task."""
        return task_of(self.event)

    @property
    def key(self) -> str:
        """What makes the event unique."""
        return event_key(self.event)

    @property
    def occasions(self) -> frozenset[Occasion]:
        """What the event is."""
        return occasions(self.event, recovered=self.recovered)

    @property
    def action(self) -> str:
        """The action of the event's record; for what has none, the occasion."""
        match self.event:
            case Finished(_, end):
                return end.action.value
            case Missed():
                return Action.MISSED.value
            case Started():
                return Action.RUN.value
            case Overdue():
                return Occasion.OVERDUE.value
            case Slow():
                return Occasion.SLOW.value

    @property
    def output(self) -> str:
        """The end of what the run printed."""
        return self.event.end.output if isinstance(self.event, Finished) else ""

    @property
    def message(self) -> str:
        """A sentence on what went wrong, if there is one."""
        match self.event:
            case Finished(_, end):
                return end.message
            case Missed(reason=reason):
                return reason
            case _:
                return ""


def variables(notification: Notification) -> dict[str, str]:
    """Return the ROCKETD_* variables of a hook; what is not known is not set."""
    event = notification.event
    found = {"ROCKETD_TASK": notification.task, "ROCKETD_ACTION": notification.action}
    match event:
        case Started(run):
            found |= _run_variables(run)
        case Finished(run, end):
            found |= _run_variables(run) | _end_variables(end)
        case Slow(run):
            found |= _run_variables(run)
            found |= {"ROCKETD_LIMIT": _seconds(event.limit)}
        case Missed():
            found |= {
                "ROCKETD_RUN_ID": event.run_id,
                "ROCKETD_COUNT": str(event.count),
                "ROCKETD_FIRST": _time(event.first),
                "ROCKETD_LAST": _time(event.last),
            }
        case Overdue():
            found |= {"ROCKETD_SINCE": _time(event.since), "ROCKETD_MAX_AGE": _seconds(event.max_age)}
    found |= {"ROCKETD_MESSAGE": notification.message, "ROCKETD_DESCRIPTION": notification.description}
    return {name: value.replace("\0", "")[:_LONGEST] for name, value in found.items() if value}


def _run_variables(run: Run) -> dict[str, str]:
    found = {
        "ROCKETD_RUN_ID": run.run_id,
        "ROCKETD_NUMBER": str(run.number),
        "ROCKETD_ATTEMPT": str(run.attempt),
        "ROCKETD_DUE": _time(run.due),
        "ROCKETD_START": _time(run.start),
        "ROCKETD_TRIGGER": run.trigger.value,
        "ROCKETD_REASON": run.reason,
    }
    if run.cause_task:
        found |= {"ROCKETD_CAUSE_TASK": run.cause_task, "ROCKETD_CAUSE_RUN_ID": run.cause_run_id}
    return found


def _end_variables(end: End) -> dict[str, str]:
    found = {"ROCKETD_CAUSE": end.cause.value, "ROCKETD_END": _time(end.at), "ROCKETD_RUNTIME": _seconds(end.runtime)}
    if end.exit_code is not None:
        found["ROCKETD_EXIT_CODE"] = str(end.exit_code)
    if end.signal is not None:
        found["ROCKETD_SIGNAL"] = signal_name(end.signal)
    return found


def _seconds(duration: int) -> str:
    return f"{duration / SECOND:.6f}".rstrip("0").rstrip(".")


def _time(instant: Instant) -> str:
    return datetime_of(instant).isoformat(timespec="microseconds").replace("+00:00", "Z")
