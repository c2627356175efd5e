"""The options of an application, with the names that they have in Rocketry 2.5."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import fields
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias, TypedDict, get_args

from rocketd.app.left_out import no_attribute
from rocketd.app.validators import Check, Span, calendars, check, number, one_of, span, timeout
from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import RocketdError
from rocketd.core.model.condition import Condition
from rocketd.core.suggestion import did_you_mean
from rocketd.journal.logging_bridge import SCHEDULER_LOGGER, TASK_LOGGER

How: TypeAlias = Literal["main", "async", "thread", "process"]
Restarting: TypeAlias = Literal["recall", "replace", "relaunch", "fresh"]
PreExist: TypeAlias = Literal["raise", "ignore", "replace", "rename"]

WITHOUT_EFFECT: Final = {
    "cycle_sleep": "nothing polls: a task starts when its condition begins to hold",
    "force_status_from_logs": "what is known is always what was recorded",
    "cls_lock": "a task may be changed from any thread as it is",
    "tasks_as_daemon": "a child process always dies with its program, and may have children",
    "use_instance_naming": "a name that changes with each start has no past",
    "debug": "there is no other mode",
    "func_run_id": "a run id is a UUIDv7",
}
"""Options of Rocketry that are accepted and have no effect, and why."""
REFUSED: Final = {"time_func": "the clock is the host's; tests of the core hand in theirs"}

_CHECKS: Final[Mapping[str, Check]] = {
    "execution": one_of(*get_args(How)),
    "task_execution": one_of(*get_args(How)),
    "restarting": one_of(*get_args(Restarting)),
    "task_pre_exist": one_of(*get_args(PreExist)),
    "param_materialize": one_of("pre", "post"),
    "timeout": timeout,
    "restart_delay": span,
    "task_priority": number(),
    "max_process_count": number(1),
    "max_running": number(1),
    "calendars": calendars,
}


class SessionOptions(TypedDict, total=False):
    """What `Rocketd(…)`, `Session(…)` and their `config` take."""

    execution: How | None
    task_execution: How | None
    task_priority: int
    task_pre_exist: PreExist
    silence_task_prerun: bool
    silence_task_logging: bool
    silence_cond_check: bool
    shut_cond: Condition | str | None
    timeout: Span
    timezone: tzinfo | str | None
    calendars: Mapping[str, Mapping[str, object]]
    multilaunch: bool
    max_process_count: int
    max_running: int
    restart_delay: Span
    instant_shutdown: bool
    restarting: Restarting
    param_materialize: Literal["pre", "post"]
    task_logger_basename: str
    scheduler_logger_basename: str
    state_dir: Path | str | None
    cycle_sleep: float | None
    force_status_from_logs: bool
    cls_lock: type
    tasks_as_daemon: bool
    use_instance_naming: bool
    debug: bool
    func_run_id: object


@dataclass
class Config:
    """The options of a session; a change while the scheduler runs takes effect at its next start."""

    execution: How = "async"
    """How functions run: `async` runs coroutines on the loop and plain functions in threads."""
    task_priority: int = 0
    """The priority of tasks that name none."""
    task_pre_exist: PreExist = "raise"
    """What happens when a task is added whose name is taken."""
    silence_task_prerun: bool = False
    """Whether a run that cannot be set up stops nothing but itself."""
    silence_task_logging: bool = False
    """Whether a run log that cannot be written stops nothing."""
    silence_cond_check: bool = False
    """Whether a condition that raises stops nothing."""
    shut_cond: Condition | str | None = None
    """The condition that stops the scheduler."""
    timeout: Span = "30 min"
    """How long a run may take; `never`: without limit."""
    timezone: tzinfo | str | None = None
    """None: the host's."""
    calendars: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What `workday` and `holiday` mean, as in `rocketd.toml`: `{"default": {"holidays": ["/etc/holidays.dates"]}}`."""
    multilaunch: bool = False
    """Whether several runs of a task may be active at once."""
    max_process_count: int = os.cpu_count() or 1
    """How many child processes there may be at once; the default is the number of processors."""
    max_running: int = 1000
    """How many runs may be active at the same time, of any execution."""
    restart_delay: Span = "1 s"
    """The shortest pause after an end that alone makes its task due again."""
    instant_shutdown: bool = False
    """Whether a stop of the scheduler stops the active runs."""
    restarting: Restarting = "recall"
    """What `session.restart()` starts anew: `recall` the scheduler, `replace` the program, in the place of this one,
    `relaunch` and `fresh` the program, in a process of its own."""
    param_materialize: Literal["pre", "post"] = "post"
    """When `FuncArg` calls its function: `post` beside the loop, `pre` on its thread."""
    task_logger_basename: str = TASK_LOGGER
    """The logger of runs."""
    scheduler_logger_basename: str = SCHEDULER_LOGGER
    """The logger of all else."""
    state_dir: Path | str | None = None
    """The directory of the tasks' state, and of the run log if no repository is set; None: a temporary one."""

    if not TYPE_CHECKING:  # with it, type checkers would let every name be set

        def __setattr__(self, name: str, value: object) -> None:
            if name in WITHOUT_EFFECT:
                warn_without_effect(name, 3)
                return
            if name != "task_execution":
                _refuse_unknown(name)
            check(_CHECKS, name, value)
            super().__setattr__(name, value)

        __getattr__ = no_attribute

    @property
    def task_execution(self) -> How:
        """The older name of `execution`."""
        return self.execution

    @task_execution.setter
    def task_execution(self, how: How) -> None:
        self.execution = how

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Read options by name; raises RocketdError for an unknown option or a wrong value."""
        config = cls()
        for name, value in options.items():
            if name in WITHOUT_EFFECT:
                warn_without_effect(name, 5)
            elif value is not None or name not in ("execution", "task_execution"):
                setattr(config, name, value)
        return config


def warn_without_effect(name: str, level: int) -> None:
    warnings.warn(f"the option {name} has no effect: {WITHOUT_EFFECT[name]}", UserWarning, stacklevel=level)


def _refuse_unknown(name: str) -> None:
    if name in REFUSED:
        raise RocketdError(f"the option {name} is not supported: {REFUSED[name]}")
    known = [field.name for field in fields(Config)]
    if name not in known:
        raise RocketdError(f"there is no option {name}", hint=did_you_mean(name, known))
