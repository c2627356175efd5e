"""What the scheduler decides, and how it says no."""

from dataclasses import dataclass
from typing import TypeAlias

from rocketd.core.errors import RocketdError
from rocketd.core.events import Missed, Start, Stop


class NoSuchTask(RocketdError):
    """No task of that name is loaded."""


class NoSuchRun(RocketdError):
    """No such run is going on."""


class Refused(RocketdError):
    """What the operator asked for cannot be done now."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Judging the task's condition raised: a defect, not an answer. The task stays unknown until its next event."""

    task: str
    error: Exception


Decision: TypeAlias = Start | Stop | Missed | Broken
