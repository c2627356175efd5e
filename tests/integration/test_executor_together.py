"""Runs that start at the same time, as those of one pass of the loop do."""

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.core.model.events import Finished, Report, Spawned
from rocketd.core.model.run import Action, Run
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.executor.process.executor import MAX_PENDING, ProcessExecutor
from rocketd.executor.process.spawner import raise_open_files
from support.executor_harness import Output, RealClock, World, a_run, new_world, shell

MANY = 3 * MAX_PENDING + 1


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def open_descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def start(world: World, *works: Command) -> list[Run]:
    """Start these together; nothing else has happened when it returns."""
    tasks = [Task(f"job{number}", work) for number, work in enumerate(works)]
    runs = [a_run(task) for task in tasks]

    def together() -> None:
        with world.executor.batch():
            for task, run in zip(tasks, runs, strict=True):
                world.executor.start(task, run)

    world.call(together)
    return runs


def test_each_has_its_own_directory_umask_and_output(world: World, tmp_path: Path) -> None:
    places = [tmp_path / f"{number}" for number in range(MANY)]
    masks = [0o022, 0o077, 0o027, 0o002]
    for place in places:
        place.mkdir()
    works = [
        replace(shell("pwd; umask"), surroundings=Surroundings(directory=str(place), umask=masks[number % 4]))
        for number, place in enumerate(places)
    ]
    runs = start(world, *works)
    for number, run in enumerate(runs):
        assert world.end(run).output.split() == [str(places[number]), f"{masks[number % 4]:04o}"]
    assert Path.cwd() != places[-1]


def test_each_knows_its_start_time_and_none_gets_a_descriptor_of_another(world: World) -> None:
    runs = start(world, *[shell("ls /proc/self/fd; cut -d' ' -f22 /proc/$$/stat")] * MANY)
    for run in runs:
        *descriptors, began = world.end(run).output.split()
        [start_time] = [event.pid_start for event in world.events if isinstance(event, Spawned) and event.run == run]
        assert descriptors == ["0", "1", "2", "3"]  # the fourth is the directory that `ls` reads
        assert start_time == int(began)


def test_each_has_the_limit_of_open_files_from_before_it_was_raised_as_soon_as_it_is_there() -> None:
    def make(report: Report, output: Output) -> ProcessExecutor:
        return ProcessExecutor(report, output, clock=RealClock(), open_files=raise_open_files())

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        with new_world(make) as world:
            runs = start(world, *[shell("ulimit -Sn")] * MANY)
            assert {world.end(run).output for run in runs} == {"1000\n"}
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_those_that_cannot_be_started_keep_nobody_from_it_and_leave_nothing_open(world: World) -> None:
    missing, good = Command(("/no/such/program",)), shell("exit 0")
    for run in start(world, *[good] * MANY):  # the threads are there from now on
        world.end(run)
    before = open_descriptors()
    runs = start(
        world, *[missing, good] * MAX_PENDING, replace(good, surroundings=Surroundings(directory="/no/such/place"))
    )
    ends = [world.end(run) for run in runs]
    expected = [*[Action.FAIL, Action.SUCCESS] * MAX_PENDING, Action.FAIL]
    assert [end.action for end in ends] == expected
    assert ends[0].message == "cannot start: /no/such/program: No such file or directory"
    assert ends[-1].message == "cannot start: directory /no/such/place: No such file or directory"
    assert open_descriptors() == before


def test_none_of_them_inherits_the_daemons_protection_and_the_daemon_keeps_it() -> None:
    own = Path("/proc/self/oom_score_adj")
    before = own.read_text()
    try:
        own.write_text("-500")
    except OSError:
        pytest.skip("only the administrator may protect a process from the OOM killer")
    try:
        with new_world() as protected:
            runs = start(protected, *[shell("cat /proc/self/oom_score_adj")] * MANY)
            assert {protected.end(run).output for run in runs} == {"0\n"}
            assert own.read_text() == "-500\n"
    finally:
        own.write_text(before)


def test_until_it_is_reported_each_counts_as_going_on(world: World) -> None:
    counted: list[int] = []
    task = Task("job", shell("exit 0"))

    def together() -> None:
        with world.executor.batch():
            for _ in range(3):
                world.executor.start(task, a_run(task))
            counted.append(world.executor.active_count)

    world.call(together)
    assert counted == [3]
    world.until(lambda: len([event for event in world.events if isinstance(event, Finished)]) == 3)
    assert world.executor.active_count == 0
