"""Notes about tasks whose runs are processes of the daemon although they would be units of systemd otherwise.

Only `check` shows them, and only where systemd has booted the host: elsewhere all runs are processes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.model.executor_choice import choose_executor
from rocketd.core.model.task import ExecutorKind, Task

BOOTED: Final = Path("/run/systemd/system")
"""There where systemd is the first process: sd_booted(3)."""
_HINT: Final = 'to have it so without this note, write executor = "process"'


def executor_notes(tasks: Iterable[Task], default: ExecutorKind, booted: Path = BOOTED) -> list[TaskMistake]:
    """Return the notes about these tasks; `default` is what `[rocketd]` says."""
    if not booted.is_dir():
        return []
    choices = [(task, choose_executor(task, default, missing="")) for task in tasks]
    return [TaskMistake(task, _note(task, choice.reason)) for task, choice in choices if choice.reason]


def _note(task: Task, reason: str) -> Mistake:
    path = ("task", task.name, task.needs_process)
    return Mistake(path, f"its runs are processes of rocketd, and end with it: {reason}", _HINT, "note")
