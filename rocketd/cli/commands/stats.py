"""`rocketctl stats`: how the runs of tasks went, and how long they took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.backend import Backend, RunQuery
from rocketd.cli.commands.inspect import ask
from rocketd.cli.context import time_point
from rocketd.cli.exit_codes import ExitCode
from rocketd.cli.json_fields import number, objects, text
from rocketd.cli.render.statistics_table import statistics_table
from rocketd.cli.run_statistics import RunStatistics, statistics_of
from rocketd.cli.selection import active, meant, no_match, unmatched
from rocketd.core.instant import DAY, Instant

if TYPE_CHECKING:
    from rocketd.cli.context import Context
    from rocketd.daemon.json_format import JsonObject

DAYS: Final = 30
"""How far to look back if --since is not given."""


def stats(call: Context) -> ExitCode:
    """Show the figures of all tasks, or of some; raises Failure for a name that no task has."""
    choices = call.choices
    since = time_point(choices.since, call.now) if choices.since else call.now - DAYS * DAY
    found = ask(call, lambda source: _statistics(source, choices.subjects, since))
    if call.choices.json:
        call.terminal.json([one.as_json() for one in found])
    else:
        call.terminal.show(statistics_table(found, since, call.look))
    return ExitCode.DONE


def _statistics(source: Backend, patterns: Sequence[str], since: Instant) -> list[RunStatistics]:
    names = [text(task, "task") for task in chosen_tasks(source, patterns)]
    return statistics_of(every_run(source, RunQuery(names[0] if len(names) == 1 else "", since)), names)


def chosen_tasks(source: Backend, patterns: Sequence[str]) -> list[JsonObject]:
    """Return the tasks that are meant, by name; raises Failure for a name that no task has."""
    tasks = active(source.tasks())
    if name := unmatched(patterns, tasks):
        raise no_match(name, tasks)
    return sorted(meant(patterns, tasks), key=lambda task: text(task, "task"))


def every_run(source: Backend, query: RunQuery) -> Iterator[JsonObject]:
    """Yield all runs of a query, the oldest record first."""
    after: int | None = 0
    while after is not None:
        part = source.part(query, after)
        yield from objects(part.get("runs"))
        after = number(part, "next")
