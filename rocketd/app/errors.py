"""What a task or an application raises."""

from rocketd.core.errors import RocketdError


class UsageError(RocketdError):
    """The program asks for what cannot be; the hint is in the traceback as well."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        if hint:
            self.add_note(hint)


class SchedulerRestart(Exception):
    """Raised by a task to have the scheduler start anew; the run itself has succeeded."""


class SchedulerExit(Exception):
    """Raised by a task to have the scheduler stop; the run itself has succeeded."""


class TaskSetupError(Exception):
    """A run could not be set up: an argument could not be made."""
