"""What every executor does: one suite for the scripted fake, for real processes, units and jobs."""

import asyncio
import os
import re
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, Run, Usage
from rocketd.core.model.task import Command, Task
from rocketd.daemon.ports import Executor
from support.engines.cluster import Cluster
from support.engines.job_directory import JobDirectory
from support.executor_harness import (
    Make,
    Output,
    RealClock,
    World,
    a_run,
    handed_off,
    has_systemd,
    new_world,
    real,
    shell,
    units,
)
from support.fakes.executor import Script, ScriptedExecutor

SUCCEEDS = shell("exit 0")
FAILS = shell("exit 3")
PRINTS = shell("echo one; echo two >&2")
GOES_ON = shell("echo begun; exec sleep 1000")
KILLS_ITSELF = shell("kill -9 $$")
# It prints, after its own work and that of a child, how much CPU time the shell counts.
_COUNT = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"
WORKS = shell(f"{_COUNT}; sh -c '{_COUNT}'; times")
LACKS_DESCRIPTORS = shell("exit 0; lacking")
IS_MISSING = Command(("/no/such/program",))

SCRIPTS = {
    SUCCEEDS.argv: Script(),
    FAILS.argv: Script(exit_code=3),
    PRINTS.argv: Script(lines=(("stdout", "one"), ("stderr", "two"))),
    GOES_ON.argv: Script(lines=(("stdout", "begun"),), goes_on=True),
    KILLS_ITSELF.argv: Script(signal=9),
    WORKS.argv: Script(lines=(("stdout", "0m0.07s 0m0.00s"), ("stdout", "0m0.06s 0m0.01s")), usage=Usage(cpu=140_000)),
    LACKS_DESCRIPTORS.argv: Script(lacking="/bin/sh: Too many open files"),
    IS_MISSING.argv: Script(trouble="/no/such/program: No such file or directory"),
}


def fake(report: Report, output: Output) -> Executor:
    def script(task: Task, _run: Run) -> Script:
        assert isinstance(task.work, Command)
        return SCRIPTS[task.work.argv]

    loop = asyncio.get_running_loop()
    return ScriptedExecutor(report, output, script, lambda act: void(loop.call_soon(act)), RealClock().now)


def void(_value: object) -> None: ...


WITH_SYSTEMD = pytest.mark.skipif(not has_systemd(), reason="systemd has not booted this host: see tests/system")


