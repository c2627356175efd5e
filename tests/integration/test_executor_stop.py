"""Stopping: the whole tree, as far as Linux allows, and nothing else."""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.run import Action, Cause, Run
from rocketd.core.model.task import Command, Identity, Limit, Surroundings, Task
from support.executor_harness import World, alive, lives_with, new_world, shell

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def job(script: str, grace: int = 30 * SECOND) -> Task:
    return Task("job", shell(script), kill_grace=grace)


def begun(world: World, task: Task, *lines: str) -> Run:
    """Start it and wait until it has printed these lines."""
    run = world.start(task)
    for line in lines:
        world.printed(run, line)
    return run


def numbers(world: World, run: Run) -> list[int]:
    return [int(line) for line in world.printed_lines(run) if line.isdecimal()]


IGNORING = "trap '' TERM; "


# TERM, grace, KILL


def test_children_and_grandchildren_end_with_it(world: World) -> None:
    script = "sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; wait' & echo $!; echo begun; wait"
    run = begun(world, job(script), "begun")
    world.until(lambda: len(numbers(world, run)) == 3)
    end = world.stopped(run)
    assert (end.action, end.cause, end.signal) == (Action.TERMINATE, Cause.OPERATOR, signal.SIGTERM)
    assert not any(alive(pid) for pid in numbers(world, run))


def test_it_may_take_its_leave_and_its_exit_code_is_kept(world: World) -> None:
    code = """
import os, signal
def leave(*_):
    os.write(1, b"bye\\n")  # print would not bear being interrupted by itself
    os._exit(7)
signal.signal(signal.SIGTERM, leave)
print("begun", flush=True)
while True: signal.pause()
"""
    end = world.stopped(begun(world, python(code), "begun"))
    assert (end.action, end.exit_code, end.signal) == (Action.TERMINATE, 7, None)
    assert end.output == "begun\nbye\n"


def test_what_a_handler_of_term_begins_is_left_to_end_by_itself(world: World) -> None:
    """Its last duties; the group is theirs too by then."""
    code = """
import os, signal, subprocess
def leave(*_):
    subprocess.run(["sh", "-c", "trap 'echo hit' TERM; echo duties; sleep 0.5; echo done"])
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
print("begun", flush=True)
while True: signal.pause()
"""
    assert world.stopped(begun(world, python(code), "begun")).output == "begun\nduties\ndone\n"


def test_each_process_gets_one_term(world: World) -> None:
    """A second one would be taken for impatience: many programs stop at once then."""
    code = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"term\\n"))
print("begun", flush=True)
while True: signal.pause()
"""
    run = begun(world, python(code, SECOND // 2), "begun")
    assert world.stopped(run).output == "begun\nterm\n"


def test_what_ignores_term_is_killed_after_the_grace(world: World) -> None:
    run = begun(world, job(IGNORING + "echo begun; sleep 1000", SECOND // 10), "begun")
    end = world.stopped(run)
    assert (end.action, end.signal) == (Action.TERMINATE, signal.SIGKILL)


def test_a_child_that_ignores_term_delays_the_end_until_it_is_killed(world: World) -> None:
    """Or else the task could run again beside what is left of it."""
    script = "sh -c \"trap '' TERM; echo \\$\\$; exec sleep 1000 >&- 2>&-\" & wait"
    run = world.start(job(script, SECOND // 2))
    world.until(lambda: len(numbers(world, run)) == 1)
    end = world.stopped(run)
    assert (end.action, end.signal) == (Action.TERMINATE, signal.SIGTERM)
    assert not alive(numbers(world, run)[0])


def test_without_a_grace_it_is_killed_at_once(world: World) -> None:
    run = begun(world, job(IGNORING + "echo begun; exec sleep 1000", 0), "begun")
    assert world.stopped(run).signal == signal.SIGKILL


def test_kill_cuts_a_grace_short_and_keeps_the_cause(world: World) -> None:
    run = begun(world, job(IGNORING + "echo begun; sleep 1000", 3600 * SECOND), "begun")
    world.stop(run, Cause.TIMEOUT)
    world.call(world.executor.kill)
    end = world.end(run)
    assert (end.action, end.cause, end.signal) == (Action.TERMINATE, Cause.TIMEOUT, signal.SIGKILL)


def test_kill_ends_whole_trees(world: World) -> None:
    runs = [begun(world, job(IGNORING + "setsid sleep 1000 & echo $!; echo begun; wait"), "begun") for _ in range(3)]
    world.call(world.executor.kill)
    assert {world.end(run).action for run in runs} == {Action.CRASH}
    assert not any(alive(pid) for run in runs for pid in numbers(world, run))


def test_a_suspended_process_may_take_its_leave_too(world: World) -> None:
    run = world.start(job("trap 'exit 7' TERM; kill -STOP $$; exec sleep 1000"))
    os.waitid(os.P_PID, world.pid(run), os.WSTOPPED | os.WNOWAIT)
    assert world.stopped(run).exit_code == 7


@needs_root
def test_a_process_of_another_user_is_stopped_too(world: World) -> None:
    around = Surroundings(Identity(65534, 65534, (), "nobody", "/nonexistent", "/bin/sh"))
    work = replace(shell("echo begun; exec sleep 1000"), surroundings=around)
    assert world.stopped(begun(world, Task("job", work), "begun")).signal == signal.SIGTERM


# Those that get away


def test_a_child_in_a_session_of_its_own_ends_with_it(world: World) -> None:
    run = begun(world, job("setsid sleep 1000 & echo $!; echo begun; wait"), "begun")
    world.stopped(run)
    assert not alive(numbers(world, run)[0])


DAEMON = """
import os, sys
if os.fork(): os.wait(); print("begun", flush=True); os.execvp("sleep", ["sleep", "1000"])
os.setsid()
if os.fork(): os._exit(0)
os.execvpe("sh", ["sh", "-c", "echo $$; exec sleep 1000"], {environment})
"""


def python(code: str, grace: int = 30 * SECOND) -> Task:
    return Task("job", Command((sys.executable, "-c", code)), kill_grace=grace)


def test_an_orphan_in_a_session_of_its_own_ends_with_it(world: World) -> None:
    """A daemon's double fork: only its environment tells whose it is."""
    run = begun(world, python(DAEMON.format(environment="os.environ")), "begun")
    world.until(lambda: len(numbers(world, run)) == 1)
    world.stopped(run)
    assert not alive(numbers(world, run)[0])


