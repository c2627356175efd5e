"""Functions in a child interpreter: called, told, stopped; with or without this package beside them."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Function, Surroundings, Task
from support.executor_harness import World, new_world

MODULE = """
import asyncio, os, signal, subprocess, sys

class Inaction(Exception): ...
class TaskInactionException(Exception): ...
class Nothing(Inaction): ...

def greet(name, times=1):
    for _ in range(times):
        print("hello", name)

def print_by_turns():
    for number in range(4):
        print(number, file=(sys.stdout, sys.stderr)[number % 2])

def fail():
    raise ValueError("no good")

def chained():
    try:
        fail()
    except ValueError as error:
        raise RuntimeError("worse\\nby far") from error

def noted():
    error = ValueError("no good")
    if hasattr(error, "add_note"):
        error.add_note("in row 5")
    raise error

def generate():
    print("never")
    yield

async def generate_async():
    yield

def idle():
    raise Nothing("the queue is empty")

def idle_too():
    raise TaskInactionException

async def wait():
    await asyncio.sleep(0)
    print("waited")

def leave(code):
    sys.exit(code)

def drop():
    os._exit(4)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def look():
    print(sorted(os.listdir("/proc/self/fd"))[:-1], repr(sys.stdin.read()), sys.argv, os.getcwd() == sys.path[0])
    print("rocketd.core" in sys.modules, any("executor" in path for path in sys.path))

def beget():
    print(subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout.split())

def sleep():
    print("begun", flush=True)
    signal.pause()

def huge():
    raise ValueError("x" * 1_000_000)

def forge():
    os.write(3, b'{"inaction": 1, "message": 7, "exc_text": ["x"]}')

def garble():
    os.write(3, b"\\xff{" * 1000)
    raise SystemExit(1)

def nest():
    os.write(3, b"[" * 50_000)

class Group:
    @staticmethod
    def member():
        print("member")

