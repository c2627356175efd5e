"""Finds tasks that start each other for ever: each end makes the next task due, and the last one starts the first.

A set of tasks runs for ever if the ends of its members alone can start every member. The largest such set is what
remains after every task is removed that needs something else: another task's end, an hour, a first failure. Following
from any task in it to one that starts it never leaves the set, and so closes a cycle.

A task that starts when another one *fails* is not part of this: repeating a repair while things are broken is intended.
Neither is one that starts when another one *misses* a start: for that, a chance of the clock must have passed.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from rocketd.config.cross_file_checks import TaskMistake, WatchedTasks
from rocketd.config.problems import Mistake
from rocketd.core.conditions.after import After
from rocketd.core.conditions.run_conditions import Retry
from rocketd.core.model.condition import FALSE, TRUE, All, Any, Condition, all_parts
from rocketd.core.model.task import Task

_ENDLESS: Final = ("success", "finish")
"""What a task does again and again while all goes well."""


def without_cycles(tasks: dict[str, Task], previous: Mapping[str, Task], watched: WatchedTasks) -> list[TaskMistake]:
    """Break each cycle: a task in it that changed stays as it was in `previous`, or else one goes.

    A cycle that can only be started by hand stays.
    """
    mistakes: list[TaskMistake] = []
    before = {name: task for name, task in previous.items() if name in tasks and task.when != tasks[name].when}
    harmless: set[str] = set()
    while cycle := _find(tasks, watched, harmless):
        cycle = _ending_in(cycle, [name for name in cycle if name in before] or cycle, tasks)
        culprit = cycle[-1]
        startable = any(_starts_otherwise(tasks[name], cycle) for name in cycle)
        mistakes.append(TaskMistake(tasks[culprit], _mistake(cycle, startable=startable)))
        if not startable:
            harmless.update(cycle)
        elif culprit in before:
            tasks[culprit] = before.pop(culprit)
        else:
            del tasks[culprit]
    return mistakes


def _ending_in(cycle: list[str], candidates: Collection[str], order: Iterable[str]) -> list[str]:
    """Turn the cycle so that it ends in the last of the candidates in that order."""
    places = {name: place for place, name in enumerate(order)}
    end = cycle.index(max(candidates, key=places.__getitem__)) + 1
    return cycle[end:] + cycle[:end]


def _mistake(cycle: list[str], *, startable: bool) -> Mistake:
    chain = " → ".join([*cycle, cycle[0]])
    path, word = ("task", cycle[-1], "when"), cycle[-2] if len(cycle) > 1 else cycle[-1]
    if startable:
        hint = "add another condition to one of them, for example `& daily`"
        return Mistake(path, f"each run starts the next one for ever: {chain}", hint, word=word)
    message = f"this cycle can only be started by hand and then never ends: {chain}"
    return Mistake(path, message, severity="warning", word=word)


# a: after_success("b"), b: after_success("a") & daily, c: after_success("a")
#   b needs `daily` as well, so it is removed; then nothing starts a, and then nothing c: no cycle.
# Without `daily`: a and b remain (c starts neither); walking back from a gives a ← b ← a, so the cycle is b → a.
def _find(tasks: Mapping[str, Task], watched: WatchedTasks, harmless: Collection[str]) -> list[str]:
    """Tasks that start each other, in this order, round and round; empty if there are none."""
    about_others = {name: task.when for name, task in tasks.items() if watched.others(task.when)}
    members = {name: when for name, when in about_others.items() if name not in harmless and _starters(when)}
    _remove_others(members)
    if not members:
        return []
    path = [next(iter(members))]
    while (before := _starter(members[path[-1]], members)) not in path:
        path.append(before)
    return path[path.index(before) :][::-1]


def _remove_others(members: dict[str, Condition]) -> None:
    """Remove each task that the ends of the others in the set cannot start, and then its followers in the same way."""
    followers: dict[str, list[str]] = {}
    for name, when in members.items():
        for starter in _starters(when):
            followers.setdefault(starter, []).append(name)
    queue = list(members)
    while queue:
        name = queue.pop()
        if name in members and not _is_triggered_by(members[name], members):
            del members[name]
            queue += followers.get(name, ())


def _starters(when: Condition) -> list[str]:
    """The tasks whose ends the condition follows."""
    return [
        name for part in all_parts(when) if isinstance(part, After) and part.outcome in _ENDLESS for name in part.tasks
    ]


def _is_triggered_by(when: Condition, members: Collection[str]) -> bool:
    """Whether the ends of these tasks are enough for the condition."""
    if isinstance(when, After):
        enough = any if when.many == "any" else all
        return when.outcome in _ENDLESS and enough(name in members for name in when.tasks)
    if isinstance(when, Any):
        return any(_is_triggered_by(part, members) for part in when.parts)
    if isinstance(when, All):
        return all(_is_triggered_by(part, members) for part in when.parts)
    return when == TRUE


def _starter(when: Condition, members: Collection[str]) -> str:
    """One of these tasks that starts it; there is one, or it would have been removed."""
    return next(name for name in _starters(when) if name in members)


def _starts_otherwise(task: Task, cycle: Collection[str]) -> bool:
    """Whether it can start for the first time without a hand and without this cycle."""
    return task.on is not None or _can_begin(task.when, cycle)


def _can_begin(when: Condition, cycle: Collection[str]) -> bool:
    if isinstance(when, After):
        enough = any if when.many == "any" else all
        return when.outcome == "missed" or enough(name not in cycle for name in when.tasks)
    if isinstance(when, Any):
        return any(_can_begin(part, cycle) for part in when.parts)
    if isinstance(when, All):
        return all(_can_begin(part, cycle) for part in when.parts)
    return not isinstance(when, Retry) and when != FALSE
