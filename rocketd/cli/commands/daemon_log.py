"""`rocketctl log` without the journal, or for those who may not read it: the daemon shows what runs have printed.

Of an active run it passes on each line once, from the kept ones to the last. Of a task it shows the kept lines of its
newest runs, and then each line of any of its runs.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Final

from rocketd.cli.backend.backend import DaemonBackend, RunQuery, find
from rocketd.cli.backend.http_client import Client, Events
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import number, text
from rocketd.cli.render.details import HIDDEN_OUTPUT
from rocketd.cli.render.terminal_text import visible_lines
from rocketd.daemon.json_format import JsonObject

RUNS: Final = 20
"""Of how many runs of a task the output is shown."""
JOURNALS: Final = ("/var/log/journal", "/run/log/journal")
"""Where journald keeps its files, in a directory for each machine: systemd-journald.service(8)."""


def may_read_journal() -> bool:
    """Whether this user may read the journal of the system; true also if there is none."""
    found = False
    for directory in JOURNALS:
        with suppress(OSError):
            for machine in os.listdir(directory):  # noqa: PTH208 - pathlib costs a tenth of the start-up
                if os.access(f"{directory}/{machine}/system.journal", os.R_OK):
                    return True
                found = True
    return not found


def log_from_daemon(call: Context, *, has_journal: bool) -> ExitCode:
    """Show the end of the output that the records keep, and with `--follow` what is printed from now on."""
    client = Client(call.choices.socket)
    source = DaemonBackend(client)
    with ExitStack() as stack:
        kind, one = find(source, call.choices.subject)
        if kind == "run" and call.choices.follow and not call.choices.json and text(one, "action") == "run":
            _must_be_visible([one])
            return _follow_run(call, client, text(one, "run_id"))
        following = stack.enter_context(client.events([("task", text(one, "task"))])) if call.choices.follow else None
        runs = [one] if kind == "run" else [*_of_task(source, call.choices.subject)]
        _must_be_visible(runs)
        if call.choices.json:
            call.terminal.json([*runs])
        else:
            call.terminal.show([line for run in runs for line in visible_lines(text(run, "output"))])
            if has_journal:
                call.terminal.note(
                    "this is the end of the output of each run; the journal, which root may read, has all of it"
                )
        if following is not None:
            for line in _new_lines(following, one, kind):
                call.terminal.output(text(line, "stream"), text(line, "line"))
    return ExitCode.DONE


def _must_be_visible(runs: Sequence[JsonObject]) -> None:
    if runs and all(run.get("output", "") is None for run in runs):
        raise Failure("its output is not for you", hint=HIDDEN_OUTPUT, code=ExitCode.NOT_ALLOWED)


def _follow_run(call: Context, client: Client, run_id: str) -> ExitCode:
    """Show what an active run has printed, and each further line until it ends."""
    with client.stream(f"/v1/runs/{run_id}/output", [("follow", "true")]) as lines:
        for line in lines:
            match text(line, "event"):
                case "output":
                    call.terminal.output(text(line, "stream"), text(line, "line"))
                case "lost":
                    dropped = number(line, "count") or "some"
                    call.terminal.note(f"{dropped} lines were dropped because this terminal is too slow")
                case "end":
                    return ExitCode.DONE
    raise Failure("lost the connection to the daemon while the run was active", hint="see rocketctl log again")


def _of_task(source: DaemonBackend, name: str) -> Iterator[JsonObject]:
    """Yield the newest runs of a task, oldest first; an active one with what it has printed so far."""
    for run in source.runs(RunQuery(name, limit=RUNS))[::-1]:
        yield source.run(text(run, "run_id")) if text(run, "action") == "run" else run


def _new_lines(events: Events, one: JsonObject, kind: str) -> Iterator[JsonObject]:
    """Yield the lines that are printed from now on; of a run, until it ends."""
    for event in events:
        if kind == "run" and event.get("run_id") != one.get("run_id"):
            continue
        if event.get("event") == "output":
            yield event
        elif kind == "run" and event.get("event") == "finished":
            return