@pytest.fixture(params=["fake", "real", pytest.param("unit", marks=WITH_SYSTEMD), "handed-off", "kubernetes"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "kubernetes":
        with Cluster(tmp_path) as cluster, new_world(partial(handed_off, jobs=cluster, notes=tmp_path)) as made:
            made.knows_signals = False  # a Job that is stopped is deleted
            yield made
        return
    with new_world(maker(request.param, tmp_path)) as made:
        yield made


@pytest.fixture(params=["fake", "real", pytest.param("unit", marks=WITH_SYSTEMD)])
def host_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """One whose runs are processes of this host, so that more is known of them."""
    with new_world(maker(request.param, tmp_path)) as made:
        yield made


def maker(name: str, directory: Path) -> Make:
    if name == "handed-off":
        return partial(handed_off, jobs=JobDirectory(directory), notes=directory)
    return {"fake": fake, "real": real, "unit": units}[name]


@pytest.fixture(params=[fake, real], ids=["fake", "real"])
def prompt_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """One whose executor starts runs itself, so that it knows at once: systemd answers later."""
    make: Make = request.param
    with new_world(make) as made:
        yield made


def test_a_run_is_spawned_and_then_finished_each_once(world: World) -> None:
    run = world.start(SUCCEEDS)
    world.end(run)
    assert [type(event) for event in world.events] == [Spawned, Finished]
    assert all(event.run == run for event in world.events)


def test_a_process_has_a_pid_and_a_start_time(host_world: World) -> None:
    world = host_world
    world.run(SUCCEEDS)
    [spawned] = [event for event in world.events if isinstance(event, Spawned)]
    assert spawned.pid > 1
    assert spawned.pid_start > 0
    assert abs(spawned.at - RealClock().now()) < MINUTE


def test_exit_code_zero_is_success(world: World) -> None:
    end = world.run(SUCCEEDS)
    assert (end.action, end.cause, end.exit_code, end.signal) == (Action.SUCCESS, Cause.EXIT, 0, None)


def test_another_exit_code_is_a_fail_and_is_kept(world: World) -> None:
    end = world.run(FAILS)
    assert (end.action, end.cause, end.exit_code, end.signal) == (Action.FAIL, Cause.EXIT, 3, None)


def test_the_task_says_which_exit_codes_mean_success(world: World) -> None:
    assert world.run(replace(FAILS, success_codes=frozenset({0, 3}))).action is Action.SUCCESS


def test_the_task_says_which_exit_codes_mean_that_there_was_nothing_to_do(world: World) -> None:
    assert world.run(replace(FAILS, inaction_codes=frozenset({3}))).action is Action.INACTION


def test_the_cpu_time_of_a_run_and_of_its_children_is_known(host_world: World) -> None:
    world = host_world
    end = world.run(WORKS)
    counted = sum(60 * int(minutes) + float(seconds) for minutes, seconds in re.findall(r"(\d+)m([\d.]+)s", end.output))
    assert counted > 0
    assert end.usage.cpu is not None
    assert end.usage.cpu / SECOND >= counted - 4 * 0.01  # the shell rounds each of its four numbers


def test_what_is_not_known_of_a_run_is_not_0(world: World) -> None:
    assert world.run(IS_MISSING).usage.memory is None


def test_a_signal_is_a_fail_without_exit_code(world: World) -> None:
    end = world.run(KILLS_ITSELF)
    assert (end.action, end.cause, end.exit_code, end.signal) == (Action.FAIL, Cause.EXIT, None, 9)


def test_every_line_is_told_before_the_end_and_kept_in_the_tail(world: World) -> None:
    run = world.start(PRINTS)
    end = world.end(run)
    assert sorted(world.printed_lines(run)) == ["one", "two"]
    assert sorted(end.output.splitlines()) == ["one", "two"]


def test_what_cannot_be_started_has_failed_and_says_why(host_world: World) -> None:
    world = host_world
    end = world.run(IS_MISSING)
    assert (end.action, end.cause, end.exit_code, end.signal) == (Action.FAIL, Cause.EXIT, None, None)
    assert end.message == "cannot start: /no/such/program: No such file or directory"
    assert [type(event) for event in world.events if not isinstance(event, Spawned)] == [Finished]


def test_what_cannot_be_started_for_want_of_what_the_host_must_give_is_withdrawn(prompt_world: World) -> None:
    world = prompt_world
    with no_more_descriptors():
        run = world.start(LACKS_DESCRIPTORS)
    [event] = world.events
    assert isinstance(event, Withdrawn)
    assert (event.run, event.cause, event.shared) == (run, Cause.SHORTAGE, True)
    assert event.reason == "/bin/sh: Too many open files"
    assert world.executor.active_count == 0


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.STOP_WHEN, Cause.OPERATOR, Cause.REPLACE])
def test_a_stopped_run_is_terminated_with_the_cause(world: World, cause: Cause) -> None:
    run = world.start(GOES_ON)
    world.printed(run, "begun")
    end = world.stopped(run, cause)
    assert (end.action, end.cause, end.signal) == (Action.TERMINATE, cause, 15 if world.knows_signals else None)
    assert end.output == "begun\n"


def test_a_run_that_the_daemons_own_stop_ends_has_crashed(world: World) -> None:
    run = world.start(GOES_ON)
    world.printed(run, "begun")
    assert world.stopped(run, Cause.SHUTDOWN).action is Action.CRASH


