"""`rocketctl export`: the run log for other programs, a part at a time, however long it is."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Final

from rocketd.cli.backend.backend import Backend, RunQuery
from rocketd.cli.backend.fallback import ask_backend, remaining_parts
from rocketd.cli.commands.inspect import run_query
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode
from rocketd.cli.json_fields import number, objects
from rocketd.core.escaping import visible
from rocketd.daemon.json_format import JsonObject

COLUMNS: Final = (
    *("task", "run_id", "number", "attempt", "due", "start", "trigger", "reason", "cause_task", "cause_run_id"),
    *("action", "end", "runtime", "cpu_time", "memory_peak", "io_read", "io_written", "cause"),
    *("exit_code", "signal", "message", "exc_text", "output"),
    *("host", "boot_id", "pid", "pid_start"),
)
"""What is recorded of a run, in the order of its JSON object (`daemon.serializers`)."""


def export(call: Context) -> ExitCode:
    """`rocketctl export [TASK]`."""
    if call.choices.csv:
        call.terminal.write(_csv([COLUMNS]))
    for runs in _parts(call, run_query(call)):
        lines = _csv(_rows(call, runs)) if call.choices.csv else [json.dumps(run) for run in runs]
        if not call.terminal.write(lines):
            break
    return ExitCode.DONE


def _parts(call: Context, query: RunQuery) -> Iterator[list[JsonObject]]:
    """Ask for one part after the other; who answers the first answers all."""

    def first_parts(source: Backend) -> Iterator[list[JsonObject]]:
        part = source.part(query, 0)
        if not objects(part.get("runs")) and query.task and not source.runs(RunQuery(query.task)):
            source.task(query.task)  # a mistyped name must not look like a task that never ran
        return _from(source, query, part)

    return remaining_parts(ask_backend(call.choices, first_parts, note=call.terminal.note, brief=True))


def _from(source: Backend, query: RunQuery, part: JsonObject) -> Iterator[list[JsonObject]]:
    yield objects(part.get("runs"))
    while (after := number(part, "next")) is not None:
        part = source.part(query, after)
        yield objects(part.get("runs"))


def _rows(call: Context, runs: Sequence[JsonObject]) -> Iterator[Sequence[str]]:
    for run in runs:
        values = ["" if (value := run.get(column)) is None else str(value) for column in COLUMNS]
        yield [*map(visible, values)] if call.terminal.interactive else values


def _csv(rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> list[str]:
    """Write rows as CSV (RFC 4180, but that lines end as everywhere here)."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return [text.removesuffix("\n")] if (text := written.getvalue()) else []
