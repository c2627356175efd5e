"""The pages about one task, one run, and the daemon itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from rocketd.cli.json_fields import duration, flag, instant, number, objects, text, words
from rocketd.cli.overdue import is_overdue
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import pairs
from rocketd.cli.render.not_loaded import file_problems
from rocketd.cli.render.tables import (
    CAUSES,
    NO_RUNS,
    RenderOptions,
    cpu_time,
    if_observed,
    last_result,
    memory_peak,
    only_on,
    result,
    run_name,
    run_table,
    size,
    starts_when,
    took,
    trigger,
)
from rocketd.cli.render.terminal_text import BOLD, CYAN, GREEN, RED, YELLOW, Cell, painted, visible_lines
from rocketd.core.duration import approximate_duration, format_duration
from rocketd.core.escaping import visible
from rocketd.core.instant import SECOND, Instant
from rocketd.core.signal_names import signal_name
from rocketd.daemon.json_format import Json, JsonObject

if TYPE_CHECKING:
    from rocketd.config.problems import Problem  # most verbs read no task files


def task_page(task: JsonObject, look: RenderOptions) -> list[str]:
    """Draw everything about a task, and its newest runs."""
    runs = objects(task.get("runs"))
    drawn = run_table(runs, look) if runs else [NO_RUNS]
    return [_title(task, look), *pairs(_task_lines(task, look.now), colour=look.colour), "", *drawn]


def _title(task: JsonObject, look: RenderOptions) -> str:
    name = painted(Cell(visible(text(task, "task")), BOLD), colour=look.colour)
    description = visible(text(task, "description"))
    return f"{name} - {description}" if description else name


def _task_lines(task: JsonObject, now: Instant) -> list[tuple[str, Cell]]:
    return [
        ("State", _state(task, now)),
        ("Next", Cell(only_on(task) or if_observed(task, _instant_line(instant(task, "next"), now) + _splay(task)))),
        ("Last", _last(task, now)),
        ("When", Cell(starts_when(task))),
        ("Stop when", Cell(_unless("false", text(task, "stop_when")))),
        ("Armed", Cell(time_format.local(instant(task, "armed_at")))),
        ("Tags", Cell(", ".join(words(task, "tags")))),
        ("File", Cell(text(task, "file"))),
        *_work_lines(task),
        *_rule_lines(task, now),
        *_hook_lines(task, now),
    ]


def _anew(task: JsonObject) -> str:
    return ", anew for each run" if task.get("splay_each") == "run" else ""


def _splay(task: JsonObject) -> str:
    """Return how much later that is because of the splay."""
    part, whole = duration(task, "next_splay"), duration(task, "splay")
    if not part or not whole:
        return ""
    return f", splay {format_duration(round(part / SECOND) * SECOND)} of {format_duration(whole)}"


def _state(task: JsonObject, now: Instant) -> Cell:
    if flag(task, "disabled"):
        why = "is for other hosts (its hosts)" if flag(task, "elsewhere") else "has enabled = false"
        return Cell(f"disabled: it {why} in line {number(task, 'line')} of its file", YELLOW)
    if (standby := text(task, "standby")) or flag(task, "paused"):
        return Cell(f"stands by: {standby}") if standby else Cell(_paused(task, now), YELLOW)
    if flag(task, "running") and (active := [run for run in objects(task.get("going")) if run.get("begun", True)]):
        return Cell(
            f"running: {', '.join(f'{run_name(run)} for {took({**run, **_GOING}, now)}' for run in active)}", CYAN
        )
    if flag(task, "running"):
        return Cell("running", CYAN)
    if text(task, "due"):
        return Cell(
            f"due {time_format.passed(instant(task, 'due'), now)}, waiting: {text(task, 'blocked') or 'its turn'}",
            YELLOW,
        )
    return Cell("waiting")


_GOING: JsonObject = {"action": "run"}


def _paused(task: JsonObject, now: Instant) -> str:
    until, who, why = instant(task, "paused_until"), text(task, "paused_by"), text(task, "paused_reason")
    state = "paused"
    if until is not None:
        state += f" until {_instant_line(until, now)}"
    return state + (f" by {who}" if who else "") + (f": {why}" if why else "")


def _last(task: JsonObject, now: Instant) -> Cell:
    action, start = last_result(task), instant(task, "last_start")
    if start is None:
        return Cell("never")
    return Cell(f"{action.text}, started {time_format.local(start)} ({time_format.passed(start, now)})", action.colour)


def _work_lines(task: JsonObject) -> list[tuple[str, Cell]]:
    return [
        ("Command", Cell(command_line(words(task, "command")))),
        ("Function", Cell(text(task, "function"))),
        ("User", Cell(text(task, "user"))),
        ("Directory", Cell(text(task, "directory"))),
    ]


def command_line(argv: Sequence[str]) -> str:
    """Write an argv so that a shell would read it back."""
    import shlex  # noqa: PLC0415 - not worth the start-up time of every verb

    return shlex.join(argv)


def _rule_lines(task: JsonObject, now: Instant) -> list[tuple[str, Cell]]:
    """The other rules of the task that are not the default."""
    timeout, splay, priority = duration(task, "timeout"), duration(task, "splay"), number(task, "priority")
    return [
        ("Time zone", Cell(text(task, "timezone"))),
        ("Timeout", Cell(approximate_duration(timeout) if timeout is not None else "")),
        ("Overlap", Cell(_unless("wait", text(task, "overlap")))),
        ("Mutex", Cell(text(task, "mutex"))),
        ("Priority", Cell(str(priority) if priority else "")),
        ("Splay", Cell(f"up to {approximate_duration(splay)}{_anew(task)}" if splay else "")),
        ("Max age", _max_age(task, now)),
        ("Output file", Cell(text(task, "output_file"))),
        ("Executor", Cell(": ".join(filter(None, (text(task, "executor"), text(task, "executor_reason")))))),
    ]


def _max_age(task: JsonObject, now: Instant) -> Cell:
    age = duration(task, "max_age")
    if age is None:
        return Cell("")
    if is_overdue(task, now):
        return Cell(f"{format_duration(age)}, overdue since {time_format.local(instant(task, 'overdue_at'))}", RED)
    return Cell(format_duration(age))


def _hook_lines(task: JsonObject, now: Instant) -> list[tuple[str, Cell]]:
    return [_hook_line(hook, now) for hook in objects(task.get("hooks"))]


def _hook_line(hook: JsonObject, now: Instant) -> tuple[str, Cell]:
    last, error = instant(hook, "last"), text(hook, "error")
    line = command_line(words(hook, "command"))
    if last is None:
        return text(hook, "hook"), Cell(line)
    ended = f"{error or 'succeeded'} {time_format.passed(last, now)}, for {text(hook, 'about')}"
    return text(hook, "hook"), Cell(f"{line} ({ended})", RED if error else "")


HIDDEN_OUTPUT: Final = "The output is shown to operators of the task only, unless it has view_output = true."


def run_page(run: JsonObject, look: RenderOptions) -> list[str]:
    """Draw everything about a run, and its output."""
    title = painted(Cell(visible(run_name(run)), BOLD), colour=look.colour)
    lines = [title, *pairs(_run_lines(run, look.now), colour=look.colour)]
    if run.get("output", "") is None:
        lines += ["", HIDDEN_OUTPUT]
    for heading, key in (("Traceback", "exc_text"), ("Output", "output")):
        if text(run, key):
            lines += ["", painted(Cell(f"{heading}:", BOLD), colour=look.colour), *visible_lines(text(run, key))]
    return lines


def _run_lines(run: JsonObject, now: Instant) -> list[tuple[str, Cell]]:
    code, signal, pid = number(run, "exit_code"), number(run, "signal"), number(run, "pid")
    active = text(run, "action") == "run"
    return [
        ("Result", result(run)),
        ("Message", Cell(text(run, "message"))),
        ("Ended by", Cell(_unless("exit", CAUSES.get(text(run, "cause"), text(run, "cause"))))),
        ("Exit code", Cell("" if code is None else str(code))),
        ("Signal", Cell("" if signal is None else f"{signal_name(signal)} ({signal})")),
        ("Trigger", Cell(trigger(run))),
        ("Reason", Cell(text(run, "reason"))),
        ("Caused by", Cell(_caused_by(run))),
        ("Due", Cell(time_format.local(instant(run, "due")))),
        ("Start", Cell(_instant_line(instant(run, "start"), now))),
        ("End", Cell("" if active else _instant_line(instant(run, "end"), now))),
        ("Took", Cell(took(run, now))),
        ("CPU time", Cell(cpu_time(run))),
        ("Peak memory", Cell(memory_peak(run))),
        ("Disk I/O", Cell(_disk(run))),
        ("PID", Cell(str(pid) if pid and active else "")),
        ("Run id", Cell(text(run, "run_id"))),
    ]


def _disk(run: JsonObject) -> str:
    parts = {"read": size(run, "io_read"), "written": size(run, "io_written")}
    return ", ".join(f"{count} {what}" for what, count in parts.items() if count)


def _caused_by(run: JsonObject) -> str:
    return " ".join(filter(None, (text(run, "cause_task"), text(run, "cause_run_id"))))


def _instant_line(at: Instant | None, now: Instant) -> str:
    return time_format.NEVER if at is None else f"{time_format.local(at)} ({time_format.passed(at, now)})"


def _unless(default: str, value: str) -> str:
    return "" if value == default else value


def status_page(status: JsonObject, look: RenderOptions) -> list[str]:
    """Draw the state of the daemon."""
    version, since = text(status, "version"), instant(status, "since")
    title = painted(Cell(f"rocketd {visible(version)}", BOLD), colour=look.colour)
    return [title, *pairs(_status_lines(status, since, look.now), colour=look.colour)]


def _status_lines(status: JsonObject, since: Instant | None, now: Instant) -> list[tuple[str, Cell]]:
    degraded = _plain(status.get("degraded"))
    return [
        ("State", Cell(_STOPPING if flag(status, "stopping") else "", YELLOW)),
        ("Running since", Cell(f"{time_format.local_with_zone(since)} ({time_format.passed(since, now)})")),
        ("PID", Cell(_plain(status.get("pid")))),
        ("Tasks", Cell(_tasks(status))),
        ("Active runs", Cell(str(number(status, "running") or 0))),
        ("Problems", _problems(status)),
        ("Store", Cell(_plain(status.get("store")))),
        ("Fleet", Cell(_plain(status.get("fleet")))),
        ("Degraded", Cell(degraded, RED)),
    ]


def _problems(status: JsonObject) -> Cell:
    """The problems of the task files; a daemon of another version may only report their number."""
    problems = str(file_problems(status)) if "file_problems" in status else str(number(status, "problems") or "")
    if problems:
        return Cell(f"{problems}; see rocketctl check", RED)
    return Cell("none in task files" if _plain(status.get("degraded")) else "none")


def _tasks(status: JsonObject) -> str:
    disabled = number(status, "disabled")
    return f"{number(status, 'tasks') or 0}{f' (plus {disabled} disabled)' if disabled else ''}"


_STOPPING: Final = "shutting down: no new runs; waiting for active runs to end"


def _plain(value: Json) -> str:
    """Return whatever a newer daemon reports there, in one line."""
    match value:
        case None | False | "":
            return ""
        case True:
            return "yes"
        case dict():
            return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if _plain(one))
        case list():
            return ", ".join(map(_plain, value))
    return str(value)


_COLOURS: Final = {"error": RED, "warning": YELLOW, "note": GREEN}


def coloured(text: str, problems: Iterable[Problem], look: RenderOptions) -> str:
    """Colour the severities of these problems in a text that has them."""
    if not look.colour:
        return text
    for problem in problems:
        severity = painted(Cell(problem.severity, _COLOURS[problem.severity]), colour=True)
        drawn = str(problem)
        text = text.replace(drawn, drawn.replace(f": {problem.severity}: ", f": {severity}: ", 1), 1)
    return text
