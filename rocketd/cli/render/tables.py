"""Tasks and runs as tables."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rocketd.cli.json_fields import duration, flag, instant, number, text
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import table
from rocketd.cli.render.terminal_text import CYAN, FAINT, GREEN, PLAIN, RED, YELLOW, Cell, cut
from rocketd.core.duration import approximate_duration
from rocketd.core.instant import SECOND, Instant
from rocketd.core.signal_names import signal_name
from rocketd.core.size import approximate_size
from rocketd.daemon.json_format import JsonObject

NO_TASKS: Final = "No tasks are loaded. Drop a file into /etc/rocketd and run rocketctl reload."
NO_RUNS: Final = "No runs are recorded."
NO_SUCH_RUNS: Final = "No runs match."

WIDE: Final = 100
"""From how many columns on a table of runs has room for what they have used."""

COLOURS: Final = {
    "success": GREEN,
    "inaction": FAINT,
    "withdrawn": FAINT,
    "missed": YELLOW,
    "fail": RED,
    "terminate": RED,
    "crash": RED,
}


class RenderOptions(NamedTuple):
    """How to draw: the present time, the width, and whether in colours."""

    now: Instant
    columns: int | None = None
    """None: no limit."""
    colour: bool = False


OCCASIONS: Final = {"boot": "next boot", "startup": "next start", "shutdown": "at shutdown"}


def starts_when(task: JsonObject) -> str:
    """Return its condition, and the occasion at which it also runs."""
    occasion, when = text(task, "on"), text(task, "when")
    if not occasion:
        return when
    return f"on {occasion}" if when == "false" else f"on {occasion} or {when}"


def only_on(task: JsonObject) -> str | None:
    """Return the occasion at which it runs next, if no earlier start is known."""
    if text(task, "next") or text(task, "now_if"):
        return None
    return OCCASIONS.get(text(task, "on"))


def if_observed(task: JsonObject, left: str, longest: int | None = None) -> str:
    """Add the condition that a start also needs to the time left; `longest`: columns for a condition."""
    then, now = (one if longest is None else cut(one, longest) for one in (text(task, "next_if"), text(task, "now_if")))
    if then:
        return f"{left} if {then}"
    if now:
        return f"when {now} holds" if left == time_format.NEVER else f"{left}, or when {now} holds"
    return left


def result(run: JsonObject) -> Cell:
    """Return how a run ended, in a colour; `open`: its daemon is gone, so the end is unknown."""
    action = text(run, "action")
    if action == "run":
        return Cell("open", YELLOW) if flag(run, "open") else Cell("running", CYAN)
    if action == "crash" and text(run, "cause") == "shutdown":
        return Cell("interrupted", YELLOW)  # by a planned stop: nothing is wrong
    return Cell(action or time_format.NEVER, COLOURS.get(action, PLAIN))


def last_result(task: JsonObject) -> Cell:
    """Return how its newest run ended."""
    ended = {"action": task.get("last_action"), "cause": task.get("last_cause")}
    return result({**ended, "open": not flag(task, "running")})


def run_table(runs: Sequence[JsonObject], look: RenderOptions) -> list[str]:
    """Draw runs, one a line, in the order given."""
    headings = ["START", "TOOK", "RESULT", "RUN", "TRIGGER", "DETAIL"]
    rows = [_run_row(run, look.now) for run in runs]
    if (look.columns is None or look.columns >= WIDE) and any(cpu_time(run) or memory_peak(run) for run in runs):
        headings[2:2] = ["CPU", "MEMORY"]
        for row, run in zip(rows, runs, strict=True):
            row[2:2] = [Cell(cpu_time(run)), Cell(memory_peak(run))]
    return table(headings, rows, columns=look.columns, colour=look.colour)


def fleet_run_table(runs: Sequence[JsonObject], look: RenderOptions) -> list[str]:
    """Draw runs of several hosts."""
    headings = ("START", "TOOK", "RESULT", "HOST", "RUN", "TRIGGER", "DETAIL")
    rows = [[*(row := _run_row(run, look.now))[:3], Cell(text(run, "host")), *row[3:]] for run in runs]
    return table(headings, rows, columns=look.columns, colour=look.colour)


def _run_row(run: JsonObject, now: Instant) -> list[Cell]:
    return [
        Cell(time_format.local(instant(run, "start"))),
        Cell(took(run, now)),
        result(run),
        Cell(run_name(run)),
        Cell(trigger(run)),
        Cell(detail(run)),
    ]


def run_name(run: JsonObject) -> str:
    """Return TASK/NUMBER, by which every verb finds it; a missed interval has no number, only an id."""
    count = number(run, "number")
    return f"{text(run, 'task')}/{count}" if count else text(run, "task")


def took(run: JsonObject, now: Instant) -> str:
    """Return how long it took, or has taken so far."""
    start, measured = instant(run, "begun") or instant(run, "start"), duration(run, "runtime")
    if text(run, "action") == "run" and start is not None and not flag(run, "open"):
        return f"{approximate_duration(max(measured or now - start, SECOND))} so far"
    return approximate_duration(measured) if measured else time_format.NEVER  # 0: not measured


def cpu_time(run: JsonObject) -> str:
    """Return how much CPU time it has used; empty: not known."""
    used = duration(run, "cpu_time")
    return "" if used is None else approximate_duration(used)


def memory_peak(run: JsonObject) -> str:
    """Return the most memory that it used at once; empty: not known."""
    return size(run, "memory_peak")


def size(run: JsonObject, key: str) -> str:
    """Return a number of bytes; empty: not known."""
    count = number(run, key)
    return "" if count is None else approximate_size(count)


def trigger(run: JsonObject) -> str:
    """Return why it was started, and which attempt it was if not the first."""
    attempt = number(run, "attempt") or 1
    return f"{text(run, 'trigger') or time_format.NEVER}{f' #{attempt}' if attempt > 1 else ''}"


def detail(run: JsonObject) -> str:
    """Return the details of its end; a success has some only if something about it is unusual."""
    match text(run, "action"):
        case "success":
            return text(run, "message")
        case "run":
            return "the daemon died during this run; the next start records it as a crash" if flag(run, "open") else ""
        case "missed":
            return text(run, "reason")
        case "withdrawn":  # the message says everything
            return text(run, "message")
    message, cause = text(run, "message"), text(run, "cause")
    reason = message or _ended_by(run)
    if cause in {"", "exit"} or (cause == "down" and message):
        return reason
    return f"{CAUSES.get(cause, cause)}{f': {reason}' if reason else ''}"


CAUSES: Final = {
    "timeout": "timeout",
    "stop_when": "stopped by its stop_when condition",
    "operator": "stopped by an operator",
    "replace": "replaced by the next run",
    "shutdown": "rocketd was shut down",
    "down": "rocketd or the host went down",
    "shortage": "it could not be started",
    "store": "it could not be recorded",
}


def _ended_by(run: JsonObject) -> str:
    code, signal = number(run, "exit_code"), number(run, "signal")
    if code is not None:
        return f"exit code {code}"
    return "" if signal is None else f"signal {signal_name(signal)}"
