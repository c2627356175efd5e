"""What `check` says of runs, hooks and conditions that are processes of the daemon.

A note tells of tasks whose runs are processes although they would be units otherwise; nothing where systemd has not
booted the host, as all runs are processes there. Where the daemon is confined to a sandbox, its processes are as well:
that is a warning, for tasks that ask for processes too.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.conditions.host_conditions import CommandSucceeds
from rocketd.core.model.condition import all_parts
from rocketd.core.model.executor_choice import choose_executor
from rocketd.core.model.task import ExecutorKind, Task, TaskHooks

BOOTED: Final = Path("/run/systemd/system")
"""There where systemd is the first process: sd_booted(3)."""
_AS_ASKED: Final = 'to have it so without this note, write executor = "process"'
_LESS: Final = "it can do less than root, and cannot have another user: see the drop-ins of rocketd.service"


def executor_notes(
    tasks: Iterable[Task], default: ExecutorKind, *, confined: bool = False, booted: Path = BOOTED
) -> list[TaskMistake]:
    """Return what there is to say; `default` is what `[rocketd]` says, `confined` whether the daemon is."""
    if not booted.is_dir():
        return []
    look = _warnings if confined else _notes
    return [TaskMistake(task, mistake) for task in tasks for mistake in look(task, default)]


def _notes(task: Task, default: ExecutorKind) -> Iterator[Mistake]:
    reason = choose_executor(task, default, missing="").reason
    if reason:
        message = f"its runs are processes of rocketd, and end with it: {reason}"
        yield Mistake(("task", task.name, task.needs_process), message, _AS_ASKED, "note")


def _warnings(task: Task, default: ExecutorKind) -> Iterator[Mistake]:
    choice = choose_executor(task, default, missing="")
    if choice.kind is ExecutorKind.PROCESS:
        setting = task.needs_process if choice.reason else "executor"
        yield _warning(task, setting, f"its runs are{_CONFINED}" + (f": {choice.reason}" if choice.reason else ""))
    for name, condition in (("when", task.when), ("stop_when", task.stop_when)):
        if any(isinstance(part, CommandSucceeds) for part in all_parts(condition)):
            yield _warning(task, name, f"the command of command_succeeds is{_CONFINED}")
    for name in TaskHooks.__slots__:
        if name != "timeout" and getattr(task.hooks, name):
            yield _warning(task, f"on_{name}", f"its hook is{_CONFINED}")


_CONFINED: Final = " in the sandbox of rocketd's own service"


def _warning(task: Task, setting: str, message: str) -> Mistake:
    return Mistake(("task", task.name, setting), message, _LESS, "warning")