number = 5
"""


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


@pytest.fixture
def module(tmp_path: Path) -> Surroundings:
    (tmp_path / "chores.py").write_text(MODULE)
    return Surroundings(directory=str(tmp_path))


def called(world: World, module: Surroundings, function: str, **parameters: object) -> End:
    return world.run(Function(f"chores:{function}", parameters=json.dumps(parameters), surroundings=module))


def test_a_function_is_called_with_its_parameters(world: World, module: Surroundings) -> None:
    end = called(world, module, "greet", name="wörld", times=2)
    assert (end.action, end.cause, end.exit_code) == (Action.SUCCESS, Cause.EXIT, 0)
    assert end.output == "hello wörld\nhello wörld\n"


def test_an_exception_is_a_fail_with_its_traceback(world: World, module: Surroundings) -> None:
    end = called(world, module, "fail")
    assert (end.action, end.exit_code, end.message) == (Action.FAIL, 1, "ValueError: no good")
    assert end.exc_text.startswith("Traceback (most recent call last):")
    assert 'raise ValueError("no good")' in end.exc_text


def test_the_traceback_begins_in_the_function_and_tells_the_cause(world: World, module: Surroundings) -> None:
    end = called(world, module, "chained")
    assert end.message == "RuntimeError: worse"
    assert "ValueError: no good" in end.exc_text
    assert "child.py" not in end.exc_text


def test_a_note_is_not_taken_for_what_was_raised(world: World, module: Surroundings) -> None:
    end = called(world, module, "noted")
    assert end.message == "ValueError: no good"
    assert "in row 5" in end.exc_text


@pytest.mark.parametrize("name", ["generate", "generate_async"])
def test_a_generator_of_which_nothing_would_run_has_failed(world: World, module: Surroundings, name: str) -> None:
    end = called(world, module, name)
    assert (end.action, end.message) == (
        Action.FAIL,
        f"TypeError: chores:{name} is a generator function: calling it does not run its body",
    )


@pytest.mark.parametrize(("name", "message"), [("idle", "the queue is empty"), ("idle_too", "")])
def test_an_inaction_exception_means_that_there_was_nothing_to_do(
    world: World, module: Surroundings, name: str, message: str
) -> None:
    end = called(world, module, name)
    assert (end.action, end.message, end.exc_text) == (Action.INACTION, message, "")


def test_a_function_may_be_async(world: World, module: Surroundings) -> None:
    assert called(world, module, "wait").output == "waited\n"


def test_what_a_function_prints_keeps_its_order(world: World, module: Surroundings) -> None:
    assert called(world, module, "print_by_turns").output == "0\n1\n2\n3\n"


def test_a_function_may_belong_to_a_class(world: World, module: Surroundings) -> None:
    assert called(world, module, "Group.member").output == "member\n"


def test_a_function_may_exit(world: World, module: Surroundings) -> None:
    assert called(world, module, "leave", code=0).action is Action.SUCCESS
    end = called(world, module, "leave", code=3)
    assert (end.action, end.exit_code) == (Action.FAIL, 3)
    assert called(world, module, "drop").exit_code == 4


def test_a_function_whose_process_dies_has_failed(world: World, module: Surroundings) -> None:
    end = called(world, module, "die")
    assert (end.action, end.exit_code, end.signal) == (Action.FAIL, None, 9)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_module:f", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("chores:no_such", "AttributeError: module 'chores' has no attribute 'no_such'"),
        ("chores:number", "TypeError: chores:number is not callable"),
        ("chores:greet", "TypeError: greet() missing 1 required positional argument: 'name'"),
    ],
)
def test_what_cannot_be_called_has_failed(world: World, module: Surroundings, path: str, message: str) -> None:
    end = world.run(Function(path, surroundings=module))
    assert (end.action, end.message) == (Action.FAIL, message)


def test_it_finds_a_process_like_that_of_a_command(world: World, module: Surroundings) -> None:
    """The task's directory is first in the path, as with `python -m`; only the import hook of this package is there."""
    end = called(world, module, "look")
    assert end.output.splitlines() == ["['0', '1', '2', '3'] '' ['chores:look'] True", "False False"]


def test_its_children_do_not_get_the_descriptor_of_its_report(world: World, module: Surroundings) -> None:
    assert called(world, module, "beget").output == "['0', '1', '2', '3']\n"  # 3 is that of ls itself


def test_a_function_is_stopped_like_a_command(world: World, module: Surroundings) -> None:
    run = world.start(Function("chores:sleep", surroundings=module))
    world.printed(run, "begun")
    end = world.stopped(run, Cause.TIMEOUT)
    assert (end.action, end.cause, end.signal) == (Action.TERMINATE, Cause.TIMEOUT, 15)


def test_a_huge_exception_is_cut_and_holds_up_nothing(world: World, module: Surroundings) -> None:
    end = called(world, module, "huge")
    assert (end.action, len(end.message)) == (Action.FAIL, 1000)
    assert 20_000 < len(end.exc_text) < 40_000


def test_what_a_function_forges_in_its_report_is_not_trusted(world: World, module: Surroundings) -> None:
    end = called(world, module, "forge")
    assert (end.action, end.message, end.exc_text) == (Action.SUCCESS, "", "")
    assert called(world, module, "garble").action is Action.FAIL
    assert called(world, module, "nest").action is Action.SUCCESS


def test_it_runs_under_an_interpreter_that_lacks_this_package(
    world: World, module: Surroundings, tmp_path: Path
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {shutil.which("python3", path="/usr/bin") or sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)
    end = world.run(Function("chores:greet", str(bare), '{"name": "you"}', module))
    assert (end.action, end.output) == (Action.SUCCESS, "hello you\n")


def test_an_interpreter_that_is_missing_is_named(world: World, module: Surroundings) -> None:
    end = world.run(Task("job", Function("chores:greet", "/no/such/python", "{}", module)))
    assert end.message == "cannot start: /no/such/python: No such file or directory"
