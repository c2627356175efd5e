"""A run: one execution of a task, how it began and how it ended."""

from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.escaping import storable
from rocketd.core.instant import Duration, Instant


class Action(StrEnum):
    """The action of a run's record."""

    RUN = "run"
    SUCCESS = "success"
    FAIL = "fail"
    TERMINATE = "terminate"
    INACTION = "inaction"
    CRASH = "crash"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


class Trigger(StrEnum):
    """Why a run was started."""

    SCHEDULE = "schedule"
    RETRY = "retry"
    RERUN = "rerun"
    """The run before it was interrupted: the daemon was stopped or died, or the host went down."""
    AS_SCHEDULED = "as-scheduled"
    HAND = "hand"
    BOOT = "boot"
    STARTUP = "startup"
    SHUTDOWN = "shutdown"


class Cause(StrEnum):
    """How a run came to its end."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    STOP_WHEN = "stop_when"
    OPERATOR = "operator"
    REPLACE = "replace"
    SHUTDOWN = "shutdown"
    DOWN = "down"
    SHORTAGE = "shortage"
    """Of a run that never began: a resource for its start was missing."""
    STORE = "store"
    """Of a run that never began: its start could not be recorded."""


RunKey: TypeAlias = tuple[str, int]
"""What makes a run unique: the name of its task and its number."""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a task, as decided; it never changes afterwards."""

    task: str
    number: int
    """Counts from 1 per task; never given out twice."""
    run_id: str
    """For people and other programs: a UUIDv7."""
    attempt: int
    """Which try in a row this is, from 1."""
    due: Instant
    start: Instant
    """When the decision was taken: the `now` of its pass."""
    trigger: Trigger
    reason: str
    """A sentence for people: the condition that held, or who requested it."""
    cause_task: str = ""
    """For a run that another task's end made due: that task."""
    cause_run_id: str = ""

    @property
    def key(self) -> RunKey:
        """What makes this run unique."""
        return (self.task, self.number)

    @property
    def scheduled(self) -> bool:
        """Whether it counts for the task's own schedule: every run but one by hand."""
        return self.trigger is not Trigger.HAND

    def moved(self, by: Duration) -> "Run":
        """Return it as if it had been decided so much later."""
        return replace(self, start=self.start + by, due=self.due + by)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run has used, as far as the kernel knows it; None: not known."""

    cpu: Duration | None = None
    """Microseconds of CPU time, of user and system together."""
    memory: int | None = None
    """The most memory that it used at once, in bytes."""
    io_read: int | None = None
    """Bytes that were read from disks for it; what a cache had is not counted."""
    io_written: int | None = None
    """Bytes that were written to disks for it."""


NO_USAGE: Final = Usage()
"""Nothing is known."""


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended."""

    action: Action
    cause: Cause
    at: Instant
    exit_code: int | None = None
    """The exit status of the process; None if a signal ended it, or if there is none to know."""
    signal: int | None = None
    """The number of the signal that ended the process."""
    message: str = ""
    """One sentence for people, e.g. why a process could not be started."""
    exc_text: str = ""
    """The traceback of a function that raised."""
    output: str = ""
    """The tail of what the run printed."""
    runtime: Duration = 0
    """Microseconds of the monotonic clock, so a clock step does not distort it; 0: not measured."""
    usage: Usage = NO_USAGE

    @property
    def without_output(self) -> "End":
        """Return the same without its output and traceback; not by `replace`, which costs twice as much."""
        end = self.action, self.cause, self.at, self.exit_code, self.signal, self.message
        return End(*end, runtime=self.runtime, usage=self.usage)

    @property
    def storable(self) -> "End":
        """Return the same with texts that can be stored: what a program raises may contain lone surrogates."""
        if self.message.isascii() and self.exc_text.isascii():
            return self
        return replace(self, message=storable(self.message), exc_text=storable(self.exc_text))
