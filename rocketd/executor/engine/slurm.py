"""The engine `slurm`: batch jobs, by the commands of Slurm.

Slurm takes any number of jobs of one name. So a job is submitted once, and from then on asked for by its name; and it
is never begun again by Slurm itself (`--no-requeue`). How it is, is what squeue(1) says; a job that slurmctld does not
know any more is asked of sacct(1), where there is accounting.
"""

import re
import shlex
from typing import Final

from rocketd.core.instant import DAY, MINUTE, SECOND, Duration, datetime_of
from rocketd.core.model.engine import Slurm
from rocketd.core.model.run import End
from rocketd.core.model.task import Command
from rocketd.executor.engine.command_runner import CommandRunner, last_line
from rocketd.executor.engine.job import Job, JobState, JobStatus, NoEngineAnswer, SubmissionRefused

MEMORY: Final[Duration] = 4 * MINUTE
"""For how long slurmctld surely knows a job that has ended: MinJobAge is 5 minutes, unless it is configured."""
_PENDING: Final = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"})
_ENDED: Final = {
    "COMPLETED": JobState.ENDED,
    "FAILED": JobState.ENDED,
    "OUT_OF_MEMORY": JobState.ENDED,
    "CANCELLED": JobState.STOPPED,
    "TIMEOUT": JobState.TIMED_OUT,
    "DEADLINE": JobState.TIMED_OUT,
    "NODE_FAIL": JobState.LOST,
    "BOOT_FAIL": JobState.LOST,
    "PREEMPTED": JobState.LOST,
    "REVOKED": JobState.LOST,
    "LAUNCH_FAILED": JobState.LOST,
}
"""The states of squeue(1) in which a job does not go on; in all others it is running, or about to end."""
_UNANSWERED: Final = re.compile(
    "timed? ?out|contact|resolve|establish|zero bytes|connect|communicat|unexpected message|no error$",
    re.IGNORECASE | re.MULTILINE,
)
"""What sbatch says when it does not know whether the controller has the job."""
_OVER: Final = re.compile("invalid job id|already completing or completed", re.IGNORECASE)
_ID: Final = re.compile(r"^(\d+)(?:;\S*)?$", re.MULTILINE)
_SQUEUE: Final = re.compile(r"^job\|(\d+)\|([A-Z_]+)$", re.MULTILINE)
_SACCT: Final = re.compile(r"^(\d+)\|([A-Z_]+)[^|]*\|(\d+):(\d+)\|(\d+)\|(\d+)$", re.MULTILINE)
_RUNTIME: Final = re.compile(r"(?:(\d+)-)?(\d+):(\d+):(\d+)")
_NO_ACCOUNTING: Final = "accounting storage is disabled"
_END_MARK: Final = "ROCKETD_END_OF_INPUT"


