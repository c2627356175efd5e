"""Records of a repository under the names that their tasks have now.

A repository keeps each record under the name that the task had then (`formerly`). Where the state directory knows the
task, the past is there already; where it was lost, it comes from these.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rocketd.core.model.run import Action

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rocketd.core.model.task import Task
    from rocketd.store.sqlite.rows import Row


def former_names(tasks: Collection[Task], known: Collection[str]) -> dict[str, str]:
    """Map each former name to the task that takes over its past; `known` are the tasks with state here."""
    claims = Counter(old for task in tasks for old in set(task.formerly))
    taken = {*known, *(task.name for task in tasks)}
    return {
        old: task.name
        for task in tasks
        if task.name not in known
        for old in task.formerly
        if old not in taken and claims[old] == 1
    }


def under_present_names(rows: Sequence[Row], former: Mapping[str, str]) -> list[Row]:
    """Give records the names of now, unless both names have had runs of the same number: then these are two tasks."""
    numbers = {name: _numbers(rows, name) for name in {*former, *former.values()}}
    names = {old: new for old, new in former.items() if not numbers[old] & numbers[new]}
    return [row._replace(task_name=names.get(row.task_name, row.task_name)) for row in rows]


def _numbers(rows: Iterable[Row], name: str) -> set[int | None]:
    return {row.number for row in rows if row.task_name == name and row.action == Action.RUN}
