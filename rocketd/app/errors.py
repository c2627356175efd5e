"""What a task or an application raises."""


class SchedulerRestart(Exception):
    """Raised by a task to have the scheduler start anew; the run itself has succeeded."""


class SchedulerExit(Exception):
    """Raised by a task to have the scheduler stop; the run itself has succeeded."""


class TaskSetupError(Exception):
    """A run could not be set up: an argument could not be made."""
