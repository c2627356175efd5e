"""Conditions with some of their words exchanged."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from rocketd.core.conditions.after import After
from rocketd.core.conditions.host_uptime import BootEventCondition
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition
from rocketd.core.conditions.run_conditions import Running
from rocketd.core.conditions.running import RunningCount, RunningFor
from rocketd.core.model.condition import All, Any, Condition, Not


def rewrite(condition: Condition, change: Callable[[Condition], Condition]) -> Condition:
    """Return the condition with `change` applied to each of its words."""
    match condition:
        case Not(part):
            return ~rewrite(part, change)
        case All() | Any():
            return type(condition).of(*(rewrite(part, change) for part in condition.parts))
    return change(condition)


def rename_tasks(condition: Condition, names: Mapping[str, str]) -> Condition:
    """Return the condition with the new names of these tasks."""

    def rename(word: Condition) -> Condition:
        match word:
            case After():
                return replace(word, tasks=tuple(names.get(task, task) for task in word.tasks))
            case (
                EventCondition()
                | RecentEventCondition()
                | BootEventCondition()
                | Running()
                | RunningFor()
                | RunningCount()
            ):
                return replace(word, task=names.get(word.task, word.task))
        return word

    return rewrite(condition, rename)
