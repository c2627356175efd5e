"""The exceptions of the Python library."""

from typing import TYPE_CHECKING, NoReturn

from rocketd.app.errors import SchedulerExit, SchedulerRestart, TaskSetupError
from rocketd.app.left_out import no_name
from rocketd.core.errors import ConditionError, DuplicateRun, RocketdError, StoreError
from rocketd.executor.inprocess.call import ProcessDied, TaskInactionException, TaskTerminationException

__all__ = [
    "ConditionError",
    "DuplicateRun",
    "ProcessDied",
    "RocketdError",
    "SchedulerExit",
    "SchedulerRestart",
    "StoreError",
    "TaskInactionException",
    "TaskSetupError",
    "TaskTerminationException",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> NoReturn:
        no_name(__name__, name, {"TaskLoggingError": "it is a StoreError"})
