"""The verbs about all hosts that share a history: `fleet`, `list --fleet`, `history --fleet`."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rocketd.cli.backend.backend import LARGEST_PART, DaemonBackend, RunQuery
from rocketd.cli.backend.http_client import Client
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.json_fields import flag, instant, objects, text, words
from rocketd.cli.prompt import ask
from rocketd.cli.render import time_format
from rocketd.cli.render.fleet import fleet_page
from rocketd.cli.render.tables import NO_SUCH_RUNS, fleet_run_table
from rocketd.cli.render.task_table import fleet_task_table
from rocketd.core.errors import RocketdError
from rocketd.core.url_password import has_password
from rocketd.daemon.json_format import JsonObject

NO_TASK: Final = "No task of any host matches."


def fleet(call: Context) -> ExitCode:
    """`rocketctl fleet [move TASK HOST | drain | undrain | lost HOST | sql | upgrade [URL]]`."""
    match call.choices.operation:
        case "sql":
            return _print_sql(call)
        case "upgrade":
            return _upgrade(call)
        case "drain" | "undrain":
            return _drain(call)
        case "move":
            return _move(call)
        case "lost":
            return _lost(call)
    answer = _daemon(call).fleet()
    if call.choices.json:
        call.terminal.json(answer)
    else:
        call.terminal.show(fleet_page(answer, call.look))
    return ExitCode.DONE


def fleet_list(call: Context, choose: Callable[[Sequence[JsonObject]], list[JsonObject]]) -> ExitCode:
    """`rocketctl list --fleet`; `choose` returns the tasks that are asked for, in order."""
    if call.choices.missing:
        raise UsageError("--missing is about the files of one host", hint="see rocketctl -H HOST list --missing")
    answer = _daemon(call).fleet_tasks()
    tasks = objects(answer.get("tasks"))
    chosen = choose(tasks)
    if call.choices.json:
        call.terminal.json([*chosen])
    else:
        call.terminal.show(fleet_task_table(chosen, call.look) if chosen else [NO_TASK])
    if flag(answer, "more"):
        call.terminal.note(f"there are more tasks than the first {len(tasks)}, which were looked at")
    return ExitCode.DONE


def fleet_history(call: Context, query: RunQuery) -> ExitCode:
    """`rocketctl history --fleet`."""
    if query.limit > LARGEST_PART:
        raise UsageError(f"--limit may be up to {LARGEST_PART} with --fleet", hint="use --since and --until as well")
    runs = _daemon(call).fleet_runs(query._replace(limit=query.limit + 1))
    shown = runs[: query.limit]
    if call.choices.json:
        call.terminal.json([*shown])
    else:
        call.terminal.show(fleet_run_table(shown, call.look) if shown else [NO_SUCH_RUNS])
    if len(runs) > query.limit:
        call.terminal.note(f"there are more runs than the {query.limit} shown; see --limit")
    return ExitCode.DONE


def _daemon(call: Context) -> DaemonBackend:
    return DaemonBackend(Client(call.choices.socket))


def _drain(call: Context) -> ExitCode:
    operation, daemon = call.choices.operation, _daemon(call)
    here = text(daemon.fleet(), "host")
    if call.choices.operands and call.choices.operands[0] != here:
        msg = f"a host is drained on itself, and this one is {here}"
        raise Failure(msg, hint=f"rocketctl -H {call.choices.operands[0]} fleet {operation}")
    told = f"{here} hands its tasks back, and takes none until rocketctl fleet undrain."
    return _tell(
        call,
        daemon.fleet_drain(operation == "drain"),
        told if operation == "drain" else f"{here} takes tasks over again; those that others own stay there.",
    )


def _move(call: Context) -> ExitCode:
    task, host = call.choices.operands
    answer = _daemon(call).fleet_move(task, host)
    return _tell(call, answer, f"{', '.join(words(answer, 'tasks'))}: handed back, for {host} to take over.")


def _lost(call: Context) -> ExitCode:
    (host,) = call.choices.operands
    if not call.choices.yes:
        silent = next((one for one in objects(_daemon(call).fleet().get("hosts")) if text(one, "host") == host), None)
        if silent is not None and text(silent, "state") != "alive":
            since = time_format.local(instant(silent, "seen"))
            _ask_whether_dead(host, since)
    answer = _daemon(call).fleet_lost(host)
    runs = words(answer, "runs")
    told = f"its runs count as lost: {', '.join(runs)}" if runs else "it had no active runs of the fleet"
    return _tell(call, answer, f"{host} counts as dead until it is heard of again; {told}.")


def _ask_whether_dead(host: str, since: str) -> None:
    """Make sure that nobody takes silence for death; raises Failure."""
    question = (
        f"{host} has not been heard of since {since}. If it still runs and is only cut off, its runs go on, and run "
        "a second time elsewhere. Is it switched off or fenced, for certain?"
    )
    if ask(question, "yn") != "y":
        msg = "nothing was done"
        raise Failure(msg, hint="its runs count as lost by themselves after lost_after; switch it off to be sure")


def _tell(call: Context, answer: JsonObject, sentence: str) -> ExitCode:
    if call.choices.json:
        call.terminal.json(answer)
    else:
        call.terminal.write([sentence])
    return ExitCode.DONE


def _print_sql(call: Context) -> ExitCode:
    from rocketd.fleet.schema import script  # noqa: PLC0415 - few calls need it

    call.terminal.write(script().splitlines())
    return ExitCode.DONE


def _upgrade(call: Context) -> ExitCode:
    from rocketd.fleet.connection import FleetConnection  # noqa: PLC0415 - as above
    from rocketd.fleet.upgrade import upgrade  # noqa: PLC0415 - as above

    url, password_file = _database("".join(call.choices.operands), call.choices.config_dir)
    try:
        before, after = upgrade(FleetConnection(url, password_file))
    except RocketdError as error:
        raise Failure(error.message, hint=error.hint) from error
    told = f"have version {after} now" if before != after else f"are up to date: version {after}"
    call.terminal.write([f"The tables of the fleet {told}."])
    return ExitCode.DONE


def _database(url: str, config_dir: Sequence[str]) -> tuple[str, str]:
    """Return the URL and the file of the password that are given, or those of `[fleet]`."""
    if url:
        if has_password(url):
            msg = "the URL must not contain a password: others can see the command line"
            raise UsageError(msg, hint="put it into ~/.pgpass or the variable PGPASSWORD")
        return url, ""
    from rocketd.config import DEFAULT_DIRECTORIES, load_settings  # noqa: PLC0415 - slow

    directories = [Path(path) for path in config_dir] or DEFAULT_DIRECTORIES
    settings = load_settings(directories, strict=os.geteuid() == 0)
    if settings is None:
        raise Failure("rocketd.toml has errors", hint="see rocketctl check")
    if not settings.fleet.url:
        raise Failure("no database is given", hint="name its URL, or set url in [fleet] of rocketd.toml")
    return settings.fleet.url, settings.fleet.password_file
