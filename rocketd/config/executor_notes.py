"""What `check` says of runs, hooks and other commands that are processes of the daemon.

A note tells of tasks whose runs are processes although they would be units otherwise; nothing where systemd has not
booted the host, as all runs are processes there. Where the daemon is confined to a sandbox, as its package has it, its
processes are as well: that is a warning, for tasks that ask for processes too, and the daemon gives it at each load.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.mail_settings import MailSettings
from rocketd.config.problems import Mistake
from rocketd.config.setting import Section
from rocketd.core.conditions.host_conditions import CommandSucceeds
from rocketd.core.model.condition import all_parts
from rocketd.core.model.executor_choice import choose_executor
from rocketd.core.model.task import Command, ExecutorKind, Function, Task, TaskHooks

BOOTED: Final = Path("/run/systemd/system")
"""There where systemd is the first process: sd_booted(3)."""
BUS: Final = Path("/run/dbus/system_bus_socket")
_AS_ASKED: Final = 'to have it so without this note, write executor = "process"'
_CONFINED: Final = " in the sandbox of rocketd's own service"
_LESS: Final = (
    "it can write next to nowhere; processes.conf, a drop-in in /usr/share/doc/rocketd/examples, takes the sandbox away"
)
_NO_USER: Final = (
    "no run can start; processes.conf, a drop-in in /usr/share/doc/rocketd/examples, takes the sandbox away"
)


def executor_notes(tasks: Iterable[Task], default: ExecutorKind, booted: Path = BOOTED) -> Iterator[TaskMistake]:
    """Note tasks that cannot be units; `default` is what `[rocketd]` says."""
    if not booted.is_dir():
        return
    for task in tasks:
        choice = choose_executor(task, default, missing="")
        if choice.reason and choice.kind is ExecutorKind.PROCESS:
            message = f"its runs are processes of rocketd, and end with it: {choice.reason}"
            yield TaskMistake(task, Mistake(("task", task.name, task.needs_process), message, _AS_ASKED, "note"))


def sandbox_warnings(tasks: Iterable[Task], default: ExecutorKind, bus: Path = BUS) -> Iterator[TaskMistake]:
    """Warn of what is in the sandbox of the daemon because it is a process; `default` is what `[rocketd]` says."""
    kind = _kind(default, bus)
    for task in tasks:
        for mistake in (*_of_runs(task, kind), *(_of_commands(task) if kind is ExecutorKind.PROCESS else ())):
            yield TaskMistake(task, mistake)


def sandbox_warnings_of_settings(
    default: ExecutorKind, hooks: TaskHooks, mail: MailSettings | None, bus: Path = BUS
) -> Iterator[Mistake]:
    """Warn of what `[hooks]` and `[mail]` have run there, for every task."""
    if _kind(default, bus) is not ExecutorKind.PROCESS:
        return
    for hook in _hooks(hooks):
        yield _warning((Section.HOOKS, hook), f"this hook is{_CONFINED}")
    if mail is not None and mail.command:
        yield _warning((Section.MAIL, "command"), f"this program is{_CONFINED}")


def _kind(default: ExecutorKind, bus: Path) -> ExecutorKind:
    """What carries out commands that are not runs, and runs whose task does not say it."""
    return ExecutorKind.PROCESS if default is ExecutorKind.AUTO and not bus.exists() else default


def _of_runs(task: Task, default: ExecutorKind) -> Iterator[Mistake]:
    choice = choose_executor(task, default, missing="")
    if choice.kind is not ExecutorKind.PROCESS or not isinstance(task.work, Command | Function):
        return
    setting = task.needs_process if choice.reason else "executor"
    message = f"its runs are{_CONFINED}" + (f": {choice.reason}" if choice.reason else "")
    identity = task.work.surroundings.identity
    other = identity is not None and identity.uid != 0
    if other and identity is not None:
        message += f"; there they cannot become {identity.name}"
    yield _warning(("task", task.name, setting), message, _NO_USER if other else _LESS)


def _of_commands(task: Task) -> Iterator[Mistake]:
    for name, condition in (("when", task.when), ("stop_when", task.stop_when)):
        if any(isinstance(part, CommandSucceeds) for part in all_parts(condition)):
            yield _warning(("task", task.name, name), f"the command of command_succeeds is{_CONFINED}")
    for hook in _hooks(task.hooks):
        yield _warning(("task", task.name, hook), f"its hook is{_CONFINED}")


def _hooks(hooks: TaskHooks) -> Iterator[str]:
    yield from (f"on_{name}" for name in TaskHooks.__slots__ if name != "timeout" and getattr(hooks, name))


def _warning(path: tuple[str, ...], message: str, hint: str = _LESS) -> Mistake:
    return Mistake(path, message, hint, "warning")
