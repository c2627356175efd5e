"""A run record as a row, and how events become rows and rows become events again.

Every end repeats what was decided about its run, so that a record is whole without its start.
"""

from typing import Final, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, Instant, datetime_of
from rocketd.core.model.events import Event, Finished, Missed, Started, Withdrawn
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Run, RunKey, Trigger, Usage

ACTIONS: Final = {action.value: action for action in Action}
"""A record of any other action is somebody else's."""

_FAR: Final = FOREVER // 2 / 1_000_000
"""Seconds: 73,000 years."""

_TRIGGERS: Final = {None: Trigger.SCHEDULE} | {trigger.value: trigger for trigger in Trigger}


_NOTHING_KNOWN: Final = (None, None, None, None)
_DEFAULT_CAUSES: Final = {Action.CRASH.value: Cause.DOWN, Action.WITHDRAWN.value: Cause.SHORTAGE}
"""The cause of an end whose record does not tell it."""


class Row(NamedTuple):
    """A run record as the log keeps it: the fields of `RunRecord` in the order of the columns."""

    created: float
    task_name: str
    action: str
    run_id: str | None = None
    number: int | None = None
    attempt: int | None = None
    due: float | None = None
    start: float | None = None
    end: float | None = None
    runtime: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    trigger: str | None = None
    cause: str | None = None
    reason: str | None = None
    cause_task: str | None = None
    cause_run_id: str | None = None
    host: str | None = None
    boot_id: str | None = None
    pid: int | None = None
    pid_start: int | None = None
    times: int | None = None
    message: str | None = None
    exc_text: str | None = None
    output: str | None = None
    cpu_time: float | None = None
    memory_peak: int | None = None
    io_read: int | None = None
    io_written: int | None = None


def key_of(row: Row) -> RunKey:
    """The run that a record tells of; 0 for none."""
    return (row.task_name, row.number or 0)


def is_end(row: Row) -> bool:
    """Whether a run ends with this record."""
    return row.action not in (Action.RUN, Action.MISSED)


class Origin(NamedTuple):
    """Whose runs these are: with it an open run is judged after a crash."""

    host: str
    boot_id: str


def seconds(instant: Instant) -> float:
    """Turn microseconds into seconds; `micros` gives the same microsecond back for every instant before 2106."""
    return instant / 1_000_000


def micros(value: float) -> Instant:
    """Turn seconds into the nearest microsecond; what lies far outside of any calendar is the beginning or for ever."""
    if -_FAR < value < _FAR:
        return round(value * 1_000_000)
    return BEGINNING if value < 0 else FOREVER


def row_of(event: Started | Finished | Withdrawn | Missed, origin: Origin) -> Row:
    """Write an event down as a record."""
    match event:
        case Started(run):
            return _start_row(run, origin)
        case Finished(run, end):
            return _end_row(run, end, origin)
        case Withdrawn():
            return _withdrawn_row(event, origin)
        case Missed():
            return _missed_row(event, origin)


def _start_row(run: Run, origin: Origin) -> Row:
    start = seconds(run.start)
    return Row(
        start, run.task, "run", run.run_id, run.number, run.attempt, seconds(run.due), start,
        None, None, None, None, run.trigger.value, None, run.reason or None,
        run.cause_task or None, run.cause_run_id or None, origin.host, origin.boot_id,
    )  # fmt: skip  # positional, in the order of the columns: it is the hot path, and keywords cost twice as much


def _end_row(run: Run, end: End, origin: Origin) -> Row:
    at, usage = seconds(end.at), end.usage
    return Row(
        at, run.task, end.action.value, run.run_id, run.number, run.attempt, seconds(run.due), seconds(run.start),
        at, seconds(end.runtime), end.exit_code, end.signal, run.trigger.value, end.cause.value, run.reason or None,
        run.cause_task or None, run.cause_run_id or None, origin.host, None,
        None, None, None, end.message or None, end.exc_text or None, end.output or None,
        None if usage.cpu is None else seconds(usage.cpu), usage.memory, usage.io_read, usage.io_written,
    )  # fmt: skip  # as above


def _withdrawn_row(event: Withdrawn, origin: Origin) -> Row:
    end = End(Action.WITHDRAWN, event.cause, event.at, message=event.reason)
    return _end_row(event.run, end, origin)._replace(runtime=None)


def _missed_row(missed: Missed, origin: Origin) -> Row:
    return Row(
        created=seconds(missed.at),
        task_name=missed.task,
        action=Action.MISSED.value,
        run_id=missed.run_id,
        due=seconds(missed.first),
        start=seconds(missed.first_reported),
        end=seconds(missed.last),
        times=missed.count,
        reason=missed_sentence(missed),
        message=missed.reason or None,
        host=origin.host,
    )


def missed_sentence(missed: Missed) -> str:
    """Return a sentence on an interval of misses: why, the first, the last and how many."""
    first = datetime_of(missed.first).isoformat()
    if missed.count == 1:
        return f"{missed.reason}; due {first}"
    return f"{missed.reason}; {missed.count} times, first {first}, last {datetime_of(missed.last).isoformat()}"


def event_of(row: Row) -> Event:
    """Read an event back from its record."""
    if row.action == Action.MISSED:
        return _missed(row)
    run = run_of(row)
    if row.action == Action.WITHDRAWN:
        end = end_of(row)
        return Withdrawn(run, end.at, end.message, end.cause)
    return Started(run) if row.action == Action.RUN else Finished(run, end_of(row))


def run_of(row: Row) -> Run:
    """Read the run back. A record with fewer fields gives: due = start, first attempt, by its schedule."""
    start = row.created if row.start is None or row.action == Action.MISSED else row.start
    return Run(
        task=row.task_name,
        number=row.number or 0,
        run_id=row.run_id or "",
        attempt=row.attempt or (0 if row.action == Action.MISSED else 1),
        due=micros(start if row.due is None else row.due),
        start=micros(start),
        trigger=_TRIGGERS[row.trigger],
        reason=row.reason or "",
        cause_task=row.cause_task or "",
        cause_run_id=row.cause_run_id or "",
    )


def end_of(row: Row) -> End:
    """Read the end back from the record of an end."""
    return End(
        action=ACTIONS[row.action],
        cause=Cause(row.cause) if row.cause else _unknown_cause(row.action),
        at=micros(row.created if row.end is None else row.end),
        exit_code=row.exit_code,
        signal=row.signal,
        message=row.message or "",
        exc_text=row.exc_text or "",
        output=row.output or "",
        runtime=micros(row.runtime or 0.0),
        usage=_usage(row),
    )


def _usage(row: Row) -> Usage:
    cpu = None if row.cpu_time is None else micros(row.cpu_time)
    known = (cpu, row.memory_peak, row.io_read, row.io_written)
    return NO_USAGE if known == _NOTHING_KNOWN else Usage(*known)


def _unknown_cause(action: str) -> Cause:
    return _DEFAULT_CAUSES.get(action, Cause.EXIT)


def _missed(row: Row) -> Missed:
    at = micros(row.created)
    return Missed(
        task=row.task_name,
        run_id=row.run_id or "",
        at=at,
        first=at if row.due is None else micros(row.due),
        last=at if row.end is None else micros(row.end),
        count=row.times or 1,
        reason=row.message or row.reason or "",
        first_at=first_report(row),
    )


def first_report(row: Row) -> Instant | None:
    """Return when an interval of misses was reported first; None: by the only report, or that is not recorded."""
    return None if row.start in (None, row.created) or row.action != Action.MISSED else micros(row.start or 0.0)
