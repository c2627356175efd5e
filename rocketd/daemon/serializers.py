"""Tasks, runs, events and explanations as JSON objects, for other programs.

The socket, the web and `rocketctl --json` share these shapes: their keys are promises, more may be added.
Durations are seconds; instants as in `wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.executor_choice import ExecutorChoice
from rocketd.core.model.records import RunView, TaskState
from rocketd.core.model.run import NO_USAGE, Action, End, Run
from rocketd.core.model.task import Call, Command, Disabled, Surroundings, Task, Work
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.notifications.deadlines import last_good, overdue_at
from rocketd.core.notifications.occasions import failed_last
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.json_format import Json, JsonObject, rfc3339

if TYPE_CHECKING:
    from rocketd.core.explain.tree import ExplanationPart
    from rocketd.core.explain.why import Explanation


def run_object(view: RunView) -> JsonObject:
    """Everything that is recorded about a run; `action` is `run` while it is active."""
    return {**_run_fields(view.run), "action": str(view.action), **_end_fields(view.end), **_process_fields(view)}


def _process_fields(view: RunView) -> JsonObject:
    return {
        "host": view.host or None,
        "boot_id": view.boot_id or None,
        "pid": view.pid or None,
        "pid_start": view.pid_start or None,
    }


def _run_fields(run: Run) -> JsonObject:
    return {
        "task": run.task,
        "run_id": run.run_id,
        "number": run.number,
        "attempt": run.attempt,
        "due": rfc3339(run.due),
        "start": rfc3339(run.start),
        "trigger": str(run.trigger),
        "reason": run.reason,
        "cause_task": run.cause_task or None,
        "cause_run_id": run.cause_run_id or None,
    }


def _end_fields(end: End | None) -> JsonObject:
    usage = end.usage if end else NO_USAGE
    return {
        "end": rfc3339(end.at) if end else None,
        "runtime": _seconds(end.runtime) if end else None,
        "cpu_time": _seconds(usage.cpu) if usage.cpu is not None else None,
        "memory_peak": usage.memory,
        "io_read": usage.io_read,
        "io_written": usage.io_written,
        "cause": str(end.cause) if end else None,
        "exit_code": end.exit_code if end else None,
        "signal": end.signal if end else None,
        "message": end.message if end else "",
        "exc_text": end.exc_text if end else "",
        "output": end.output if end else "",
    }


def task_object(entry: ScheduledTask, history: TaskHistory, usual: Duration | None = None) -> JsonObject:
    """One loaded task in a list; `next` is when it is expected to start, its splay included, null if nothing tells.

    It starts then only if `next_if` is observed then, and before if `now_if` is; both are conditions, or null. `usual`
    is how long its runs usually take, as far as is known.
    """
    known = [(action, seen) for action, seen in history.last_events.items() if _has_happened(action, seen.run, history)]
    newest = max(known, key=lambda item: item[1].position, default=None)
    started = max((seen.run for _, seen in known), key=lambda run: run.number, default=None)
    ended = max((seen for _, seen in known if seen.end), key=lambda seen: seen.position, default=None)
    end = ended.end if ended else None
    return {
        "task": entry.task.name,
        "description": entry.task.description,
        "next": rfc3339(entry.next_start),
        "next_if": entry.next_if or None,
        "now_if": entry.now_if or None,
        "last_start": rfc3339(started.start) if started else None,
        "last_action": str(newest[0]) if newest else None,
        "last_cause": str(newest[1].end.cause) if newest and newest[1].end else None,
        "last_run_id": newest[1].run.run_id if newest else None,
        "last_end": rfc3339(end.at) if end else None,
        "last_runtime": _seconds(end.runtime) if end else None,
        "usual_runtime": None if usual is None else _seconds(usual),
        "last_success": rfc3339(last_good(history)),
        "failing": failed_last(history),
        "max_age": None if entry.task.max_age is None else _seconds(entry.task.max_age),
        "overdue_at": rfc3339(overdue_at(entry.task, history)),
        "slow_after": _slow_after(entry.task, usual),
        "armed_at": rfc3339(history.armed_at),
        "running": bool(history.spawned_at),
        "waits": _wait_reason(entry, history) or None,
        "paused": entry.paused is not None,
        **_where(entry),
        "when": str(entry.task.when),
        "on": str(entry.task.on) if entry.task.on else None,
        "tags": [*entry.task.tags],
        "file": entry.task.file,
    }


def _slow_after(task: Task, usual: Duration | None) -> float | None:
    """After how many seconds a run is slow; null if it has no limit, or one that is a multiple of an unknown time."""
    if task.slow_after is None or (task.slow_after.factor and usual is None):
        return None
    return _seconds(round((usual or 0) * task.slow_after.factor) or task.slow_after.limit)


def _where(entry: ScheduledTask) -> JsonObject:
    run_on, standby = str(entry.task.run_on), entry.standby or None
    return {"run_on": run_on, "standby": standby, "disabled": False, "elsewhere": False}


def _next_splay(entry: ScheduledTask) -> float | None:
    """How much of `next` is the task's splay; null if it has none, or more than that keeps it."""
    if entry.next_start is None or entry.next_due is None:
        return None
    part = entry.next_start - entry.next_due
    return _seconds(part) if 0 < part <= entry.task.splay else None


def _has_happened(action: Action, run: Run, history: TaskHistory) -> bool:
    """Whether that has happened, and was not only decided."""
    return action is not Action.RUN or run.number not in history.running or run.number in history.spawned_at


def _wait_reason(entry: ScheduledTask, history: TaskHistory) -> str:
    """Return what keeps a due or decided task from starting; empty: nothing."""
    if history.running.keys() - history.spawned_at.keys():
        return "for its record to be written"
    return entry.blocked_reason if entry.due is not None and not history.running else ""


