"""What runs once in a boot, whatever the clock does."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, get_ident

from rocketd.core.instant import DAY, SECOND
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, On, Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.boot_tasks import BootTasks
from rocketd.daemon.state_file_writer import StateFileWriter
from support.event_loop import looped

NOW = 1_790_000_000 * SECOND


def made(*runs: Run) -> Scheduler:
    """A scheduler with one task that runs at boot, and these runs of it in its past."""
    scheduler = Scheduler(host="", new_run_id=str)
    scheduler.load([Task("a", Command(("/bin/true",)), on=On.BOOT)], NOW, {})
    ends = [Finished(run, End(Action.SUCCESS, Cause.EXIT, run.start)) for run in runs]
    scheduler.replay([event for pair in zip(map(Started, runs), ends, strict=True) for event in pair], [], NOW)
    return scheduler


def run(number: int, start: int) -> Run:
    return Run("a", number, f"id-{number}", 1, start, start, Trigger.BOOT, "on boot")


def is_due(scheduler: Scheduler) -> bool:
    return bool(scheduler.find("a").forced)


def test_a_run_of_an_earlier_boot_does_not_count_though_the_clock_is_behind_since(tmp_path: Path) -> None:
    scheduler = made(run(1, NOW + 10 * DAY))
    BootTasks([tmp_path], "this").load(scheduler)
    assert is_due(scheduler)


def test_a_run_of_this_boot_counts_though_the_clock_was_ahead_when_it_began(tmp_path: Path) -> None:
    BootTasks([tmp_path], "this").load(made())
    again = made(run(1, NOW - 3650 * DAY))  # the daemon died right after its record
    BootTasks([tmp_path], "this").load(again)
    assert not is_due(again)
    BootTasks([tmp_path], "next").load(again)
    assert is_due(again)


def test_what_has_begun_stays_so_though_it_has_run_for_other_reasons_since(tmp_path: Path) -> None:
    boot, first = BootTasks([tmp_path], "this"), run(1, NOW)
    boot.load(made())
    boot.handle_event(Started(first))
    again = made(first, Run("a", 2, "id-2", 1, NOW, NOW, Trigger.SCHEDULE, "daily"))
    boot = BootTasks([tmp_path], "this")
    boot.load(again)
    boot.add_late(again, "a")
    assert not is_due(again)


@looped
async def test_its_file_is_written_beside_the_loop_and_the_newest_state_stays(tmp_path: Path) -> None:
    """A FIFO in the place of what is written holds up nobody."""
    part = tmp_path / "boot-id.part"
    os.mkfifo(part)
    said: list[str] = []
    writing = StateFileWriter(said.append)
    boot = BootTasks([tmp_path], "this", writing.put)
    boot.load(made())
    for number in range(1, 4):
        boot.handle_event(Started(run(number, NOW)))
    assert not said
    await writing.close()
    assert set(said) == {""}
    assert (tmp_path / "boot-id").read_text() == "this\n- a\n"


@looped
async def test_of_what_waits_only_the_newest_is_done_and_one_at_a_time() -> None:
    done, going = [], Event()
    writing = StateFileWriter(lambda _: None)

    def work(number: int) -> Callable[[], str]:
        def do() -> str:
            going.wait(30)
            done.append((number, get_ident()))
            return ""

        return do

    for number in range(5):
        writing.put(work(number))
    await asyncio.sleep(0)
    going.set()
    await writing.close()
    assert [number for number, _ in done] == [0, 4]
    assert get_ident() not in {thread for _, thread in done}
