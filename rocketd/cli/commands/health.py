"""`rocketctl health`: whether tasks are in order, for Nagios, Icinga and their kin."""

from collections.abc import Sequence

from rocketd.cli.backend.http_client import Client
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.json_fields import flag, instant, number, objects, text, the_object
from rocketd.cli.nagios import PluginState, plugin_output
from rocketd.cli.selection import active, meant, no_match, unmatched
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import approximate_duration, parse_duration
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Duration, Instant
from rocketd.core.plural import counted
from rocketd.daemon.json_format import JsonObject

MAX_DETAILS = 20
"""The most tasks that are told one by one."""


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """From when on a state is bad."""

    max_age: Duration | None = None
    """How old the last success of every task may be; None: as its file says."""
    warning: int = 0
    """How many bad tasks are a warning; 0: as many as are critical."""
    critical: int = 1


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What is said."""

    state: PluginState
    lines: Sequence[str]


def health(call: Context) -> int:
    """Print whether the tasks are in order; the exit code says it as well."""
    choices = call.choices
    limits = HealthLimits(_duration(choices.max_age), choices.warning, choices.critical)
    client = Client(choices.socket)
    try:
        status, tasks = the_object(client.get("/v1/status")), objects(client.get("/v1/tasks"))
    except Failure as failure:
        if failure.code is not ExitCode.NO_DAEMON:
            raise
        call.terminal.write(plugin_output(PluginState.CRITICAL, failure.message))
        return PluginState.CRITICAL
    if name := unmatched(choices.subjects, tasks):
        raise no_match(name, tasks)
    report = assess(meant(choices.subjects, tasks), status, call.now, limits)
    call.terminal.write(report.lines)
    return report.state


def assess(tasks: Sequence[JsonObject], status: JsonObject, now: Instant, limits: HealthLimits) -> HealthReport:
    """Judge tasks and the daemon; tasks that are paused or disabled are in order."""
    watched = [task for task in active(tasks) if not flag(task, "paused")]
    failing = [task for task in watched if flag(task, "failing")]
    late = [(task, age) for task in watched if (age := _overdue(task, now, limits.max_age)) is not None]
    bad = {text(task, "task"): f"{text(task, 'task')} failed, {_last(task, now)}" for task in failing}
    bad |= {text(task, "task"): f"{text(task, 'task')} {_last(task, now)}" for task, _ in late}
    degraded, problems = text(status, "degraded"), number(status, "problems") or 0
    state = PluginState.OK
    if degraded or problems or (limits.warning and len(bad) >= limits.warning):
        state = PluginState.WARNING
    if len(bad) >= limits.critical:
        state = PluginState.CRITICAL
    said = [
        *([f"{len(bad)} of {counted(len(watched), 'task')} bad: {', '.join([*bad][:5])}"] if bad else []),
        *([f"degraded: {degraded}"] if degraded else []),
        *([f"{counted(problems, 'problem')} in task files"] if problems else []),
    ]
    perfdata = {
        "tasks": f"{len(watched)};;;0",
        "running": f"{sum(flag(task, 'running') for task in watched)};;;0",
        "failed": f"{len(failing)};{limits.warning or ''};{limits.critical};0",
        "overdue": f"{len(late)};{limits.warning or ''};{limits.critical};0",
        "problems": f"{problems};;;0",
    }
    details = [*bad.values()][:MAX_DETAILS]
    if len(bad) > MAX_DETAILS:
        details.append(f"and {len(bad) - MAX_DETAILS} more")
    first = "; ".join(said) or f"{counted(len(watched), 'task')} in order"
    return HealthReport(state, plugin_output(state, first, perfdata, details))


def _overdue(task: JsonObject, now: Instant, max_age: Duration | None) -> Duration | None:
    """Return how much too old the last success is; None: it is not."""
    if max_age is None:
        at = instant(task, "overdue_at")
    else:
        since = instant(task, "last_success") or instant(task, "armed_at")
        at = None if since is None else since + max_age
    return now - at if at is not None and at <= now else None


def _last(task: JsonObject, now: Instant) -> str:
    at = instant(task, "last_success")
    return "has never succeeded" if at is None else f"last succeeded {approximate_duration(now - at)} ago"


def _duration(written: str) -> Duration | None:
    if not written:
        return None
    try:
        return parse_duration(written)
    except RocketdError as error:
        message = f"--max-age: {error.message}"
        raise UsageError(message, hint=error.hint) from None
