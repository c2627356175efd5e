"""What another version of task files changes: settings, task by task, and the next starts before and after."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.forecast import forecast_of
from rocketd.cli.render.changes import Settings, TaskChange
from rocketd.core.instant import DAY, Instant
from rocketd.importer.toml_text import toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rocketd.cli.context import Context
    from rocketd.config import LoadResult

STARTS: Final = 3
"""How many next starts of a task to show."""
_HORIZON: Final = 400 * DAY
_MOST_RUNS: Final = 3_000
"""How many runs of all changed tasks to look at."""


def changes(call: Context, old: LoadResult, new: LoadResult, paths: Iterable[Path]) -> list[TaskChange]:
    """Compare the tasks of these new files with those of the files that they would replace.

    A file replaces those of its name, and those that have a task of the same name.
    """
    new_tables = {name: table for path in paths for name, table in tables_of(path).items()}
    names = {path.name for path in paths}
    old_tables: dict[str, Settings] = {}
    for file in old.files:
        found = tables_of(Path(file.path)) if file.tasks or file.disabled else {}
        if Path(file.path).name in names or found.keys() & new_tables.keys():
            old_tables |= found
    changed = [name for name in {**old_tables, **new_tables} if old_tables.get(name) != new_tables.get(name)]
    before, after = next_starts(call, old, changed), next_starts(call, new, changed)
    return [
        TaskChange(name, old_tables.get(name), new_tables.get(name), before.get(name, []), after.get(name, []))
        for name in changed
    ]


def tables_of(path: Path) -> dict[str, Settings]:
    """Return the settings of each task in a file; none if it cannot be read."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    defaults, tasks = document.get("defaults", {}), document.get("task", {})
    if not isinstance(defaults, dict) or not isinstance(tasks, dict):
        return {}
    return {
        name: {key: toml(value) for key, value in {**defaults, **table}.items()}
        for name, table in tasks.items()
        if isinstance(table, dict)
    }


def next_starts(call: Context, loaded: LoadResult, names: Collection[str]) -> dict[str, list[Instant]]:
    """Simulate these tasks from now on, from the records if there are any.

    Those that start so often that the others do not get their turn are left out the second time.
    """
    found, complete = _simulated(call, loaded, names)
    if not complete:
        rare = [name for name, starts in found.items() if len(starts) < STARTS]
        more, _ = _simulated(call, loaded, rare)
        found |= {name: starts for name, starts in more.items() if len(starts) > len(found[name])}
    return found


def _simulated(call: Context, loaded: LoadResult, names: Collection[str]) -> tuple[dict[str, list[Instant]], bool]:
    """Return the next starts of each, and whether these are all up to `STARTS` that there will be."""
    some = replace(loaded, tasks=tuple(task for task in loaded.tasks if task.name in names))
    found: dict[str, list[Instant]] = {task.name: [] for task in some.tasks}
    forecast = forecast_of(some, call.choices.state_dir, call.now, call.now, call.terminal.note)
    for count, run in enumerate(forecast.runs(call.now + _HORIZON)):
        if len(found[run.task]) < STARTS:
            found[run.task].append(run.start)
        if all(len(starts) >= STARTS for starts in found.values()):
            break
        if count >= _MOST_RUNS:
            return found, False
    return found, True
