"""The verbs that read, and change nothing."""

import os
from collections.abc import Callable
from typing import Final, TypeVar

from rocketd.cli.backend.backend import Backend, DaemonBackend, RunQuery, find, is_run, may_be_run_id
from rocketd.cli.backend.fallback import ask_backend
from rocketd.cli.backend.http_client import Client
from rocketd.cli.context import Context, time_point
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.json_fields import text, the_object
from rocketd.cli.render.details import run_page, status_page, task_page
from rocketd.cli.render.not_loaded import missing_one
from rocketd.cli.render.tables import NO_RUNS, NO_SUCH_RUNS, run_table
from rocketd.cli.render.terminal_text import visible_lines
from rocketd.core.errors import RocketdError
from rocketd.daemon.json_format import JsonObject

T = TypeVar("T")

JOURNAL: Final = "/run/systemd/journal/socket"
"""If this exists, there is a journal."""


def show(call: Context) -> ExitCode:
    """`rocketctl show TASK|RUN`."""
    kind, one = ask(call, lambda source: find(source, call.choices.subject))
    if call.choices.json:
        call.terminal.json(one)
    else:
        call.terminal.show(task_page(one, call.look) if kind == "task" else run_page(one, call.look))
    return ExitCode.DONE


def history(call: Context) -> ExitCode:
    """`rocketctl history [TASK]`."""
    query = run_query(call)
    if call.choices.fleet:
        from rocketd.cli.commands.fleet import fleet_history  # noqa: PLC0415 - as above

        return fleet_history(call, query)
    # One more than is shown, to see whether there are more: a list that was cut must say so.
    runs, missing = ask(call, lambda source: _runs(source, query._replace(limit=query.limit + 1)))
    shown = runs[: query.limit]
    if call.choices.json:
        call.terminal.json([*shown])
    else:
        call.terminal.show(run_table(shown, call.look) if shown else [_explain_no_runs(query)])
    if missing:
        call.terminal.note(missing)
    if len(runs) > query.limit:
        call.terminal.note(f"there are more runs than the {query.limit} shown; see --limit")
    return ExitCode.DONE


def run_query(call: Context) -> RunQuery:
    """Return which runs the options select; raises UsageError."""
    choices = call.choices
    since = time_point(choices.since, call.now) if choices.since else None
    until = time_point(choices.until, call.now) if choices.until else None
    if since is not None and until is not None and since >= until:
        msg = f"--since {choices.since!r} is not before --until {choices.until!r}"
        raise UsageError(msg)
    return RunQuery(choices.subject, since, until, choices.action, choices.limit)


def _runs(source: Backend, query: RunQuery) -> tuple[list[JsonObject], str]:
    """Find runs; a task without any must exist, so that a mistyped name does not look like a task that never ran.

    For a task with runs that is not loaded because of an error, the daemon says in which file it is.
    """
    runs = source.runs(query)
    if not runs and query.task and not source.runs(RunQuery(query.task)):
        source.task(query.task)
    missing = missing_one(source.files(), query.task) if query.task and isinstance(source, DaemonBackend) else ""
    return runs, missing


def _explain_no_runs(query: RunQuery) -> str:
    narrowed = query.task or query.actions or query.since is not None or query.until is not None
    return NO_SUCH_RUNS if narrowed else NO_RUNS


def log(call: Context) -> ExitCode:
    """`rocketctl log TASK|RUN`."""
    has_journal = os.path.exists(JOURNAL)  # noqa: PTH110 - pathlib costs a tenth of the start-up
    if has_journal or (call.choices.follow and not call.choices.stderr):
        from rocketd.cli.commands.daemon_log import log_from_daemon, may_read_journal  # noqa: PLC0415 - as above

        if has_journal and (call.choices.user or may_read_journal()):
            return _from_journal(call)
        return log_from_daemon(call, has_journal=has_journal)
    if call.choices.stderr:
        msg = "there is no journal here, and a run's record does not separate the streams"
        raise Failure(msg, hint="leave out --stderr")
    run = ask(call, lambda source: _newest(source, call.choices.subject))
    if call.choices.json:
        call.terminal.json(run)
    elif text(run, "output"):
        call.terminal.show(visible_lines(text(run, "output")))
    return ExitCode.DONE


def _newest(source: Backend, name: str) -> JsonObject:
    """Return the run of that name, or the newest run of the task of that name."""
    kind, one = find(source, name)
    if kind == "run":
        return one
    runs = source.runs(RunQuery(name))
    return runs[0] if runs else {}


def _from_journal(call: Context) -> ExitCode:
    """Replace this process by journalctl(1), which shows, follows and escapes the output."""
    choices = call.choices
    task, matches = choices.subject, [f"ROCKETD_TASK={choices.subject}"]
    if is_run(choices.subject) or may_be_run_id(choices.subject):
        kind, one = ask(call, lambda source: find(source, choices.subject))
        if kind == "run":
            task, matches = text(one, "task"), [f"ROCKETD_RUN_ID={text(one, 'run_id')}"]
    elif missing := _missing(call, choices.subject):
        call.terminal.note(missing)
    flags = ["--follow"] * choices.follow + ["--no-pager"] * choices.no_pager + ["--output=json"] * choices.json
    matches.append(
        f"SYSLOG_IDENTIFIER={task}"
    )  # systemd puts the fields of a unit on its own messages about it as well
    streams = ("stderr",) if choices.stderr else ("stdout", "stderr")
    command = [
        "journalctl",
        *["--user"] * choices.user,
        "--quiet",
        *flags,
        *matches,
        *(f"ROCKETD_STREAM={stream}" for stream in streams),
    ]
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell: the arguments are passed on as they are
    except OSError as error:
        raise Failure(f"cannot run journalctl: {error.strerror}") from None


def _missing(call: Context, task: str) -> str:
    """Note the file of a task that is not loaded because of an error; its earlier output is still there."""
    try:
        return ask_backend(call.choices, lambda source: missing_one(source.files(always=True), task))
    except RocketdError:
        return ""


def status(call: Context) -> ExitCode:
    """`rocketctl status`."""
    answer = the_object(Client(call.choices.socket).get("/v1/status"))
    if call.choices.json:
        call.terminal.json(answer)
    else:
        call.terminal.show(status_page(answer, call.look))
    return ExitCode.DONE


def ask(call: Context, question: Callable[[Backend], T]) -> T:
    """Ask the daemon, or the files and the store; note that if it is not for JSON, and always what is wrong."""
    return ask_backend(call.choices, question, note=call.terminal.note, brief=call.choices.json)
