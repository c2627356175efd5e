"""A daemon is killed in the middle of runs: the next one ends what it left behind, and nothing else."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest

from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.process.orphans import boot_id
from support.executor_harness import RealClock, World, a_run, alive, lives_with, new_world, shell


class Told(TypedDict):
    run_id: str
    pid: int
    pid_start: int


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def stand_in(script: str) -> None:
    """Be a daemon that starts one run, tells of it, and goes on until it is killed."""

    async def live() -> None:
        def report(event: Spawned | Finished | Withdrawn) -> None:
            assert isinstance(event, Spawned)
            told = Told(run_id=event.run.run_id, pid=event.pid, pid_start=event.pid_start)
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()

        def output(_run: Run, _stream: str, line: str) -> None:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

        task = Task("job", shell(script))
        ProcessExecutor(report, output, clock=RealClock()).start(task, a_run(task))
        await asyncio.get_running_loop().create_future()

    asyncio.run(live())


def killed_daemon(script: str) -> OpenRun:
    """Let a daemon run this script until it prints `begun`, and kill it; gives what its store would know."""
    argv = [sys.executable, "-c", f"import test_executor_leftovers as t; t.stand_in({script!r})"]
    path = os.pathsep.join([str(Path(__file__).parent), *(place for place in sys.path if place)])
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as daemon:
        assert daemon.stdout is not None
        told: Told = json.loads(daemon.stdout.readline())
        assert daemon.stdout.readline() == "begun\n"
        daemon.send_signal(signal.SIGKILL)
    return open_run(told)


def open_run(told: Told) -> OpenRun:
    run = Run("job", 1, told["run_id"], 1, 0, 0, a_run(Task("job", shell(""))).trigger, "")
    return OpenRun(run, os.uname().nodename, boot_id(), told["pid"], told["pid_start"])


def cleared(world: World, *runs: OpenRun) -> None:
    world.wait(world.executor.clean_up(runs))


TREE = "sleep 1000 & setsid sleep 1000 & (setsid sleep 1000 &); echo begun; wait"


def test_the_whole_tree_of_an_open_run_is_ended(world: World) -> None:
    left, end = killed_daemon(TREE), time.monotonic() + 60
    while len(lives_with(left.run)) < 4:  # one that has just been forked may be in the middle of its exec
        assert time.monotonic() < end
    cleared(world, left)
    assert lives_with(left.run) == []


def test_it_is_found_by_its_environment_where_no_pid_was_recorded(world: World) -> None:
    """The daemon died between the start of the process and the record of its pid."""
    left = killed_daemon(TREE)
    cleared(world, OpenRun(left.run, left.host, left.boot_id, 0, 0))
    assert lives_with(left.run) == []


def test_it_is_found_by_its_pid_where_the_environment_was_cleared(world: World) -> None:
    left = killed_daemon("echo begun; exec env -i sleep 1000")
    assert alive(left.pid)
    cleared(world, left)
    assert not alive(left.pid)


def test_the_boot_id_may_be_written_without_dashes(world: World) -> None:
    left = killed_daemon(TREE)
    cleared(world, OpenRun(left.run, left.host, left.boot_id.replace("-", ""), left.pid, left.pid_start))
    assert lives_with(left.run) == []


def test_several_open_runs_are_cleared_together(world: World) -> None:
    left = [killed_daemon(TREE) for _ in range(3)]
    cleared(world, *left)
    assert [lives_with(run.run) for run in left] == [[], [], []]


def test_a_pid_that_is_anothers_by_now_is_left_alone(world: World) -> None:
    """Its start time tells them apart."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        told = Told(run_id="gone", pid=stranger.pid, pid_start=1)
        cleared(world, open_run(told))
        assert alive(stranger.pid)
        stranger.kill()


def test_a_run_of_another_boot_is_left_alone(world: World) -> None:
    left = killed_daemon("echo begun; exec sleep 1000")
    cleared(world, OpenRun(left.run, left.host, "another-boot", left.pid, left.pid_start))
    assert alive(left.pid)
    cleared(world, left)


def test_an_open_run_that_left_nothing_is_no_trouble(world: World) -> None:
    cleared(world, open_run(Told(run_id="gone", pid=2**22 - 1, pid_start=1)))