def test_an_orphan_with_another_environment_too_gets_away(world: World) -> None:
    """How far it goes: new session, orphaned, variable gone. The service's control group gets it at the latest."""
    run = begun(world, python(DAEMON.format(environment="{'PATH': os.environ['PATH']}")), "begun")
    world.until(lambda: len(numbers(world, run)) == 1)
    world.stopped(run)
    [escaped] = numbers(world, run)
    assert alive(escaped)
    os.kill(escaped, signal.SIGKILL)


def test_a_child_with_another_session_and_environment_ends_with_it(world: World) -> None:
    """Its parent still lives when the run is stopped, and is looked at before it is told to end."""
    run = begun(world, job("env -i setsid sleep 1000 & echo $!; echo begun; wait"), "begun")
    world.stopped(run)
    assert not alive(numbers(world, run)[0])


def test_one_that_answers_term_by_forking_is_ended(world: World) -> None:
    code = """
import os, signal
def again(*_):
    if os.fork() == 0: os.setsid()
signal.signal(signal.SIGTERM, again)
os.setsid() if os.fork() == 0 else None
print("begun", flush=True)
while True: signal.pause()
"""
    run = begun(world, python(code, SECOND // 5), "begun")
    assert world.stopped(run).action is Action.TERMINATE
    assert lives_with(run) == []


def test_processes_that_revive_each_other_are_ended(world: World) -> None:
    """Each, in a session of its own, begets another when its mate dies: they must be frozen before they are killed."""
    code = """
import os, signal, socket
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def live(mate):
    while True:
        mate.recv(1)
        mate = beget()
def beget():
    mine, other = socket.socketpair()
    if os.fork() == 0:
        os.setsid()
        mine.close()
        live(other)
    return mine
print("begun", flush=True)
live(beget())
"""
    run = begun(world, python(code, SECOND // 5), "begun")
    assert world.stopped(run).action is Action.TERMINATE
    assert lives_with(run) == []


@needs_root
def test_a_fork_bomb_is_ended_and_the_others_do_not_notice(world: World) -> None:
    code = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("begun", flush=True)
while True:
    try:
        if os.fork() == 0: os.setsid()
    except OSError:
        signal.sigtimedwait([signal.SIGUSR1], 0.01)
"""
    nobody_else = Identity(64999, 64999, (64999,), "bomber", "/", "/bin/sh")
    around = Surroundings(nobody_else, limits=(Limit(resource.RLIMIT_NPROC, 200, 200),))
    bomb = Task("bomb", Command((sys.executable, "-c", code), surroundings=around), kill_grace=SECOND // 10)
    run = begun(world, bomb, "begun")
    assert world.run(shell("echo x")).output == "x\n"
    assert world.stopped(run).action is Action.TERMINATE
    assert lives_with(run) == []


# Nothing else


def test_what_does_not_belong_to_the_run_is_left_alone(world: World) -> None:
    other = begun(world, Task("other", shell("echo begun; exec sleep 1000")), "begun")
    world.stopped(begun(world, job("echo begun; exec sleep 1000"), "begun"))
    assert alive(world.pid(other))


def test_what_a_run_left_behind_when_it_ended_is_left_alone(world: World) -> None:
    end = world.run(shell("sleep 1000 > /dev/null 2>&1 & echo $!"))
    assert (end.action, end.message) == (Action.SUCCESS, "")
    assert alive(int(end.output))
    os.kill(int(end.output), signal.SIGKILL)


def test_a_hundred_stops_at_once_share_their_scans(world: World) -> None:
    runs = [world.start(job("exec sleep 1000")) for _ in range(100)]
    for run in runs:
        world.stop(run)
    assert {world.end(run).action for run in runs} == {Action.TERMINATE}
