"""A file server that does not answer: whoever looks at its files hangs, but not the daemon.

It is played by a FUSE mount whose server, the test, never answers.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from executor_world import World, new_world, shell
from rocketd.core.instant import SECOND
from rocketd.core.run import Action
from rocketd.core.task import Command, Identity, Surroundings, Task
from rocketd.executor.mounts import Mounts

MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def mounted(place: Path) -> Iterator[None]:
    """Make every look at that directory hang; what hangs there afterwards gets an error."""
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other"
    if LIBC.mount(b"dead", os.fsencode(place), b"fuse.dead", 0, options.encode()) != 0:
        pytest.skip(f"not allowed to mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        LIBC.umount2(os.fsencode(place), MNT_DETACH)
        os.close(server)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "dead server"
    found.mkdir()
    return found


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def test_a_mount_that_may_hang_is_noticed_when_it_comes_and_when_it_goes(place: Path) -> None:
    mounts = Mounts()
    assert not mounts.may_hang(str(place))
    with mounted(place):
        assert mounts.may_hang(str(place))
        assert mounts.may_hang(f"{place}/below/it")
        assert not mounts.may_hang(f"{place} too")
        assert not mounts.may_hang(str(place.parent))
    assert not mounts.may_hang(str(place))
    mounts.close()


def works(place: Path) -> list[Command]:
    home = Identity(os.geteuid(), os.getegid(), tuple(os.getgroups()), "somebody", str(place), "/bin/sh")
    return [
        replace(shell("true"), surroundings=Surroundings(directory=str(place))),
        replace(shell("true"), surroundings=Surroundings(identity=home)),
        replace(shell("true"), surroundings=Surroundings(directory=str(place), nice=3)),
        Command((f"{place}/program",)),
        Command(("program",), surroundings=Surroundings(environment=(("PATH", f"{place}:/bin"),))),
        replace(shell("true"), surroundings=Surroundings(environment_files=(f"{place}/variables",))),
    ]


AWAITED = ["directory {}", "directory {}", "directory {}", *["program {}/program"] * 2, "environment file {}/variables"]


@pytest.mark.parametrize("which", range(6), ids=["directory", "home", "nice", "program", "path", "environment file"])
def test_a_run_that_hangs_there_hangs_alone_and_is_ended_by_its_timeout(world: World, place: Path, which: int) -> None:
    with mounted(place):
        hung = world.start(Task("hung", works(place)[which], kill_grace=SECOND // 10))
        assert world.run(shell("echo x")).output == "x\n"
        while "fuse" not in Path(f"/proc/{world.pid(hung)}/wchan").read_text():  # it is on its way there
            world.run(shell("true"))
        end = world.stopped(hung)
        assert end.action is Action.TERMINATE
        assert end.message == f"it had not begun: {AWAITED[which].format(place)} did not answer"


@pytest.fixture
def far(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which every path may hang, and none does."""
    monkeypatch.setattr(Mounts, "may_hang", lambda _self, *_paths: True)
    return world


def test_the_child_itself_enters_a_directory_that_may_hang(far: World, tmp_path: Path) -> None:
    work = Command(("./program", "a b"), surroundings=Surroundings(directory=str(tmp_path)))
    (tmp_path / "program").write_text('#!/bin/sh\npwd; echo "$1"\n')
    (tmp_path / "program").chmod(0o755)
    assert far.run(work).output == f"{tmp_path}\na b\n"


def test_an_environment_file_is_read_from_where_it_may_hang(far: World, tmp_path: Path) -> None:
    file = tmp_path / "variables"
    work = replace(shell("echo $WHO"), surroundings=Surroundings(environment_files=(str(file),)))
    for who in ("one", "another"):
        file.write_text(f"WHO={who}\n")
        assert far.run(work).output == f"{who}\n"
    file.unlink()
    assert far.run(work).message == f"cannot start: environment file {file}: No such file or directory"


def test_the_child_itself_says_what_is_not_there(far: World) -> None:
    missing = replace(shell("true"), surroundings=Surroundings(directory="/no/such"))
    assert far.run(missing).message == "cannot start: directory /no/such: No such file or directory"
    end = far.run(Command(("/no/such/program",)))
    assert end.message == "cannot start: /no/such/program: No such file or directory"
    message = far.run(Command(("missing",))).message
    assert message.startswith("cannot start: missing: not found in /usr/local/sbin:")
