"""The verbs, asked on the loop's own thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from rocketd.app.loop_ports import NullServiceManager
from rocketd.core.clock import Clock
from rocketd.core.errors import StoreError
from rocketd.core.instant import HOUR, SECOND, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.moment import Moment
from rocketd.core.model.records import Change, RunFilter, RunPage, RunView
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.run_figures import RunsOfStretch, RunSpans, SpanPlace
from rocketd.core.model.task import Command, Disabled, Task
from rocketd.core.model.verdict import AGAINST, Verdict
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.control import Control
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.explanation_pages import EXPLAINED_PER_TURN, PAGE_SIZE
from rocketd.daemon.json_format import EncodedItems, JsonObject
from rocketd.daemon.loop import Loop
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.retention import RetentionJob
from rocketd.daemon.task_list import ROWS_PER_TURN
from support.event_loop import looped
from support.fakes.executor import Script, ScriptedExecutor
from support.fakes.journal import ListJournal
from support.fakes.store import MemoryStore
from support.passed_by_hand import TaskFilesOf

NOW: Instant = 1_790_000_000 * SECOND
OFF = Disabled(Task("off", Command(("/bin/true",))), 3)


class EmptyLog:
    """A run log in which nothing was ever recorded."""

    def runs(self, wanted: RunFilter) -> Sequence[RunView]:  # noqa: ARG002 - whichever
        return []

    def page(self, wanted: RunFilter, after: int) -> RunPage:  # noqa: ARG002 - whichever
        return RunPage([], None)

    def runtimes(self, tasks: Sequence[str], limit: int) -> Mapping[str, Sequence[Duration]]:  # noqa: ARG002 - whichever
        return {task: [] for task in tasks}

    def stretches(self, begin: Instant, end: Instant, step: Duration, task: str) -> Sequence[RunsOfStretch]:  # noqa: ARG002
        return []

    def spans(self, begin: Instant, end: Instant, after: SpanPlace | None, limit: int) -> RunSpans:  # noqa: ARG002
        return RunSpans([], None)

    def count_old(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant) -> int:  # noqa: ARG002
        return 0


class LongClock(SystemClock):
    """By it everything takes a second."""

    def __init__(self) -> None:
        self.passed: Duration = 0

    def monotonic(self) -> Duration:
        self.passed += SECOND
        return self.passed


class Noted(Condition):
    """Never, and notes that it was asked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def judge(self, moment: Moment) -> Verdict:  # noqa: ARG002 - whichever
        self.asked.set()
        return Verdict(AGAINST)

    def __str__(self) -> str:
        return "noted"


@asynccontextmanager
async def control_of(
    scheduler: Scheduler, clock: Clock | None = None, store: MemoryStore | None = None
) -> AsyncIterator[Control]:
    clock = clock or SystemClock()
    loop = Loop(
        scheduler=scheduler, clock=clock, journal=ListJournal(), manager=NullServiceManager(), silenced=SilencedErrors()
    )
    recorder = RecordWriter(store or MemoryStore(), report_outage=loop.store_changed, on_fatal=loop.fail)
    executor = ScriptedExecutor(
        loop.handle_event, loop.handle_output, lambda *_: Script(goes_on=True), lambda _: None, clock.now
    )
    if store:
        loop.start(executor, recorder)

    retention = RetentionJob(
        recorder, scheduler.history, None, clock=clock, steadiness=loop.steadiness, journal=loop.journal, boot_id=""
    )
    yield Control(loop, EmptyLog(), EmptyLog(), retention, TaskFilesOf([OFF]), daemon_info=dict)
    await recorder.close()


class SlowStore(MemoryStore):
    """Writes once the gate is open, or fails with `error`."""

    def __init__(self, error: StoreError | None = None) -> None:
        super().__init__()
        self.gate, self.error = threading.Event(), error

    def write(self, changes: Sequence[Change]) -> None:
        assert self.gate.wait(60)
        if self.error is not None:
            raise self.error
        super().write(changes)


def a_scheduler(tasks: int) -> Scheduler:
    made = Scheduler(host="here", new_run_id=str, max_running=1)
    made.load([Task(f"t{number}", Command(("/bin/true",))) for number in range(tasks)], NOW, {})
    return made


@looped
async def test_a_long_list_of_tasks_leaves_the_loop_its_turns() -> None:
    async with control_of(a_scheduler(4 * ROWS_PER_TURN)) as control:
        turns, listing = 0, asyncio.create_task(control.listed.all_rows())
        while not listing.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 4
        assert len(listing.result()) == 4 * ROWS_PER_TURN + 1


@looped
async def test_tasks_that_a_reload_takes_away_while_they_are_listed_are_left_out() -> None:
    scheduler = a_scheduler(2 * ROWS_PER_TURN)
    async with control_of(scheduler) as control:
        listing = asyncio.create_task(control.listed.all_rows())
        await asyncio.sleep(0)
        scheduler.load([], NOW, {})
        assert len(await listing) == ROWS_PER_TURN