def disabled_object(disabled: Disabled) -> JsonObject:
    """A task that is written and not loaded, in the same list; `line` is where it begins in its file."""
    return {**task_object(ScheduledTask(disabled.task), TaskHistory()), **_disabled(disabled)}


def disabled_details(disabled: Disabled, runs: Sequence[RunView] = ()) -> JsonObject:
    """Everything about such a task."""
    return {**task_details(ScheduledTask(disabled.task), TaskHistory(), runs), **_disabled(disabled)}


def _disabled(disabled: Disabled) -> JsonObject:
    unknown: JsonObject = {"armed_at": None, "overdue_at": None}
    return {**unknown, "disabled": True, "elsewhere": disabled.elsewhere, "line": disabled.line}


def task_details(
    entry: ScheduledTask,
    history: TaskHistory,
    runs: Sequence[RunView] = (),
    executor: ExecutorChoice | None = None,
    usual: Duration | None = None,
) -> JsonObject:
    """Everything about one loaded task; `runs` are its newest ones. Without a daemon, its executor is not known."""
    task = entry.task
    listed: list[Json] = [run_object(view) for view in runs]
    return {
        **task_object(entry, history, usual),
        **_work(task.work),
        "stop_when": str(task.stop_when),
        "timezone": task.zone_name,
        "timeout": None if task.timeout is None else _seconds(task.timeout),
        "kill_grace": _seconds(task.kill_grace),
        "overlap": str(task.overlap),
        "restart_delay": _seconds(task.restart_delay),
        "crash_limit": task.crash_limit,
        "mutex": task.mutex or None,
        "priority": task.priority,
        "splay": _seconds(task.splay),
        "splay_each": "run" if task.splay_each_run else "host",
        "output_file": task.output_file or None,
        "separate_stderr": task.separate_stderr,
        **_executor(executor),
        "next_splay": _next_splay(entry),
        "next_number": history.next_number,
        "due": rfc3339(entry.due),
        "blocked": entry.blocked_reason or None,
        **_pause(entry.paused),
        "going": [
            {**_run_fields(run), "begun": rfc3339(history.spawned_at.get(number))}
            for number, run in history.running.items()
        ],
        "hooks": [],
        "runs": listed,
    }


def _executor(choice: ExecutorChoice | None) -> JsonObject:
    kind, reason = choice or (None, "")
    return {"executor": str(kind) if kind else None, "executor_reason": reason or None}


def why_object(why: Explanation) -> JsonObject:
    """What a task's condition says about a moment; `holds` is null where it is unknown."""
    whole = _part(why.tree)
    fields: JsonObject = {
        "waiting_for": why.waiting_for,
        "timezone": why.task.zone_name,
    }
    return {"task": why.task.name, **whole, **fields}


def _part(part: ExplanationPart) -> JsonObject:
    return {
        "condition": part.condition,
        "holds": part.holds,
        "since": rfc3339(part.since),
        "until": rfc3339(part.until),
        "because": part.because,
        "parts": [*map(_part, part.parts)],
    }


def _pause(state: TaskState | None) -> JsonObject:
    return {
        "paused_until": rfc3339(state.paused_until) if state else None,
        "paused_by": state.paused_by if state else "",
        "paused_reason": state.paused_reason if state else "",
    }


def _work(work: Work) -> JsonObject:
    if isinstance(work, Call):
        return {"command": None, "function": str(work.execution)}
    surroundings = _surroundings(work.surroundings)
    if isinstance(work, Command):
        return {"command": [*work.argv], "function": None, **surroundings}
    return {"command": None, "function": work.path, **surroundings}


def _surroundings(surroundings: Surroundings) -> JsonObject:
    """Of the environment only the names: values may be secrets."""
    return {
        "user": surroundings.identity.name if surroundings.identity else None,
        "directory": surroundings.directory or None,
        "umask": f"{surroundings.umask:04o}",
        "nice": surroundings.nice,
        "environment": [name for name, _ in surroundings.environment],
        "environment_files": [*surroundings.environment_files],
    }


def event_object(event: Event) -> JsonObject:
    """One line of the stream of events: `started`, `spawned`, `finished`, `withdrawn` or `missed`, and whose it is."""
    match event:
        case Started(run):
            return {"event": "started", **_run_fields(run), "action": str(Action.RUN)}
        case Spawned(run, pid):
            return {"event": "spawned", **_run_fields(run), "action": str(Action.RUN), "pid": pid}
        case Finished(run, end):
            return {"event": "finished", **_run_fields(run), "action": str(end.action), **_end_fields(end)}
        case Withdrawn(run):
            return {"event": "withdrawn", **_run_fields(run), "action": str(Action.WITHDRAWN), **_withdrawn(event)}
        case Missed():
            return {"event": "missed", **_missed(event)}


def _withdrawn(event: Withdrawn) -> JsonObject:
    return {"end": rfc3339(event.at), "cause": str(event.cause), "message": event.reason}


def _missed(missed: Missed) -> JsonObject:
    return {
        "task": missed.task,
        "run_id": missed.run_id,
        "at": rfc3339(missed.at),
        "first": rfc3339(missed.first),
        "last": rfc3339(missed.last),
        "count": missed.count,
        "reason": missed.reason,
    }


def output_object(run: Run, stream: str, line: str) -> JsonObject:
    """One line that a run printed, in the stream of events; `stream` is `stdout` or `stderr`."""
    run_fields: JsonObject = {"task": run.task, "run_id": run.run_id, "number": run.number}
    return {"event": "output", **run_fields, "stream": stream, "line": line}


def _seconds(duration: Duration) -> float:
    return duration / SECOND
