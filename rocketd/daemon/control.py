"""The administrator's verbs, whoever asks: the socket, the web, a program.

Called on the loop's thread.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.core.instant import Instant
from rocketd.core.instant_text import timestamp
from rocketd.core.messages import daemon_messages
from rocketd.core.model.events import Refusal, Start
from rocketd.core.model.run import Run
from rocketd.daemon.control_views import ControlViews
from rocketd.daemon.json_format import Json, JsonObject, rfc3339
from rocketd.daemon.log_reader import LogReader, RunReader
from rocketd.daemon.loop import Loop
from rocketd.daemon.planned_starts import PlannedStarts
from rocketd.daemon.retention import RetentionJob
from rocketd.daemon.retention_limit import oldest_kept
from rocketd.daemon.run_charts import RunCharts
from rocketd.daemon.task_file_source import TaskFileSource

RECORD_TIMEOUT: Final = 5.0
"""Seconds that the answer to a start waits for its record."""


class Control(ControlViews):
    """What an operator can see and do."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        loop: Loop,
        reader: RunReader,
        counter: RunReader,
        retention: RetentionJob,
        task_files: TaskFileSource,
        *,
        daemon_info: Callable[[], JsonObject],
    ) -> None:
        """`counter` is another reader: counting takes seconds, for which no other query can wait."""
        super().__init__(loop, reader, task_files, daemon_info=daemon_info)
        self._counting_reader = LogReader(counter, None)
        self.charts = RunCharts(loop, self._counting_reader)
        self.planned: PlannedStarts
        """Set by whoever has a reader for it."""
        self._retention = retention

    async def start(self, name: str, *, by: str, as_scheduled: bool = False) -> JsonObject:
        """Start a task now, or as soon as that can be recorded; raises NoSuchTask, Refused.

        Whoever gets the run id finds the run in the log: it has been recorded by then.
        """
        self._must_be_loaded(name)
        loop = self._loop
        prefix = "as scheduled, " if as_scheduled else ""
        decisions = loop.scheduler.run(name, loop.now(), f"{prefix}by hand, {by}", as_scheduled=as_scheduled)
        loop.carry_out(decisions)
        run = next((decision.run for decision in decisions if isinstance(decision, Start)), None)
        if run is None:
            admission = loop.scheduler.admission
            return _started(name, None, admission.closed or admission.shortage or "another requested run")
        try:
            async with asyncio.timeout(RECORD_TIMEOUT):
                withdrawn = await loop.pending_starts.until_recorded(run)
        except TimeoutError:
            return _started(name, run, "its record is still being written")
        return _started(name, None if withdrawn else run, withdrawn)

    def stop_task(self, name: str, *, by: str) -> JsonObject:
        """Stop every run of a task, also of one that is loaded no more; raises NoSuchTask, NoSuchRun."""
        if not any(run.task == name for run in self._loop.scheduler.running_runs):
            self._must_be_loaded(name)
        return self._stop(name, None, by)

    async def stop_run(self, reference: str, *, by: str) -> JsonObject:
        """Stop one run, given in the same way; raises NoSuchRun if it is not active."""
        for run in self._loop.scheduler.running_runs:
            if reference in (run.run_id, f"{run.task}/{run.number}"):
                return self._stop(run.task, run.number, by)
        run = (await self._find(reference)).run
        return self._stop(run.task, run.number, by)

    def _stop(self, name: str, number: int | None, by: str) -> JsonObject:
        loop = self._loop
        before = [run for run in loop.scheduler.running_runs if run.task == name and number in (None, run.number)]
        loop.carry_out(loop.scheduler.stop(name, number))
        for run in before:
            loop.journal.write(daemon_messages.stop_requested(run, by))
        return {"task": name, "stopping": [run.number for run in before]}

    def pause(self, name: str, *, by: str, until: Instant | None = None, reason: str = "") -> JsonObject:
        """Start nothing by the task's condition until then, or until it is resumed; raises NoSuchTask, Refused."""
        loop = self._loop
        self._must_be_loaded(name)
        if until is not None and until <= loop.now():
            raise Refusal(f"a pause must end in the future, not at {rfc3339(until)}")
        loop.record([loop.scheduler.pause(name, until=until, by=by, reason=reason)])
        until_text = timestamp(until) if until is not None else ""
        loop.journal.write(daemon_messages.paused(name, by, until_text, reason))
        loop.wake()
        return {"task": name, "paused": True, "paused_until": rfc3339(until)}

    def resume(self, name: str, *, by: str) -> JsonObject:
        """Go on with the task's schedule; raises NoSuchTask, Refused if it is not paused."""
        self._must_be_loaded(name)
        loop = self._loop
        loop.record([loop.scheduler.resume(name, loop.now())])
        loop.journal.write(daemon_messages.resumed(name, by))
        loop.wake()
        return {"task": name, "paused": False}

    async def prune(self, *, by: str, before: Instant | None = None, dry_run: bool = False) -> JsonObject:
        """Delete the records from before then, or those that are older than `keep`; raises Refused, StoreError.

        With `dry_run`, only count them.
        """
        loop, now = self._loop, self._loop.now()
        before = oldest_kept(self._retention.keep, before, now)
        old = await self._counting_reader.query(
            lambda counter: counter.count_old(before, self._retention.protected, now)
        )
        if old and not dry_run:
            await self._prune(before, now)
            loop.journal.write(daemon_messages.pruned(old, timestamp(before), by))
        return {"records": old, "before": rfc3339(before), "dry_run": dry_run}

    async def _prune(self, before: Instant, now: Instant) -> None:
        if trouble := self._loop.health.troubles.get("store"):
            raise StoreError(trouble, temporary=True)
        done = asyncio.get_running_loop().create_future()

        def on_pruned(complete: bool) -> None:  # noqa: FBT001 - the signature of the callback
            if not done.done():  # nobody waits any more if the daemon stops
                done.set_result(complete)

        self._retention.prune(before, now, on_pruned)
        if not await done:
            raise StoreError("the store failed: some old records are still there", temporary=True)

    async def reload(self, *, by: str) -> JsonObject:
        """Read the task files again; active runs continue."""
        self._loop.journal.write(daemon_messages.reload_requested(by))
        problems = await self._task_files.reload()
        listed: list[Json] = [{**problem.as_json()} for problem in problems]
        disabled = len(self._task_files.disabled)
        return {"tasks": len(self._loop.scheduler.tasks), "disabled": disabled, "problems": listed}


def _started(task: str, run: Run | None, waits: str) -> JsonObject:
    run_id, number = (run.run_id, run.number) if run else (None, None)
    return {"task": task, "run_id": run_id, "number": number, "waits": waits or None}
