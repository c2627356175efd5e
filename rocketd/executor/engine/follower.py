"""Follows each run that is handed off from its start to its end: submits its job, and asks about it.

Engines report nothing by themselves. So each run is asked about: soon after its start, then less and less often, at
last every `engine_interval`. Nothing else here waits for a time.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from rocketd.background_threads import in_thread
from rocketd.core.backoff import Backoff
from rocketd.core.clock import Clock
from rocketd.core.duration import format_duration
from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.executor.callbacks import EmitLine
from rocketd.executor.engine.command_runner import surroundings_of
from rocketd.executor.engine.decision import decide, never_began
from rocketd.executor.engine.engine_run import EngineRun
from rocketd.executor.engine.job import JobState, JobStatus, NoEngineAnswer, SubmissionRefused
from rocketd.executor.engine.submission_notes import SubmissionNote, SubmissionNotes, accepted

_FIRST_PAUSE: Final = 1.0
"""Seconds from a submission, or a stop, to the first question."""
_CLOSE_TIMEOUT: Final = 2.0
"""Seconds for what is under way when this is closed: the next daemon asks about the rest."""


class JobFollower:
    """The runs that have been started here, or taken over, and not been reported as finished. On the loop's thread."""

    def __init__(
        self, report: Report, output: EmitLine, notes: SubmissionNotes, clock: Clock, settle: Duration
    ) -> None:
        """`settle`: how long an engine may take to show a job whose submission had no answer."""
        self.runs: dict[RunKey, EngineRun] = {}
        self._report = report
        self._output = output
        self._notes = notes
        self._clock = clock
        self._settle = settle
        self._unrecorded: dict[RunKey, EngineRun] = {}
        """Runs that have been reported as finished, or left to another host: notes stay until their end is recorded."""
        self._work: set[asyncio.Task[None]] = set()

    def start(self, one: EngineRun) -> None:
        """Have its job submitted, and follow it."""
        self.runs[one.job.run.key] = one
        self._do(self._start(one))

    def take_over(self, one: EngineRun) -> None:
        """Follow it; its job may have been submitted."""
        self.runs[one.job.run.key] = one
        self._do(self._follow(one))

    def leave(self, run: Run) -> bool:
        """Follow a run no longer, as another host does; False: its job is being submitted or stopped, or unknown."""
        one = self.runs.get(run.key)
        if one is None or not (one.facts.accepted or one.adopted) or one.facts.cause is not Cause.EXIT:
            return False
        self._unrecorded[run.key] = self.runs.pop(run.key)
        one.woken.set()
        return True

    def recorded(self, run: Run) -> None:
        """Let go of the job of a run whose end is recorded."""
        one = self._unrecorded.pop(run.key, None)
        if one is not None:
            self._do(self._forget(one))

    def withdraw(self, why: str) -> None:
        """Have those withdrawn that no engine can have, because the daemon ends."""
        for one in [one for one in self.runs.values() if not one.submitted]:
            self._end(one, Withdrawn(one.job.run, self._clock.now(), why, Cause.SHUTDOWN))

    def drop_all(self) -> frozenset[RunKey]:
        """Follow no run any longer; return which there were."""
        dropped, self.runs = self.runs, {}
        for one in dropped.values():
            one.woken.set()
        return frozenset(dropped)

    async def close(self) -> None:
        """Drop all, and wait for what is under way, for a while."""
        self.drop_all()
        _, unfinished = await asyncio.wait(self._work, timeout=_CLOSE_TIMEOUT) if self._work else (set(), set())
        for work in unfinished:
            work.cancel()

    # -- from the start to the end ----------------------------------------------------------------------------------

    async def _start(self, one: EngineRun) -> None:
        """Note the run, submit its job, and follow it."""
        note = SubmissionNote(one.job.name, self._clock.now(), one.engine, surroundings_of(one.job.task).identity)
        try:
            await in_thread(partial(self._notes.write, one.job.run.run_id, note))
        except (OSError, RuntimeError) as error:  # the latter: no thread
            self._end(one, Withdrawn(one.job.run, self._clock.now(), f"it cannot be noted: {error}"))
            return
        if self._is_active(one) and await self._submit(one, note):
            await self._follow(one)

    async def _submit(self, one: EngineRun, note: SubmissionNote) -> bool:
        """Submit the job; return whether the engine may have it."""
        run, now = one.job.run, self._clock.now
        if one.facts.cause is not Cause.EXIT:
            self._end(one, never_began(one.facts, now()))
            return False
        one.facts.noted_at = one.job.submitted_at = note.at
        try:
            one.job.id = await one.client.submit(one.job)
        except SubmissionRefused as error:
            message = f"cannot start: {error.message.removeprefix('cannot start: ')}"
            self._end(one, Finished(run, End(Action.FAIL, Cause.EXIT, now(), message=message)))
            return False
        except ResourceShortage as error:
            self._end(one, Withdrawn(run, now(), error.message, shared=error.shared))
            return False
        except Exception as error:  # noqa: BLE001 - no answer; or a defect of ours, or an answer that nobody expected
            if not isinstance(error, NoEngineAnswer):
                asyncio.get_running_loop().call_exception_handler({"message": "an engine", "exception": error})
            one.since, one.facts.unanswered = self._clock.monotonic(), str(error)
            self._note_problem(one, f"it is not known whether {one.facts.engine} has it: {error}")
            return True
        one.facts.accepted = True
        with suppress(OSError, RuntimeError):  # then the next daemon asks for it by its name
            await in_thread(partial(self._notes.write, run.run_id, accepted(note, one.job.id)))
        return True

    async def _follow(self, one: EngineRun) -> None:
        """Ask about a run until it has ended."""
        backoff = Backoff(min(_FIRST_PAUSE, one.engine.interval / SECOND), one.engine.interval / SECOND)
        pause = 0.0
        while self._is_active(one):
            was_stopped = one.facts.cause is not Cause.EXIT
            await self._look(one)
            pause = backoff.after(pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await one.woken.wait()
            one.woken.clear()
            if one.facts.cause is not Cause.EXIT and not was_stopped:
                pause = 0.0

    async def _look(self, one: EngineRun) -> None:
        """Stop it if that is due, and take what the engine says about it."""
        try:
            if one.facts.cause is not Cause.EXIT:  # each time: the job may only be there by now
                await one.client.cancel(one.job)
            status = await one.client.status(one.job)
        except (NoEngineAnswer, ResourceShortage) as error:
            self._note_problem(one, f"{one.facts.engine} does not say how it is: {error.message}")
            return
        except Exception as error:  # noqa: BLE001 - a defect of ours, or an answer that nobody expected
            asyncio.get_running_loop().call_exception_handler({"message": "an engine", "exception": error})
            self._note_problem(one, f"{one.facts.engine} cannot be understood")
            return
        if self._is_active(one):
            self._take(one, status)

    def _take(self, one: EngineRun, status: JobStatus) -> None:
        now = self._clock.now()
        outcome = decide(one.facts, status, now, self._clock.monotonic() - one.since, self._settle)
        ended = isinstance(outcome, Finished)
        for line in one.new_lines(status.output or one.output, ended=ended):
            self._output(one.job.run, "stdout", line)
        if status.state is not JobState.ABSENT:
            one.facts.problem = ""
        if status.state not in {JobState.ABSENT, JobState.PENDING} and not one.spawned:
            one.spawned = True
            self._report(Spawned(one.job.run, 0, 0, now - status.runtime))
        if isinstance(outcome, Finished) and not outcome.end.output:  # a job that is gone has no output any more
            outcome = replace(outcome, end=replace(outcome.end, output=one.output))
        if outcome is not None:
            self._end(one, outcome)

    def _end(self, one: EngineRun, outcome: Finished | Withdrawn) -> None:
        """Report how it ended."""
        if self.runs.pop(one.job.run.key, None) is None:
            return
        one.woken.set()
        if isinstance(outcome, Withdrawn):
            self._do(self._forget(one))
        else:
            self._unrecorded[one.job.run.key] = one
        self._report(outcome)

    async def _forget(self, one: EngineRun) -> None:
        with suppress(NoEngineAnswer, ResourceShortage):
            if one.facts.accepted:
                await one.client.forget(one.job)
        with suppress(OSError, RuntimeError):
            await in_thread(partial(self._notes.remove, one.job.run.run_id))

    def _is_active(self, one: EngineRun) -> bool:
        return self.runs.get(one.job.run.key) is one

    def _note_problem(self, one: EngineRun, problem: str) -> None:
        """Say in the journal, once, that nothing is known of a run at the moment."""
        if self._is_active(one) and not one.facts.problem:
            again = format_duration(one.engine.interval)
            self._output(one.job.run, "stderr", f"rocketd: {problem}; it is asked again at least every {again}")
        one.facts.problem = problem

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # a defect of ours
            asyncio.get_running_loop().call_exception_handler({"message": "an engine", "exception": error})