@looped
async def test_whoever_is_told_a_run_id_finds_the_run_in_the_log() -> None:
    store = SlowStore()
    async with control_of(a_scheduler(1), store=store) as control:
        asking = asyncio.create_task(control.start("t0", by="uid 0"))
        assert not (await asyncio.wait([asking], timeout=0.05))[0]
        store.gate.set()
        answer = await asking
        assert answer["waits"] is None
        assert [one.run.run_id for one in store.log if isinstance(one, Started)] == [answer["run_id"]]


@looped
async def test_a_start_that_cannot_be_recorded_gets_the_reason_and_no_run_id() -> None:
    store = SlowStore(StoreError("no space left on device", temporary=True))
    async with control_of(a_scheduler(1), store=store) as control:
        asking = asyncio.create_task(control.start("t0", by="uid 0"))
        store.gate.set()
        answer = await asking
        store.error = None
    assert answer["run_id"] is None
    assert str(answer["waits"]).endswith("no space left on device")


@looped
async def test_a_start_is_answered_in_bounded_time_while_its_record_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocketd.daemon.control.RECORD_TIMEOUT", 0.0)
    store = SlowStore()
    async with control_of(a_scheduler(1), store=store) as control:
        answer = await control.start("t0", by="uid 0")
        store.gate.set()
    assert answer["waits"] == "its record is still being written"
    assert [one.run.run_id for one in store.log if isinstance(one, Started)] == [answer["run_id"]]


def answers_of(page: JsonObject) -> list[JsonObject]:
    answers = page["answers"]
    assert isinstance(answers, EncodedItems)
    return [one for one in answers[:] if isinstance(one, dict)]


async def explained(control: Control) -> list[list[str]]:
    """Ask for one part after the other, and name the tasks of each."""
    parts: list[list[str]] = []
    after: object = ""
    while isinstance(after, str):
        part = await control.explained.page(after)
        parts.append([str(one["task"]) for one in answers_of(part)])
        after = part["next"]
    return parts


@looped
async def test_all_tasks_are_explained_by_name_so_many_at_a_time() -> None:
    names = sorted(f"t{number}" for number in range(PAGE_SIZE + 2))
    async with control_of(a_scheduler(PAGE_SIZE + 2)) as control:
        assert await explained(control) == [names[:PAGE_SIZE], names[PAGE_SIZE:]]


@looped
async def test_what_fits_one_part_has_no_other() -> None:
    for tasks in (0, 1, PAGE_SIZE):
        async with control_of(a_scheduler(tasks)) as control:
            assert [len(part) for part in await explained(control)] == [tasks]


@looped
async def test_an_explanation_is_the_one_that_is_given_for_the_task_alone() -> None:
    async with control_of(a_scheduler(1)) as control:
        assert answers_of(await control.explained.page("")) == [await control.why("t0", NOW)]


class MovedClock(SystemClock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.ahead: Duration = 0

    def now(self) -> Instant:
        return NOW + self.ahead

    def monotonic(self) -> Duration:
        return self.ahead

    def boottime(self) -> Duration:
        return self.ahead


@looped
async def test_an_explanation_that_is_kept_is_the_one_that_would_be_given_anew() -> None:
    words = ("daily", "every('1 h')", "cron('*/10 * * * *')", "after_success('t0')", "load below 1", "~running('t1')")
    scheduler, clock = a_scheduler(0), MovedClock()
    tasks = [Task(f"t{number}", Command(("/bin/true",)), parse(when)) for number, when in enumerate(words)]
    scheduler.load(tasks, clock.now() - 90 * SECOND, {})
    async with control_of(scheduler, clock) as control:

        async def check() -> None:
            assert answers_of(await control.explained.page("")) == [await control.why(task.name) for task in tasks]

        for hours in (0, 1, 2, 30):
            clock.ahead = hours * HOUR
            await check()
        scheduler.decide(clock.now())
        await check()
        scheduler.pause("t1", until=None, by="bob", reason="")
        await check()
        (run,) = scheduler.running_runs
        scheduler.learn(Finished(run, End(Action.SUCCESS, Cause.EXIT, clock.now(), 0)))
        await check()
        scheduler.drain()
        await check()


@looped
async def test_a_part_that_takes_long_has_fewer_and_nothing_is_left_out() -> None:
    async with control_of(a_scheduler(3), LongClock()) as control:
        assert await explained(control) == [["t0"], ["t1"], ["t2"]]


@looped
async def test_explaining_leaves_the_loop_its_turns_and_leaves_out_what_a_reload_takes_away() -> None:
    scheduler, first = a_scheduler(4 * EXPLAINED_PER_TURN), Noted()
    scheduler.load(
        [Task("a", Command(("/bin/true",)), first), *(entry.task for entry in scheduler.tasks.values())], NOW, {}
    )
    async with control_of(scheduler) as control:
        explaining = asyncio.create_task(control.explained.page(""))
        await first.asked.wait()
        scheduler.load([], NOW, {})
        told = await explaining
        assert len(answers_of(told)) == EXPLAINED_PER_TURN
        assert told["next"] is None
