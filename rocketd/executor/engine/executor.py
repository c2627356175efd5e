"""The executor that hands runs off to engines: `Executor` of `daemon/ports.py`.

    start ──▶ noted ──▶ submitted ──▶ the engine has it ──▶ it has ended ──▶ reported ──▶ recorded ──▶ note removed

The note is durable before the job is submitted. So whatever becomes of the daemon meanwhile, the next one knows for
each open run whether its job can have been submitted, and asks the engine by its name: it is never submitted again. An
engine that does not answer says nothing: a run is neither ended nor begun anew because of it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Protocol

from rocketd.background_threads import in_thread
from rocketd.core.clock import Clock
from rocketd.core.instant import Duration
from rocketd.core.model.engine import Engine
from rocketd.core.model.events import Finished, Report, Withdrawn
from rocketd.core.model.recent_output import RecentOutput
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.executor.callbacks import EmitLine
from rocketd.executor.engine.decision import SETTLE, JobFacts
from rocketd.executor.engine.engine_run import EngineRun
from rocketd.executor.engine.follower import JobFollower
from rocketd.executor.engine.job import EngineClient, Job, job_name
from rocketd.executor.engine.submission_notes import SubmissionNote, SubmissionNotes

_SHUTTING_DOWN = "rocketd is shutting down"


class EngineClients(Protocol):
    """What asks engines."""

    def of(self, engine: Engine) -> EngineClient:
        """Return what asks that engine."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


class EngineExecutor:
    """Has engines carry out runs. Make it on the thread of a running loop."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        report: Report,
        output: EmitLine,
        *,
        clients: EngineClients,
        notes: SubmissionNotes,
        clock: Clock,
        settle: Duration = SETTLE,
    ) -> None:
        """`settle`: how long an engine may take to show a job whose submission had no answer."""
        self._report = report
        self._clients = clients
        self._notes = notes
        self._clock = clock
        self._follower = JobFollower(report, output, notes, clock, settle)
        self._left = False

    # -- the port ---------------------------------------------------------------------------------------------------

    def start(self, task: Task, run: Run) -> None:
        """Have it noted, and then submitted."""
        assert task.engine is not None  # noqa: S101 - the router knows
        if self._left:
            self._report(Withdrawn(run, self._clock.now(), _SHUTTING_DOWN, Cause.SHUTDOWN))
        else:
            self._follower.start(self._run(task, run, task.engine, job_name(run)))

    def batch(self) -> AbstractContextManager[None]:
        """Nothing is gained by waiting."""
        return nullcontext()

    def stop(self, run: Run, cause: Cause) -> None:
        """Have the engine stop it; a run that is not active here is left alone."""
        one = self._follower.runs.get(run.key)
        if one is not None and one.facts.cause is Cause.EXIT:
            one.facts.cause = cause
            one.woken.set()

    def kill(self) -> None:
        """Have the engines stop every run: they have no other way."""
        for one in tuple(self._follower.runs.values()):
            self.stop(one.job.run, Cause.SHUTDOWN)

    @property
    def active_count(self) -> int:
        """How many runs have been started here and not been reported as finished."""
        return len(self._follower.runs)

    def recorded(self, run: Run) -> None:
        """Let go of the job of a run whose end is recorded."""
        self._follower.recorded(run)

    def leave(self) -> frozenset[RunKey]:
        """Leave runs to the next daemon, and report nothing more of them; those not yet submitted are withdrawn."""
        self._left = True
        self._follower.withdraw(_SHUTTING_DOWN)
        return self._follower.drop_all()

    async def adopt(
        self, runs: Sequence[OpenRun], tasks: Mapping[str, Task]
    ) -> Mapping[RunKey, Finished | Withdrawn | None]:
        """Take over the runs that were, or may have been, handed off; their engines are asked by and by.

        Units by which other daemons were submitting jobs must have been ended by now.
        """
        noted = {*await in_thread(lambda: [*self._notes.run_ids()])}
        adopted = []
        for one in runs:
            note = await in_thread(partial(self._notes.read, one.run.run_id)) if one.run.run_id in noted else None
            task = tasks.get(one.run.task) if note is not None or not one.pid else None
            if (found := self._adopted(one.run, task, note)) is not None:
                adopted.append(found)
                self._follower.take_over(found)
        for run_id in noted - {one.job.run.run_id for one in adopted}:  # their ends are recorded
            with suppress(OSError):
                await in_thread(partial(self._notes.remove, run_id))
        return dict.fromkeys(one.job.run.key for one in adopted)

    def take_over(self, task: Task, run: Run) -> None:
        """Follow a run that another host has handed off, or was about to; it cannot have done so before its start."""
        if run.key not in self._follower.runs and (one := self._adopted(run, task, None)) is not None:
            one.facts.noted_at = one.job.submitted_at = run.start
            self._follower.take_over(one)

    def leave_run(self, run: Run) -> bool:
        """Leave a run to the host that has taken over its task; False: that is not possible yet."""
        return self._follower.leave(run)

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Nothing of a run that is handed off is left behind on this host."""

    def recent_output(self, run: Run) -> RecentOutput | None:
        """Return what a run has printed, as far as its engine has said; None: it is not active here."""
        one = self._follower.runs.get(run.key)
        return None if one is None else RecentOutput(one.output)

    async def close(self) -> None:
        """Release everything; jobs of active runs go on."""
        self._left = True
        await self._follower.close()
        await self._clients.close()

    def _run(self, task: Task, run: Run, engine: Engine, name: str) -> EngineRun:
        return EngineRun(
            Job(task, run, name),
            engine,
            self._clients.of(engine),
            JobFacts(run, task.work, str(engine.kind)),
            self._clock.monotonic(),
        )

    def _adopted(self, run: Run, task: Task | None, note: SubmissionNote | None) -> EngineRun | None:
        """Return a run that another daemon may have handed off; None: it was not.

        Without a note it was not submitted by a daemon of this state directory, but perhaps by another host.
        """
        engine = note.engine if note is not None else task.engine if task is not None else None
        if engine is None:
            return None
        if task is None or not isinstance(task.work, Command):
            identity = None if note is None else note.identity
            task = Task(run.task, Command(("",), surroundings=Surroundings(identity=identity)))
        one = self._run(task, run, engine, job_name(run) if note is None else note.name)
        one.adopted = True
        if note is not None:
            one.facts.noted_at = one.job.submitted_at = note.at
            one.job.id, one.facts.accepted = note.id, note.accepted
        return one
