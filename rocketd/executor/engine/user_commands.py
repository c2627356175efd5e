"""The engine `commands`: three commands of the user's own, for engines that rocketd does not know.

Each gets the variables of the run, and the name of the job in ROCKETD_JOB.

    submit COMMAND…   with the task's command as further arguments, and its input
                      0: the engine has the job, and what is printed last is its id; also if it had it already
                      75 (EX_TEMPFAIL), a signal, a timeout: it may have it or not; any other code: it does not take it
    status            0, and the last line says `absent`, `pending`, `running`, `exited CODE`, `killed SIGNAL`,
                      `stopped` or `lost`; the lines before it are what the job has printed. Anything else: not known
    cancel            0: the job ends soon, has ended, or is not there. Anything else: not known
"""

import os
import re
from typing import Final

from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.engine import EngineCommands
from rocketd.core.model.run import End
from rocketd.core.model.task import Command
from rocketd.executor.engine.command_runner import CommandRunner, last_line
from rocketd.executor.engine.job import Job, JobState, JobStatus, NoEngineAnswer, SubmissionRefused

MEMORY: Final[Duration] = 24 * 3600 * SECOND
"""For how long `status` has to know a job that has ended."""
_STATE: Final = re.compile(r"(absent|pending|running|stopped|lost)|exited (\d{1,3})|killed (\d{1,2})")
_STATES: Final = {
    "absent": JobState.ABSENT,
    "pending": JobState.PENDING,
    "running": JobState.RUNNING,
    "stopped": JobState.STOPPED,
    "lost": JobState.LOST,
}
_STATE_LINE: Final = 64
"""Bytes for the last line, beside the output."""


class UserCommands:
    """Asks the engine by the three commands: an `EngineClient`."""

    def __init__(self, commands: EngineCommands, runner: CommandRunner) -> None:
        self._commands = commands
        self._runner = runner

    async def submit(self, job: Job) -> str:
        """Hand the job to the first command."""
        work = job.task.work
        assert isinstance(work, Command)  # noqa: S101 - the compiler takes no other
        end = await self._runner.call((*self._commands.submit, *work.argv), job, stdin=work.stdin)
        if end.exit_code == 0:
            return last_line(end) if end.output.strip() else ""
        if end.signal is not None or end.exit_code == os.EX_TEMPFAIL:
            raise NoEngineAnswer(last_line(end))
        raise SubmissionRefused(last_line(end))

    async def status(self, job: Job) -> JobStatus:
        """Read the last line of the second command."""
        end = await self._runner.call(self._commands.status, job, tail=job.task.output_tail + _STATE_LINE)
        _check(end)
        output, _, line = end.output.rstrip("\n").rpartition("\n")
        found = _STATE.fullmatch(line.strip())
        if found is None:
            raise NoEngineAnswer(f"{self._commands.status[0]} does not say in its last line how the job is")
        word, code, signal = found.groups()
        output = f"{output}\n" if output else ""
        if word:
            return JobStatus(_STATES[word], output=output, memory=MEMORY)
        if code:
            return JobStatus(JobState.ENDED, exit_code=int(code), output=output)
        return JobStatus(JobState.ENDED, signal=int(signal), output=output)

    async def cancel(self, job: Job) -> None:
        """Run the third command."""
        _check(await self._runner.call(self._commands.cancel, job))

    async def forget(self, job: Job) -> None:
        """Leave it to the engine."""


def _check(end: End) -> None:
    if end.exit_code != 0:
        raise NoEngineAnswer(last_line(end))
