"""What is wrong between files: a name given twice, a condition about a task that is not there, a cycle."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from rocketd.config.problems import Mistake, meant
from rocketd.core.condition import Condition
from rocketd.core.task import Task


class Misplaced(NamedTuple):
    """A mistake in the file of a task."""

    task: Task
    mistake: Mistake


def without_duplicates(tasks: Iterable[Task]) -> tuple[dict[str, Task], list[Misplaced]]:
    """Keep the first task of each name."""
    kept: dict[str, Task] = {}
    mistakes: list[Misplaced] = []
    for task in tasks:
        first = kept.setdefault(task.name, task)
        if first is not task:
            message = f"there is a task '{task.name}' in {first.file} already, which stays"
            mistakes.append(Misplaced(task, Mistake(("task", task.name), message, "rename one of them", at_key=True)))
    return kept, mistakes


def unknown(tasks: Mapping[str, Task], disabled: Collection[str], known: Collection[str]) -> Iterator[Misplaced]:
    """Find conditions about tasks that are not loaded; those tasks stay, and the words are unknown."""
    missing: dict[int, list[str]] = {}
    for task in tasks.values():
        for key, condition in (("when", task.when), ("stop_when", task.stop_when)):
            if id(condition) not in missing:  # thousands of tasks share a few conditions
                missing[id(condition)] = _missing(condition, tasks, known)
            for name in missing[id(condition)]:
                why = "has enabled = false" if name in disabled else "is not loaded"
                hint = "" if name in disabled else meant(name, tasks)
                mistake = Mistake(("task", task.name, key), f"task '{name}' {why}", hint, word=name)
                yield Misplaced(task, mistake)


def _missing(condition: Condition, tasks: Mapping[str, Task], known: Collection[str]) -> list[str]:
    return sorted(name for name in condition.watches() if name and name not in tasks and name not in known)
