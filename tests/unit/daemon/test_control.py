"""The verbs, asked on the loop's own thread."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from fakes_journal import ListJournal
from fakes_store import MemoryStore
from looped import looped
from rocketd.app.ports import NoManager
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.records import RunFilter, RunPart, RunView
from rocketd.core.run import Action
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import Command, Disabled, Task
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.control import SLICE, Control, Problem
from rocketd.daemon.defects import Silence
from rocketd.daemon.loop import Loop
from rocketd.daemon.recorder import Recorder
from rocketd.daemon.retention import Retention

NOW: Instant = 1_790_000_000 * SECOND
OFF = Disabled(Task("off", Command(("/bin/true",))), 3)


class EmptyLog:
    """A run log in which nothing was ever recorded."""

    def runs(self, wanted: RunFilter) -> Sequence[RunView]:  # noqa: ARG002 - whichever
        return []

    def part(self, wanted: RunFilter, after: int) -> RunPart:  # noqa: ARG002 - whichever
        return RunPart([], None)

    def old(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant) -> int:  # noqa: ARG002
        return 0


@asynccontextmanager
async def control_of(scheduler: Scheduler) -> AsyncIterator[Control]:
    loop = Loop(scheduler=scheduler, clock=SystemClock(), journal=ListJournal(), manager=NoManager(), silence=Silence())
    recorder = Recorder(MemoryStore(), trouble=lambda *_: None, fatal=loop.fail)

    async def reload() -> Sequence[Problem]:
        return []

    retention = Retention(recorder, scheduler.history, None, NOW)
    yield Control(loop, EmptyLog(), EmptyLog(), retention, reload=reload, about=dict, disabled=lambda: [OFF])
    await recorder.close()


def a_scheduler(tasks: int) -> Scheduler:
    made = Scheduler(host="here", new_run_id=str, max_running=1)
    made.load([Task(f"t{number}", Command(("/bin/true",))) for number in range(tasks)], NOW, {})
    return made


@looped
async def test_a_long_list_of_tasks_leaves_the_loop_its_turns() -> None:
    async with control_of(a_scheduler(4 * SLICE)) as control:
        turns, listing = 0, asyncio.create_task(control.tasks())
        while not listing.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 4
        assert len(listing.result()) == 4 * SLICE + 1


@looped
async def test_tasks_that_a_reload_takes_away_while_they_are_listed_are_left_out() -> None:
    scheduler = a_scheduler(2 * SLICE)
    async with control_of(scheduler) as control:
        listing = asyncio.create_task(control.tasks())
        await asyncio.sleep(0)
        scheduler.load([], NOW, {})
        assert len(await listing) == SLICE
