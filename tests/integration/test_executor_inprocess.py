"""The executor of functions, as the loop uses it."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import NO_USAGE, Action, Cause, Run, Trigger
from rocketd.core.model.task import Call, Execution, Task
from rocketd.daemon.clock import SystemClock
from rocketd.executor.inprocess import strategies
from rocketd.executor.inprocess.call import BoundCall, CallOutcome
from rocketd.executor.inprocess.executor import InProcessExecutor
from support import importable_functions
from support.event_loop import looped


@dataclass
class World:
    """An executor, and what it reported."""

    function: Callable[..., object]
    heard: "asyncio.Queue[Spawned | Finished | Withdrawn]" = field(default_factory=asyncio.Queue)
    errands: list[BoundCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.executor = InProcessExecutor(self.heard.put_nowait, self, clock=SystemClock(), processes=2)

    def prepare(self, task: Task, run: Run) -> BoundCall:
        assert task.name == run.task
        self.errands.append(BoundCall(self.function, dict))
        return self.errands[-1]

    def handle_outcome(self, run: Run, outcome: CallOutcome) -> CallOutcome:
        assert run.number == 1
        return outcome

    def start(self, execution: Execution) -> Run:
        run = Run("task", 1, "run-id", 1, 0, 0, Trigger.SCHEDULE, "")
        self.executor.start(Task("task", Call(execution), kill_grace=100_000), run)
        return run

    async def end(self) -> Finished:
        event = await asyncio.wait_for(self.heard.get(), 60)
        while not isinstance(event, Finished):
            event = await asyncio.wait_for(self.heard.get(), 60)
        return event


async def forever() -> None:
    await asyncio.Event().wait()


@looped
async def test_a_run_counts_from_its_start_until_its_end_is_reported() -> None:
    world = World(lambda: None)
    world.start(Execution.THREAD)
    assert world.executor.active_count == 1
    finished = await world.end()
    assert (finished.end.action, finished.end.cause) == (Action.SUCCESS, Cause.EXIT)
    assert finished.end.runtime > 0
    assert world.executor.active_count == 0
    await world.executor.close()


@looped
@pytest.mark.parametrize("execution", [Execution.MAIN, Execution.THREAD, Execution.PROCESS])
async def test_the_cpu_time_of_a_function_is_known_where_no_other_runs_on_its_thread(execution: Execution) -> None:
    world = World(importable_functions.work)
    world.start(execution)
    usage = (await world.end()).end.usage
    assert usage.cpu is not None
    assert usage.cpu >= importable_functions.CPU_TIME // 1000
    assert (usage.memory is None) == (execution is not Execution.PROCESS)
    await world.executor.close()


@looped
async def test_the_cpu_time_of_a_coroutine_is_not_known() -> None:
    world = World(importable_functions.work_in_loop)
    world.start(Execution.ASYNC)
    assert (await world.end()).end.usage == NO_USAGE
    await world.executor.close()


@looped
async def test_a_second_stop_and_one_of_a_run_that_has_ended_change_nothing() -> None:
    world = World(forever)
    run = world.start(Execution.ASYNC)
    world.executor.stop(run, Cause.OPERATOR)
    world.executor.stop(run, Cause.SHUTDOWN)
    finished = await world.end()
    assert (finished.end.action, finished.end.cause) == (Action.TERMINATE, Cause.OPERATOR)
    world.executor.stop(run, Cause.SHUTDOWN)
    assert world.heard.empty()


@looped
@pytest.mark.parametrize("execution", [Execution.MAIN, Execution.ASYNC, Execution.PROCESS])
async def test_a_run_may_be_stopped_before_it_has_begun(execution: Execution) -> None:
    world = World(forever if execution is Execution.ASYNC else print)
    run = world.start(execution)
    world.executor.stop(run, Cause.OPERATOR)
    finished = await world.end()
    assert finished.end.action in {Action.TERMINATE, Action.SUCCESS}  # a process may have been quicker


@looped
async def test_a_thread_that_does_not_end_is_left_behind_when_everything_is_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strategies, "ABANDON_AFTER", 0.05)
    release = threading.Event()
    world = World(release.wait)
    world.start(Execution.THREAD)
    world.executor.kill()
    finished = await world.end()
    assert (finished.end.action, finished.end.cause) == (Action.CRASH, Cause.SHUTDOWN)
    assert "abandoned" in finished.end.message
    release.set()  # what it says now is said to nobody
    for thread in threading.enumerate():
        if thread.name == "task":
            await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert world.heard.empty()


@looped
async def test_system_exit_in_a_task_is_a_failure_of_the_task() -> None:
    def leaves() -> None:
        raise SystemExit(3)

    for execution in (Execution.THREAD, Execution.MAIN):
        world = World(leaves)
        world.start(execution)
        finished = await world.end()
        assert (finished.end.action, finished.end.message) == (Action.FAIL, "SystemExit: 3")


@looped
@pytest.mark.parametrize("execution", [Execution.MAIN, Execution.THREAD, Execution.PROCESS])
async def test_whatever_a_task_raises_ends_its_run(execution: Execution) -> None:
    """What derives from BaseException alone as well."""
    world = World(importable_functions.panics)
    world.start(execution)
    finished = await world.end()
    assert (finished.end.action, finished.end.message) == (Action.FAIL, "support.importable_functions.Panic: enough")


@looped
async def test_whatever_an_argument_raises_ends_the_run() -> None:
    world = World(print)
    call = BoundCall(print, importable_functions.panics)
    world.prepare = lambda task, run: call  # type: ignore[method-assign]  # noqa: ARG005 - one errand for all
    world.start(Execution.THREAD)
    finished = await world.end()
    assert finished.end.message == "could not be set up: support.importable_functions.Panic: enough"


@looped
async def test_a_note_is_not_taken_for_what_was_raised() -> None:
    def noted() -> None:
        error = ValueError("no such thing")
        error.add_note("in row 5")
        raise error

    world = World(noted)
    world.start(Execution.THREAD)
    finished = await world.end()
    assert finished.end.message == "ValueError: no such thing"
    assert "in row 5" in finished.end.exc_text


@looped
async def test_an_exception_that_cannot_be_brought_back_from_its_process_is_told_in_words() -> None:
    world = World(importable_functions.picky)
    world.start(Execution.PROCESS)
    finished = await world.end()
    assert finished.end.message == "RuntimeError: Picky: left and right"
    assert 'raise Picky("left", "right")' in finished.end.exc_text


@looped
async def test_what_stands_around_a_call_hears_what_it_raised() -> None:
    heard: list[type[BaseException] | None] = []

    class Around:
        def __enter__(self) -> None:
            heard.append(None)

        def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
            heard.append(kind)

    world = World(forever)
    call = BoundCall(lambda: 1 / 0, dict, context=Around())
    world.prepare = lambda task, run: call  # type: ignore[method-assign]  # noqa: ARG005 - one errand for all
    world.start(Execution.THREAD)
    await world.end()
    assert heard == [None, ZeroDivisionError]
