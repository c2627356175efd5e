"""The exceptions of the Python library."""

from rocketd.app.errors import SchedulerExit, SchedulerRestart, TaskSetupError
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
