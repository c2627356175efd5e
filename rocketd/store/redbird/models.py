"""The models of run records, for Red Bird repositories: Pydantic-1 models, which is what Red Bird works with.

`RunRecord` is the whole record. The others have the names and the fields of Rocketry's, so that an application that
names one of them needs a new import and nothing else; a repository with such a model gets the fields that it has.
"""

from datetime import datetime, timedelta
from typing import Optional

from pydantic.v1 import BaseModel, Field

# Optional, not "| None": Pydantic 1 reads both, but Red Bird makes table columns of fields spelled like this.
# ruff: noqa: UP045


class MinimalRecord(BaseModel):
    """The least that a repository must keep."""

    task_name: str
    action: str = Field(description="run, success, fail, terminate, inaction, crash or missed")
    created: float = Field(description="seconds since 1970-01-01T00:00:00Z")


class LogRecord(MinimalRecord):
    """A record with the attributes of a logging.LogRecord, as far as they say something about a run."""

    name: Optional[str] = "rocketd.task"
    msg: Optional[str] = None
    levelname: Optional[str] = "INFO"
    levelno: Optional[int] = 20
    message: Optional[str] = None
    formatted_message: Optional[str] = None
    exc_text: Optional[str] = None
    process: Optional[int] = None


class TaskLogRecord(MinimalRecord):
    """A record with the times of the run, as aware UTC datetimes."""

    start: Optional[datetime] = None
    end: Optional[datetime] = None
    runtime: Optional[timedelta] = None
    message: Optional[str] = None
    exc_text: Optional[str] = None


class MinimalRunRecord(MinimalRecord):
    """The least, and the run's id."""

    run_id: Optional[str] = None


class TaskRunRecord(TaskLogRecord):
    """The times of the run, and its id."""

    run_id: Optional[str] = None


class RunRecord(MinimalRunRecord):
    """All that is recorded of a run; instants are seconds since 1970-01-01T00:00:00Z, durations are seconds."""

    __id_field__ = "id"

    id: Optional[int] = Field(default=None, description="the place in the log")
    number: Optional[int] = Field(default=None, description="counts from 1 per task")
    attempt: Optional[int] = Field(default=None, description="which try in a row, from 1")
    due: Optional[float] = Field(default=None, description="for missed: the first")
    start: Optional[float] = Field(default=None, description="for missed: when it was first recorded")
    end: Optional[float] = Field(default=None, description="for missed: the last")
    runtime: Optional[float] = None
    exit_code: Optional[int] = None
    signal: Optional[int] = None
    trigger: Optional[str] = Field(
        default=None, description="schedule, retry, as-scheduled, hand, boot, startup or shutdown"
    )
    cause: Optional[str] = Field(
        default=None, description="exit, timeout, stop_when, operator, replace, shutdown or down"
    )
    reason: Optional[str] = Field(default=None, description="a sentence: the condition that held, or who asked")
    cause_task: Optional[str] = Field(default=None, description="the task whose end made this one due")
    cause_run_id: Optional[str] = None
    host: Optional[str] = None
    boot_id: Optional[str] = None
    pid: Optional[int] = None
    pid_start: Optional[int] = Field(default=None, description="clock ticks since boot: field 22 of /proc/PID/stat")
    times: Optional[int] = Field(default=None, description="for missed: how many")
    message: Optional[str] = None
    exc_text: Optional[str] = None
    output: Optional[str] = Field(default=None, description="the tail of what the run printed")
    cpu_time: Optional[float] = Field(default=None, description="seconds of CPU, user and system; None: not known")
    memory_peak: Optional[int] = Field(default=None, description="the most memory at once, in bytes")
    io_read: Optional[int] = Field(default=None, description="bytes read from disks")
    io_written: Optional[int] = Field(default=None, description="bytes written to disks")
