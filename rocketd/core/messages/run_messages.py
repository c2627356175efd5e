"""The messages about runs: one table, event to message.

What went wrong is an error (`-p err`), what was interrupted or missed a warning, what an operator did a notice.
A line of a task's output is information whichever stream it came from, as it is for services.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from rocketd.core.duration import approximate_duration
from rocketd.core.messages.message import Message, MessageId, Priority, Stream
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.plural import counted
from rocketd.core.signal_names import signal_name


def left_overs(run: Run) -> Message:
    """Report that processes which a killed daemon had left behind were stopped."""
    message = f"{run.task}: stopped the processes that its run {run.number} had left behind"
    return Message(message, Priority.WARNING, MessageId.LEFT_OVERS, _run_fields(run, Action.CRASH))


class _Ending(NamedTuple):
    message_id: MessageId
    priority: Priority
    sentence: str
    """After the task's name; `{took}` is how long it ran."""


_ENDINGS: Final[Mapping[tuple[Action, Cause], _Ending]] = {
    (Action.SUCCESS, Cause.EXIT): _Ending(MessageId.SUCCEEDED, Priority.INFO, "succeeded{took}"),
    (Action.INACTION, Cause.EXIT): _Ending(MessageId.INACTION, Priority.INFO, "had nothing to do{took}"),
    (Action.FAIL, Cause.EXIT): _Ending(MessageId.FAILED, Priority.ERROR, "failed{how}{took}"),
    (Action.TERMINATE, Cause.TIMEOUT): _Ending(MessageId.TIMED_OUT, Priority.ERROR, "was stopped by its timeout{took}"),
    (Action.TERMINATE, Cause.STOP_WHEN): _Ending(
        MessageId.STOPPED, Priority.INFO, "was stopped{took} by its stop_when condition"
    ),
    (Action.TERMINATE, Cause.OPERATOR): _Ending(MessageId.STOPPED, Priority.NOTICE, "was stopped by an operator{took}"),
    (Action.TERMINATE, Cause.REPLACE): _Ending(
        MessageId.STOPPED, Priority.INFO, "was stopped{took} and replaced by its next run"
    ),
    (Action.CRASH, Cause.SHUTDOWN): _Ending(
        MessageId.CRASHED, Priority.WARNING, "was interrupted by the shutdown of rocketd{took}"
    ),
    (Action.CRASH, Cause.DOWN): _Ending(
        MessageId.CRASHED, Priority.WARNING, "was interrupted: rocketd or the host went down; outcome unknown"
    ),
}
_ODD_ENDINGS: Final[Mapping[Action, _Ending]] = {
    Action.TERMINATE: _Ending(MessageId.STOPPED, Priority.NOTICE, "was stopped{took}"),
    Action.CRASH: _Ending(MessageId.CRASHED, Priority.WARNING, "was interrupted{took}"),
    Action.FAIL: _ENDINGS[Action.FAIL, Cause.EXIT],
    Action.INACTION: _ENDINGS[Action.INACTION, Cause.EXIT],
    Action.SUCCESS: _ENDINGS[Action.SUCCESS, Cause.EXIT],
}
"""For an end whose cause no row above names: another Red Bird repository may hold any."""


def entry_of(event: Event) -> Message:
    """Return the message of an event."""
    match event:
        case Started(run):
            return _started(run)
        case Spawned(run, pid):
            return _spawned(run, pid)
        case Finished(run, end):
            return _finished(run, end)
        case Withdrawn(run):
            return _withdrawn(run, event)
        case Missed():
            return _missed(event)


def output_line(run: Run, stream: Stream, line: str) -> Message:
    """Return the message of a line of a run's output, in the task's own name."""
    fields = _output_fields(run.task, run.run_id, run.number, stream)
    return Message(line, Priority.INFO, "", fields, run.task)


@lru_cache(maxsize=256)
def _output_fields(task: str, run_id: str, number: int, stream: Stream) -> Mapping[str, str]:
    """The same mapping for every line of a stream: what need not be built again is most of a line's cost."""
    return MappingProxyType(
        {
            "ROCKETD_TASK": task,
            "ROCKETD_RUN_ID": run_id,
            "ROCKETD_NUMBER": str(number),
            "ROCKETD_STREAM": stream.value,
        }
    )


def _started(run: Run) -> Message:
    because = f": {run.reason}" if run.reason else ""
    message = f"{run.task} started{_attempt(run)}{because}"
    return Message(message, Priority.INFO, MessageId.STARTED, _run_fields(run, Action.RUN))