def test_a_second_stop_changes_nothing(world: World) -> None:
    run = world.start(GOES_ON)
    world.spawned(run)
    world.stop(run, Cause.TIMEOUT)
    assert world.stopped(run, Cause.OPERATOR).cause is Cause.TIMEOUT


def test_to_stop_a_run_that_has_ended_changes_nothing(world: World) -> None:
    run = world.start(SUCCEEDS)
    world.end(run)
    world.stop(run)
    assert world.run(SUCCEEDS).action is Action.SUCCESS
    assert len([event for event in world.events if event.run == run]) == 2


def test_a_stop_right_after_the_start_ends_the_run(world: World) -> None:
    assert world.stopped(world.start(GOES_ON)).action is Action.TERMINATE


def test_kill_ends_all_runs_as_crashed(world: World) -> None:
    runs = [world.start(GOES_ON) for _ in range(3)]
    for run in runs:
        world.spawned(run)
    world.call(world.executor.kill)
    assert {(end.action, end.cause) for end in map(world.end, runs)} == {(Action.CRASH, Cause.SHUTDOWN)}


def test_going_counts_the_runs_that_have_not_finished(world: World) -> None:
    assert world.executor.active_count == 0
    runs = [world.start(GOES_ON) for _ in range(2)]
    assert world.executor.active_count == 2
    world.stopped(runs[0])
    assert world.executor.active_count == 1
    world.run(IS_MISSING)
    assert world.executor.active_count == 1


def test_runs_of_one_task_do_not_know_of_each_other(world: World) -> None:
    task = Task("twin", GOES_ON)
    one, other = world.start(task), world.start(task)
    world.printed(other, "begun")
    world.stopped(one)
    assert world.executor.active_count == 1
    assert world.stopped(other).action is Action.TERMINATE


def test_runs_that_start_together_are_all_reported(world: World) -> None:
    tasks = [Task(f"t{number}", work) for number, work in enumerate([SUCCEEDS, IS_MISSING, GOES_ON, FAILS])]
    runs = [a_run(task) for task in tasks]
    world.call(start_together, world.executor, tasks, runs)
    world.printed(runs[2], "begun")
    assert [world.end(runs[number]).action for number in (0, 1, 3)] == [Action.SUCCESS, Action.FAIL, Action.FAIL]
    assert world.stopped(runs[2]).action is Action.TERMINATE
    assert [event.run for event in world.events if isinstance(event, Spawned)].count(runs[2]) == 1


def test_runs_that_start_together_are_reported_by_the_end_of_it_in_their_order(prompt_world: World) -> None:
    world = prompt_world
    tasks = [Task(f"t{number}", work) for number, work in enumerate([SUCCEEDS, IS_MISSING, GOES_ON, FAILS])]
    runs = [a_run(task) for task in tasks]
    world.call(start_together, world.executor, tasks, runs)
    told = [(event.run, type(event)) for event in world.events]
    kinds = [Spawned, Finished, Spawned, Spawned]
    begun = [one for one in told if one[1] is Spawned or one[0] == runs[1]]
    assert begun == list(zip(runs, kinds, strict=True))
    assert {world.end(runs[0]).action, world.end(runs[3]).action} == {Action.SUCCESS, Action.FAIL}


def start_together(executor: Executor, tasks: Sequence[Task], runs: Sequence[Run]) -> None:
    with executor.batch():
        for task, run in zip(tasks, runs, strict=True):
            executor.start(task, run)


def test_no_run_of_another_daemon_is_adopted(world: World) -> None:
    lost = OpenRun(a_run(Task("lost", SUCCEEDS)), "host", "boot", 1, 1)
    assert world.wait(world.executor.adopt([lost], {})) == {}


def test_there_is_nothing_to_clear_of_another_boot(world: World) -> None:
    lost = OpenRun(a_run(Task("lost", SUCCEEDS)), "host", "another boot", 1, 1)
    world.wait(world.executor.clean_up([lost]))