class SlurmEngine:
    """Asks Slurm by its commands: an `EngineClient`."""

    def __init__(self, settings: Slurm, runner: CommandRunner) -> None:
        self._options = tuple(f"--{key}={value}" if value else f"--{key}" for key, value in settings.options)
        self._runner = runner

    async def submit(self, job: Job) -> str:
        """Submit a batch job whose script is read from standard input: no argument of the task is visible."""
        directory = _directory(job)
        argv = ("sbatch", "--parsable", "--no-requeue", f"--job-name={job.name}", *directory, *self._options)
        end = await self._runner.call(argv, job, stdin=batch_script(job))
        found = _ID.findall(end.output)
        if end.exit_code == 0 and found:
            return str(found[-1])
        if end.exit_code == 0 or end.signal is not None or _UNANSWERED.search(end.output):
            raise NoEngineAnswer(last_line(end))
        raise SubmissionRefused(last_line(end))

    async def status(self, job: Job) -> JobStatus:
        """Ask squeue, and then whoever knows more about the end."""
        argv = ("squeue", "--noheader", "--all", "--states=all", f"--name={job.name}", "--format=job|%i|%T")
        end = await self._runner.call(argv, job)
        if end.exit_code != 0:
            raise NoEngineAnswer(last_line(end))
        jobs = sorted((int(number), state) for number, state in _SQUEUE.findall(end.output))
        if not jobs:
            return await self._accounted(job)
        job.id, state = str(jobs[0][0]), jobs[0][1]
        if state not in _ENDED:
            return JobStatus(JobState.PENDING if state in _PENDING else JobState.RUNNING)
        return await self._ended(job, state)

    async def cancel(self, job: Job) -> None:
        """Have Slurm end the job by TERM and, after its KillWait, KILL."""
        end = await self._runner.call(("scancel", job.id or f"--name={job.name}"), job)
        if end.exit_code != 0 and not _OVER.search(end.output):
            raise NoEngineAnswer(last_line(end))

    async def forget(self, job: Job) -> None:
        """Leave it to Slurm, which forgets jobs by itself."""

    async def _ended(self, job: Job, state: str) -> JobStatus:
        """Ask slurmctld how a job has ended, and read the end of what it printed."""
        end = await self._runner.call(("scontrol", "--oneliner", "show", "job", job.id), job)
        if end.exit_code != 0 or f"JobName={job.name} " not in end.output:
            raise NoEngineAnswer(last_line(end))
        code, signal = _pair(_field(end, "ExitCode"))
        path, output = _field(end, "StdOut"), ""
        if path.startswith("/") and path != "/dev/null":
            tail = await self._runner.call(
                ("tail", f"--bytes={job.task.output_tail}", "--", path), job, tail=job.task.output_tail
            )
            output = tail.output if tail.exit_code == 0 else ""
        return _status(state, code, signal, output=output, runtime=_duration(_field(end, "RunTime")))

    async def _accounted(self, job: Job) -> JobStatus:
        """Ask the accounting for a job that slurmctld does not know."""
        columns = "--format=JobIDRaw,State,ExitCode,ElapsedRaw,CPUTimeRAW"
        since = f"--starttime={_day_before(job)}"
        argv = ("sacct", "--noheader", "--parsable2", "--allocations", f"--name={job.name}", since, columns)
        end = await self._runner.call(argv, job)
        if end.exit_code != 0:
            if _NO_ACCOUNTING in end.output.lower():
                return JobStatus(JobState.ABSENT, memory=MEMORY)
            raise NoEngineAnswer(last_line(end))
        found = _SACCT.search(end.output)
        if found is None:
            return JobStatus(JobState.ABSENT)
        job.id, state = found[1], found[2]
        if state not in _ENDED:
            return JobStatus(JobState.PENDING if state in _PENDING else JobState.RUNNING)
        return _status(state, int(found[3]), int(found[4]), runtime=int(found[5]) * SECOND)


def batch_script(job: Job) -> str:
    """Return the script of a job: the task's command, with its input."""
    work = job.task.work
    assert isinstance(work, Command)  # noqa: S101 - the compiler takes no other
    command = f"exec {shlex.join(work.argv)}"
    if not work.stdin:
        return f"#!/bin/sh\n{command}\n"
    mark = _END_MARK
    while mark in work.stdin:
        mark += "_"
    return f"#!/bin/sh\n{command} <<'{mark}'\n{work.stdin}\n{mark}\n"


def _directory(job: Job) -> tuple[str, ...]:
    work = job.task.work
    return (
        (f"--chdir={work.surroundings.directory}",) if isinstance(work, Command) and work.surroundings.directory else ()
    )


def _status(state: str, code: int, signal: int, *, output: str = "", runtime: Duration = 0) -> JobStatus:
    kind = _ENDED[state]
    message = f"Slurm: {state}" if state not in {"COMPLETED", "FAILED", "CANCELLED"} else ""
    if kind is not JobState.ENDED or state == "OUT_OF_MEMORY":
        return JobStatus(kind, signal=signal or None, message=message, output=output, runtime=runtime)
    return JobStatus(kind, None if signal else code, signal or None, message, output, runtime=runtime)


def _field(end: End, name: str) -> str:
    found = re.search(rf"(?:^|\s){name}=(\S*)", end.output)
    return found[1] if found else ""


def _pair(text: str) -> tuple[int, int]:
    code, _, signal = text.partition(":")
    return int(code or 0), int(signal or 0)


def _duration(text: str) -> Duration:
    found = _RUNTIME.fullmatch(text)
    if found is None:
        return 0
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * SECOND


def _day_before(job: Job) -> str:
    """Return a day on which the job had surely not been submitted, in any time zone."""
    return datetime_of(job.run.start - 2 * DAY).date().isoformat()