def _spawned(run: Run, pid: int) -> Message:
    fields = _run_fields(run, Action.RUN) | {"ROCKETD_PID": str(pid)}
    return Message(f"{run.task} is running as process {pid}", Priority.DEBUG, MessageId.SPAWNED, fields)


def _finished(run: Run, end: End) -> Message:
    ending = _ENDINGS.get((end.action, end.cause)) or _ODD_ENDINGS.get(end.action) or _ODD_ENDINGS[Action.CRASH]
    took = f" after {approximate_duration(end.runtime)}" if end.runtime else ""
    sentence = ending.sentence.format(took=took, how=_how(end))
    message = f"{run.task} {sentence}{_attempt(run)}{_why(end)}"
    return Message(message, ending.priority, ending.message_id, _run_fields(run, end.action) | _end_fields(end))


def _withdrawn(run: Run, event: Withdrawn) -> Message:
    """Of many that could not start only the first is logged as a warning (`shortage`), the others for debugging."""
    often = event.cause in {Cause.SHORTAGE, Cause.STORE}
    fields = _run_fields(run, Action.WITHDRAWN) | {"ROCKETD_CAUSE": event.cause.value}
    message = f"{run.task} did not start: {event.reason}"
    return Message(message, Priority.DEBUG if often else Priority.INFO, MessageId.WITHDRAWN, fields)


def lacks(event: Withdrawn, attempts: int) -> Message:
    """Report that one task cannot start because it lacks something, and how often that was tried."""
    tried = f" ({attempts} attempts so far)" if attempts > 1 else ""
    how_long = "for some minutes" if event.own_limit else "until it can"
    message = f"{event.run.task} cannot start; rocketd keeps trying {how_long}{tried}: {event.reason}"
    return Message(message, Priority.WARNING, MessageId.SHORTAGE, {"ROCKETD_TASK": event.run.task})


def _missed(missed: Missed) -> Message:
    fields = {
        "ROCKETD_TASK": missed.task,
        "ROCKETD_RUN_ID": missed.run_id,
        "ROCKETD_ACTION": Action.MISSED.value,
        "ROCKETD_COUNT": str(missed.count),
        "ROCKETD_FIRST_USEC": str(missed.first),
        "ROCKETD_LAST_USEC": str(missed.last),
        "ROCKETD_REASON": missed.reason,
    }
    message = f"{missed.task}: {counted(missed.count, 'scheduled run')} missed ({missed.reason})"
    return Message(message, Priority.WARNING, MessageId.MISSED, fields)


def _run_fields(run: Run, action: Action) -> dict[str, str]:
    return {
        "ROCKETD_TASK": run.task,
        "ROCKETD_RUN_ID": run.run_id,
        "ROCKETD_NUMBER": str(run.number),
        "ROCKETD_ATTEMPT": str(run.attempt),
        "ROCKETD_TRIGGER": run.trigger.value,
        "ROCKETD_REASON": run.reason,
        "ROCKETD_DUE_USEC": str(run.due),
        "ROCKETD_ACTION": action.value,
    }


_USAGE_FIELDS: Final = ("ROCKETD_CPU_USEC", "ROCKETD_MEMORY_PEAK", "ROCKETD_IO_READ_BYTES", "ROCKETD_IO_WRITTEN_BYTES")


def _end_fields(end: End) -> dict[str, str]:
    fields, usage = {"ROCKETD_CAUSE": end.cause.value}, end.usage
    if end.runtime:
        fields["ROCKETD_RUNTIME_USEC"] = str(end.runtime)
    for name, used in zip(_USAGE_FIELDS, (usage.cpu, usage.memory, usage.io_read, usage.io_written), strict=True):
        if used is not None:
            fields[name] = str(used)
    if end.exit_code is not None:
        fields["ROCKETD_EXIT_CODE"] = str(end.exit_code)
    if end.signal is not None:
        fields["ROCKETD_SIGNAL"] = signal_name(end.signal)
    return fields


def _attempt(run: Run) -> str:
    return f" (attempt {run.attempt})" if run.attempt > 1 else ""


def _how(end: End) -> str:
    if end.signal is not None:
        return f" (killed by {signal_name(end.signal)})"
    if end.exit_code is not None and not end.exc_text:
        return f" with exit code {end.exit_code}"
    return ""


def _why(end: End) -> str:
    return f": {end.message}" if end.message else ""
