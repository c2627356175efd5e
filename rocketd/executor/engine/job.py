"""What a run is for an engine: a job under a name computed beforehand; and what engines are asked for."""

import re
from enum import Enum, auto
from typing import Final, Protocol

from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task

_LONGEST: Final = 63
"""Characters of a DNS label (RFC 1123), which is the shortest name that an engine takes."""
_OTHER: Final = re.compile("[^a-z0-9]")


def job_name(run: Run) -> str:
    """Return the name of a run's job, the same whoever computes it: `rocketd-train-17-0190a1b2c3d47e5f…`.

    The run id alone makes it unique, also among hosts and after a restore of an older state; task and number are for
    people, as much of them as a DNS label has room for.
    """
    end = f"-{run.number}-{run.run_id.replace('-', '')}"
    task = _OTHER.sub("-", run.task.lower())[: _LONGEST - len(end) - len("rocketd-")].rstrip("-")
    return f"rocketd-{task}{end}"


@dataclass(slots=True)
class Job:
    """A run as its engine has it."""

    task: Task
    run: Run
    name: str
    id: str = ""
    """What the engine calls it; empty: not known (yet)."""
    submitted_at: Instant = 0
    """When it was noted that it is about to be submitted; 0: it was not."""


class JobState(Enum):
    """How far a job is."""

    ABSENT = auto()
    """The engine has no job of that name."""
    PENDING = auto()
    RUNNING = auto()
    ENDED = auto()
    STOPPED = auto()
    """It was stopped, or deleted, by whoever it was."""
    TIMED_OUT = auto()
    """The engine stopped it at a limit of its own."""
    LOST = auto()
    """The engine has lost it: the host that it was on failed, or it had to make room."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What an engine says about a job."""

    state: JobState
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    """One sentence, if there is more to say about its end."""
    output: str = field(default="", repr=False)
    """The tail of what it printed, as far as the engine gives it."""
    memory: Duration | None = None
    """Of `ABSENT`: for how long the engine keeps a job that has ended; None: longer than anybody asks."""
    cpu: Duration | None = None
    """Microseconds of CPU time."""
    runtime: Duration = 0
    """Microseconds; 0: not known."""


class NoEngineAnswer(RocketdError):
    """The engine could not be asked, or did not answer: nothing is known, neither good nor bad."""


class SubmissionRefused(RocketdError):
    """The engine did not take the job, for a reason that is the job's: it certainly does not have it."""


class EngineClient(Protocol):
    """What is asked of an engine. Every method may wait for it, with a limit."""

    async def submit(self, job: Job) -> str:
        """Submit a job, and return the engine's id of it; empty: it has none beside the name.

        If the engine has a job of that name already, that is the one. Raises SubmissionRefused; ResourceShortage if
        nothing was submitted, as this host lacks something; NoEngineAnswer if it may have been.
        """
        ...

    async def status(self, job: Job) -> JobStatus:
        """Return what has become of a job; raises NoEngineAnswer."""
        ...

    async def cancel(self, job: Job) -> None:
        """Have a job stopped; one that has ended, or that is not there, is left alone. Raises NoEngineAnswer."""
        ...

    async def forget(self, job: Job) -> None:
        """Let go of a job whose end is recorded. Raises NoEngineAnswer."""
        ...
