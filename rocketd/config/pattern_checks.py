"""What `check` says of patterns: those that no task matches, and the tasks that a pattern leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.explain.reasons import listed
from rocketd.core.history.selections import PatternLookup
from rocketd.core.scheduler.pattern_cycles import left_out

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rocketd.core.model.task import Task

_SHOWN = 10
"""How many tasks are named at most."""


def pattern_mistakes(tasks: Mapping[str, Task], known: Collection[str]) -> Iterator[TaskMistake]:
    """Yield a warning for each pattern without a match, and a note for each that leaves tasks out."""
    tags = dict.fromkeys(known, ()) | {name: task.tags for name, task in tasks.items()}
    matches = PatternLookup(tags)
    for task in tasks.values():
        for key, condition in (("when", task.when), ("stop_when", task.stop_when)):
            for pattern in matches.unmatched(condition.selections(), task.name):
                message, hint = f"no other task matches '{pattern}'", "the words about it do not hold until one does"
                path = ("task", task.name, key)
                yield TaskMistake(task, Mistake(path, message, hint, severity="warning", word=pattern))
    for name, mates in left_out(tasks.values()).items():
        shown = listed(mates if len(mates) <= _SHOWN else [*mates[:_SHOWN], f"{len(mates) - _SHOWN} more"])
        message = f"its patterns do not count {shown}, as each run of one would start the other"
        hint = "where that is meant, name the task itself"
        path = ("task", name, "when")
        yield TaskMistake(tasks[name], Mistake(path, message, hint, severity="note"))
