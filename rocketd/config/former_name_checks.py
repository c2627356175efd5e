"""What is wrong with the former names of tasks: names that are still there, or that several tasks claim."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.former_names import FORMERLY
from rocketd.config.problems import Mistake
from rocketd.core.model.task import Task


def check_former_names(tasks: dict[str, Task], present: Collection[str]) -> list[TaskMistake]:
    """Find former names from which nothing can be taken over, and remove those that a task has now.

    `present` are all names in the files, those of tasks that are disabled or have errors included.
    """
    claims = Counter(old for task in tasks.values() for old in task.formerly)
    mistakes: list[TaskMistake] = []
    for name, task in list(tasks.items()):
        for old in task.formerly:
            if message := _complaint(old, name, present, claims[old]):
                path = ("task", name, FORMERLY.key)
                mistakes.append(TaskMistake(task, Mistake(path, message, severity="warning", word=old)))
        if any(old in present for old in task.formerly):
            tasks[name] = replace(task, formerly=tuple(old for old in task.formerly if old not in present))
    return mistakes


def _complaint(old: str, name: str, present: Collection[str], claims: int) -> str:
    if old == name:
        return f"'{old}' is the name of the task itself"
    if old in present:
        return f"there is a task '{old}', so that '{name}' takes over nothing of it"
    return f"several tasks were formerly '{old}', so that none of them takes over its past" if claims > 1 else ""
