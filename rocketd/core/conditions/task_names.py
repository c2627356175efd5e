"""The tasks that a word is about: this one, one by its name, or those that a pattern stands for."""

from rocketd.core.model.task_patterns import check_patterns, is_pattern
from rocketd.core.model.task_ref import TaskRef, name_of


def name_or_pattern(task: TaskRef) -> str:
    """Return the name of a task, or the pattern as it is written; raises ConditionError."""
    name = name_of(task)
    check_patterns((name,))
    return name


def watched(task: str) -> frozenset[str]:
    """Return the task whose events can change the answer; a pattern is `selected`."""
    return frozenset() if is_pattern(task) else frozenset({task})


def selected(task: str) -> frozenset[tuple[str, ...]]:
    """Return the pattern, if it is one: what happens to those that it stands for can change the answer."""
    return frozenset({(task,)}) if is_pattern(task) else frozenset()
