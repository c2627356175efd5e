"""Which runs are planned: the real scheduler, with what is recorded, and runs as long as usual.

This takes a second for thousands of tasks. So it is done in a thread that lets the loop go first, for one client at a
time, and what was found is kept for a while.
"""

import asyncio
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median_low
from typing import Final, NamedTuple, Protocol

from rocketd.background_threads import in_thread
from rocketd.core.instant import MINUTE, SECOND, Duration, Instant
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.json_format import Json, JsonObject, rfc3339
from rocketd.daemon.loop import Loop
from rocketd.daemon.recovery import RecoveryReader, recover_scheduler

MOST_STARTS: Final = 20_000
LONGEST: Final = 5.0
"""Seconds that a search may take."""
KEPT: Final[Duration] = MINUTE
"""For how long what was found is good, if no other tasks are loaded."""
SAMPLES: Final = 11
"""A run is expected to take as long as the median of so many."""
MOST_TOGETHER: Final = 200
"""Tasks that are simulated with a single one, because it waits for them."""
UNKNOWN: Final = ExpectedRun(SECOND)
PAGE_STARTS: Final = 1_000
STARTS_PER_TURN: Final = 1_000
"""Starts that are made into objects between two turns of the loop; about 2 ms."""


class PlanReader(RecoveryReader, Protocol):
    """Reads what is recorded."""

    def runtimes(self, tasks: Sequence[str], limit: int) -> Mapping[str, Sequence[Duration]]: ...


class PlannedStart(NamedTuple):
    """A run that is expected."""

    at: Instant
    task: str
    reason: str


class Plan(NamedTuple):
    """What was found."""

    made_at: Instant
    until: Instant
    starts: Sequence[PlannedStart]
    looked_until: Instant
    """Up to when all of them are there."""
    reloads: int


class PlannedStarts:
    """Foresees runs. On the loop's thread."""

    def __init__(self, loop: Loop, reader: PlanReader) -> None:
        """`reader` is used by this alone."""
        self._loop = loop
        self._reader = reader
        self._lock = asyncio.Lock()
        self._kept: Plan | None = None

    async def page(self, since: Instant, until: Instant, task: str, limit: int, after: int) -> JsonObject:
        """Return the planned starts between these instants, of one task or of all, from a place on.

        `complete` tells whether all of them were found; raises NoSuchTask, StoreError.
        """
        if until <= since:
            return {"starts": [], "next": None, "complete": True}
        plan = await (self._of_all(until) if not task else self._search(self._together(task), until))
        starts = [start for start in plan.starts if since <= start.at < until and task in {"", start.task}]
        listed: list[Json] = []
        for index, start in enumerate(starts[after : after + limit]):
            if index % STARTS_PER_TURN == STARTS_PER_TURN - 1:
                await asyncio.sleep(0)
            listed.append({"task": start.task, "at": rfc3339(start.at), "reason": start.reason})
        following = str(after + limit) if len(starts) > after + limit else None
        return {"starts": listed, "next": following, "complete": plan.looked_until >= until}

    async def _of_all(self, until: Instant) -> Plan:
        async with self._lock:
            kept, now = self._kept, self._loop.now()
            if (
                kept is None
                or kept.until < until
                or not kept.made_at <= now < kept.made_at + KEPT
                or kept.reloads != self._loop.events.reloads
            ):
                kept = self._kept = await self._find(tuple(self._loop.scheduler.tasks), until + 2 * KEPT)
            return kept

    async def _search(self, names: Sequence[str], until: Instant) -> Plan:
        async with self._lock:
            return await self._find(names, until)

    async def _find(self, names: Sequence[str], until: Instant) -> Plan:
        loop = self._loop
        tasks = [loop.scheduler.tasks[name].task for name in names if name in loop.scheduler.tasks]
        scheduler = Scheduler(
            host=platform.node(), new_run_id=lambda _: "", max_running=loop.scheduler.max_running, next_steps=0
        )
        now, reloads = loop.now(), loop.events.reloads
        search = partial(_search, self._reader, scheduler, tasks, now, until)
        starts, looked_until = await in_thread(search)
        return Plan(now, until, starts, looked_until, reloads)

    def _together(self, task: str) -> list[str]:
        """Return a task, and those for whose runs it waits, also through others."""
        names = {self._loop.scheduler.find(task).task.name: None}
        for name in (asked := list(names)):
            entry = self._loop.scheduler.tasks.get(name)
            for other in sorted(entry.watched_tasks) if entry and len(names) < MOST_TOGETHER else ():
                if other not in names and other in self._loop.scheduler.tasks:
                    names[other] = None
                    asked.append(other)
        return list(names)


def _search(
    reader: PlanReader, scheduler: Scheduler, tasks: Sequence[Task], now: Instant, until: Instant
) -> tuple[list[PlannedStart], Instant]:
    """Search, in a thread: returns what was found, and up to when that is all."""
    deadline = time.monotonic() + LONGEST
    runtimes = reader.runtimes([task.name for task in tasks], SAMPLES)
    recovered = recover_scheduler(reader, scheduler, tasks, now)
    names = {task.name for task in tasks}
    forecast = Forecast(scheduler, now, _course(runtimes))
    forecast.go_on([one.run for one in recovered.open_runs if one.run.task in names])
    found: list[PlannedStart] = []
    for run in forecast.runs(until):
        found.append(PlannedStart(run.start, run.task, run.reason))
        time.sleep(0)  # the loop goes first
        if len(found) >= MOST_STARTS or time.monotonic() > deadline:
            return found, forecast.now
    return found, until if forecast.complete else forecast.now


def _course(runtimes: Mapping[str, Sequence[Duration]]) -> Callable[[Run], ExpectedRun]:
    usual = {task: ExpectedRun(median_low(measured)) for task, measured in runtimes.items() if measured}
    return lambda run: usual.get(run.task, UNKNOWN)
