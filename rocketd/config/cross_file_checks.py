"""Mistakes between files: a name that is used twice, a condition about a task that is not loaded, a cycle."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from rocketd.config.problems import Mistake
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Disabled, Task
from rocketd.core.suggestion import did_you_mean

_GUESSES: Final = 20
"""For how many unknown names a similar one is looked for: among 5,000 tasks each takes hundredths of a second."""


class TaskMistake(NamedTuple):
    """A mistake in the file of a task."""

    task: Task
    mistake: Mistake


def without_duplicates(tasks: Iterable[Task]) -> tuple[dict[str, Task], list[TaskMistake]]:
    """Keep the first task of each name."""
    first_tasks: dict[str, Task] = {}
    mistakes: list[TaskMistake] = []
    for task in tasks:
        first = first_tasks.setdefault(task.name, task)
        if first is not task:
            message = f"there is a task '{task.name}' in {first.file} already, which is kept"
            mistakes.append(TaskMistake(task, Mistake(("task", task.name), message, "rename one of them", at_key=True)))
    return first_tasks, mistakes


class WatchedTasks:
    """The other tasks that conditions are about; thousands of tasks share a few conditions, so each is asked once."""

    def __init__(self) -> None:
        self._others: dict[int, tuple[Condition, frozenset[str]]] = {}

    def others(self, condition: Condition) -> frozenset[str]:
        """Names of the other tasks whose events can change its answer."""
        known = self._others.get(id(condition))
        if known is None:
            # The condition is kept with them, so that its id is not another's meanwhile.
            known = self._others[id(condition)] = (condition, condition.watches() - {""})
        return known[1]


def unknown_tasks(
    tasks: Mapping[str, Task],
    watched: WatchedTasks,
    disabled: Mapping[str, Disabled],
    known: Collection[str],
    excluded: Iterable[tuple[str, str]],
) -> Iterator[TaskMistake]:
    """Find conditions about tasks that are not loaded; those tasks stay, and the words are unknown.

    `excluded` are the names and files of tasks that have errors.
    """
    missing = dict(excluded)
    guesses = 0
    for task in tasks.values():
        for key, condition in (("when", task.when), ("stop_when", task.stop_when)):
            for name in sorted(watched.others(condition)):
                if name not in tasks and name not in known:
                    path = ("task", task.name, key)
                    if name in disabled:
                        mistake = Mistake(path, f"task '{name}' {disabled[name].reason}", word=name)
                    else:
                        hint = _where(name, missing) or _renamed(name, tasks)
                        if not hint and guesses < _GUESSES:
                            hint, guesses = did_you_mean(name, tasks), guesses + 1
                        mistake = Mistake(path, f"task '{name}' is not loaded", hint, word=name)
                    yield TaskMistake(task, mistake)


def _renamed(name: str, tasks: Mapping[str, Task]) -> str:
    now = next((task.name for task in tasks.values() if name in task.formerly), "")
    return f"it is '{now}' now" if now else ""


def _where(name: str, missing: Mapping[str, str]) -> str:
    if name in missing:
        return f"it is in {missing[name]}, which has errors"
    return ""
