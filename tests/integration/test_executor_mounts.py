"""A file server that does not answer: whoever looks at its files hangs, but not the daemon."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Withdrawn
from rocketd.core.model.run import Action, Cause, Run
from rocketd.core.model.task import Command, Function, Identity, Surroundings, Task
from rocketd.executor.process import launcher_status
from rocketd.executor.process.network_mounts import Mounts, _unresponsive
from support.executor_harness import World, new_world, shell
from support.servers.dead_file_server import dead_server


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
    with dead_server(place):
        assert mounts.may_hang(str(place))
        assert mounts.may_hang(f"{place}/below/it")
        assert not mounts.may_hang(f"{place} too")
        assert not mounts.may_hang(str(place.parent))
    assert not mounts.may_hang(str(place))
    mounts.close()


def works(place: Path) -> dict[str, tuple[Command | Function, str]]:
    """What touches that place, and what is said of it."""
    home = Identity(os.geteuid(), os.getegid(), tuple(os.getgroups()), "somebody", str(place), "/bin/sh")
    link, script = place.with_name("link"), place.with_name("script")
    link.symlink_to(place)
    place.with_name("further").symlink_to("link/beyond")
    place.with_name("program").symlink_to(f"{link}/program")
    script.write_text(f"#!{link}/program\n")
    script.chmod(0o755)
    place.with_name("bin").mkdir()
    place.with_name("bin").joinpath("program").symlink_to(f"{link}/program")

    def inside(work: Command, **around: object) -> Command:
        return replace(work, surroundings=replace(Surroundings(), **around))  # type: ignore[arg-type] # its fields

    run = shell("true")
    return {
        "directory": (inside(run, directory=str(place)), f"directory {place}"),
        "home": (inside(run, identity=home), f"directory {place}"),
        "nice": (inside(run, directory=str(place), nice=3), f"directory {place}"),
        "program": (Command((f"{place}/program",)), f"program {place}/program"),
        "path": (inside(Command(("program",)), environment=(("PATH", f"{place}:/bin"),)), f"program {place}/program"),
        "environment file": (inside(run, environment_files=(f"{place}/a",)), f"environment file {place}/a"),
        "linked directory": (inside(run, directory=f"{link}/a"), f"directory {link}/a"),
        "further directory": (
            inside(run, directory=str(place.with_name("further"))),
            f"directory {place.parent}/further",
        ),
        "linked program": (Command((f"{place.parent}/program",)), f"program {place.parent}/program"),
        "linked path": (
            inside(Command(("program",)), environment=(("PATH", f"/nowhere:{place.parent}/bin"),)),
            f"program {place.parent}/bin/program",
        ),
        "relative path": (
            inside(Command(("program",)), directory=str(place.parent), environment=(("PATH", "bin"),)),
            "program bin/program",
        ),
        "linked environment file": (inside(run, environment_files=(f"-{link}/a",)), f"environment file {link}/a"),
        "#! line": (Command((str(script),)), f"program {script}"),
        "function": (Function("os:getpid", python=f"{link}/python"), f"program {link}/python"),
    }


def waits(world: World, run: Run) -> None:
    """Let it come to where it hangs."""
    while "fuse" not in Path(f"/proc/{world.pid(run)}/wchan").read_text():
        world.run(shell("true"))


KINDS = [
    *("directory", "home", "nice", "program", "path", "environment file", "linked directory", "further directory"),
    *("linked program", "linked path", "relative path", "linked environment file", "#! line", "function"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_hangs_there_hangs_alone_and_has_not_happened_by_its_timeout(
    world: World, place: Path, kind: str
) -> None:
    work, what = works(place)[kind]
    with dead_server(place):
        hung = world.start(Task("hung", work, kill_grace=SECOND // 10))
        assert world.run(shell("echo x")).output == "x\n"
        waits(world, hung)
        world.stop(hung, Cause.TIMEOUT)
        outcome = world.outcome(hung)
        assert isinstance(outcome, Withdrawn)
        assert outcome.reason == f"it had not begun: {what} did not answer"


def test_a_run_that_hangs_there_and_is_stopped_by_hand_says_what_it_waited_for(world: World, place: Path) -> None:
    with dead_server(place):
        hung = world.start(replace(shell("true"), surroundings=Surroundings(directory=str(place))))
        waits(world, hung)
        end = world.stopped(hung)
    assert (end.action, end.message) == (Action.TERMINATE, f"it had not begun: directory {place} did not answer")


def test_a_run_that_hangs_there_says_so_while_it_waits(
    world: World, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher_status, "REPORT_AFTER", 0.1)
    with dead_server(place):
        hung = world.start(replace(shell("true"), surroundings=Surroundings(directory=str(place))))
        world.printed(hung, f"rocketd: directory {place} does not answer, so the program has not begun")
        world.stopped(hung)


def test_an_overlay_over_what_may_hang_may_hang_as_well() -> None:
    mountinfo = (
        "1 0 0:1 / / rw - ext4 /dev/a rw\n"
        "2 1 0:2 / /far rw - nfs4 server:/far rw\n"
        "3 1 0:3 / /over rw - overlay overlay rw,lowerdir=/usr:/far/tree,upperdir=/up,workdir=/work\n"
        "4 1 0:4 / /near rw - overlay overlay rw,lowerdir=/usr,upperdir=/up,workdir=/work\n"
        "5 1 0:5 / /new\\040kind rw - somethingfs none rw\n"
    )
    assert _unresponsive(mountinfo) == ["/far/", "/over/", "/new kind/"]


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
