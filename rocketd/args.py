"""Arguments for the functions of the Python library."""

from rocketd.app.arguments import (
    Arg,
    Argument,
    CliArg,
    Config,
    EnvArg,
    Private,
    Return,
    SchedulerLogger,
    Session,
    SimpleArg,
    Task,
    TaskLogger,
    TerminationFlag,
)
from rocketd.app.parameters import FuncArg, argument

BaseArgument = Argument
"""The name it has in Rocketry."""

__all__ = [
    "Arg",
    "Argument",
    "BaseArgument",
    "CliArg",
    "Config",
    "EnvArg",
    "FuncArg",
    "Private",
    "Return",
    "SchedulerLogger",
    "Session",
    "SimpleArg",
    "Task",
    "TaskLogger",
    "TerminationFlag",
    "argument",
]
