"""Output files: complete, as they are, with the rights of the task's user, and whatever they do, holding up nobody."""

import asyncio
import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Command, Identity, Surroundings, Task
from support.executor_harness import World, new_world, shell

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run tasks as somebody else")
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = Surroundings(
    Identity(NOBODY.pw_uid, NOBODY.pw_gid, (NOBODY.pw_gid,), "nobody", "/nonexistent", "/bin/sh"), "/"
)


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        directory.chmod(0o755)  # or nobody could not get there
    return tmp_path / "log"


def writing(file: Path | str, script: str, **more: object) -> Task:
    return replace(Task("job", shell(script), output_file=str(file)), **more)  # type: ignore[arg-type] # fields of Task


def by_nobody(file: Path | str, script: str) -> Task:
    return Task("job", Command(("/bin/sh", "-c", script), surroundings=AS_NOBODY), output_file=str(file))


def told(world: World) -> list[str]:
    """What was said in the place of output."""
    return [line for _, line in world.lines if line.startswith("rocketd: ")]


# What is in it


def test_it_has_all_that_a_run_prints_byte_by_byte(world: World, file: Path) -> None:
    end = world.run(writing(file, r"printf 'one\n\377\033[31m\0two'; echo three >&2; printf 'no newline'"))
    assert (end.action, end.message) == (Action.SUCCESS, "")
    assert file.read_bytes() == b"one\n\xff\x1b[31m\0twothree\nno newline"


def test_it_has_what_goes_beyond_the_limit(world: World, file: Path) -> None:
    end = world.run(writing(file, "seq 300000", output_limit=1024))
    assert "beyond output_limit" in end.message
    assert file.read_bytes() == b"".join(b"%d\n" % number for number in range(1, 300_001))


def test_the_journal_need_have_none_of_it(world: World, file: Path) -> None:
    run = world.start(writing(file, "seq 1000", output_limit=0))
    assert (world.end(run).message, world.printed_lines(run)) == ("", [])
    assert file.read_text().endswith("\n1000\n")


def test_runs_append_to_it(world: World, file: Path) -> None:
    file.write_text("before\n")
    for word in ("one", "two"):
        assert world.run(writing(file, f"echo {word}")).message == ""
    assert file.read_text() == "before\none\ntwo\n"


def test_it_is_there_though_nothing_is_printed(world: World, file: Path) -> None:
    assert world.run(writing(file, "true")).message == ""
    assert file.read_bytes() == b""


def test_both_streams_go_there_even_if_they_are_told_apart(world: World, file: Path) -> None:
    world.run(writing(file, "echo out; echo err >&2", separate_stderr=True))
    assert sorted(file.read_text().split()) == ["err", "out"]


def test_its_name_may_tell_the_day_the_task_and_the_run(world: World, file: Path) -> None:
    run = world.start(writing(f"{file}-%Y-{{task}}-{{number}}-%%", "echo x"))
    world.end(run)
    [made] = file.parent.iterdir()
    assert made.name.startswith("log-20")
    assert made.name.endswith(f"-job-{run.number}-%")


def test_a_run_that_is_stopped_has_written_what_it_had_printed(world: World, file: Path) -> None:
    run = world.start(writing(file, "seq 100000; echo last; exec sleep 1000"))
    world.printed(run, "last")
    assert world.stopped(run).cause is Cause.OPERATOR
    assert file.read_text().endswith("\n100000\nlast\n")


# Rotation


def test_a_run_goes_on_in_the_new_file_when_its_file_is_moved(world: World, file: Path) -> None:
    """As by logrotate with `create` or without; nothing is lost, and nothing is written twice."""
    run = world.start(writing(file, "", work=in_directory(file, ROTATED)))
    written(world, file, "old")
    file.rename(file.with_name("log.1"))
    (file.parent / "fifo").write_text("go on\n")
    assert world.end(run).message == ""
    assert (file.with_name("log.1").read_text() + file.read_text()) == "old\nnew\n"
    assert file.read_text() == "new\n"


def test_a_file_that_is_truncated_goes_on_from_its_beginning(world: World, file: Path) -> None:
    """As by logrotate with `copytruncate`."""
    run = world.start(writing(file, "", work=in_directory(file, ROTATED)))
    written(world, file, "old")
    os.truncate(file, 0)
    (file.parent / "fifo").write_text("go on\n")
    assert world.end(run).message == ""
    assert file.read_text() == "new\n"


ROTATED = "mkfifo fifo; echo old; read line < fifo; echo new"


def in_directory(file: Path, script: str) -> Command:
    return Command(("/bin/sh", "-c", script), surroundings=Surroundings(directory=str(file.parent)))


def written(world: World, file: Path, line: str) -> None:
    """Wait until it has this line."""
    world.wait(asyncio.to_thread(until_written, file, line))


def until_written(file: Path, line: str) -> None:
    """Wait until it has this line, written by another process; the kernel tells tail(1), who need not look again."""
    words = ["timeout", "60", "tail", "--lines=+1", "--follow=name", "--retry", str(file)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as following:
        assert following.stdout is not None
        assert any(each == f"{line}\n" for each in following.stdout)
        following.terminate()


# Rights


@needs_root
def test_it_belongs_to_the_tasks_user_and_is_not_for_everybody(world: World, file: Path) -> None:
    os.chown(file.parent, NOBODY.pw_uid, NOBODY.pw_gid)
    assert world.run(by_nobody(file, "echo x")).message == ""
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (NOBODY.pw_uid, NOBODY.pw_gid, 0o640)


@needs_root
def test_a_file_that_its_user_may_not_write_to_is_not_written(world: World, file: Path) -> None:
    file.write_text("root's\n")
    end = world.run(by_nobody(file, "echo x"))
    assert (end.action, end.output) == (Action.SUCCESS, "x\n")
    assert end.message == f"{file} lacks 2 bytes of its output: Permission denied"
    assert file.read_text() == "root's\n"


@needs_root
@pytest.mark.parametrize("script", ["ln -s ../secret/log log", "ln -s secret below"])
def test_nobodys_link_leads_root_nowhere(world: World, file: Path, script: str) -> None:
    secret = file.parent / "secret"
    secret.mkdir(mode=0o700)
    os.chown(file.parent, NOBODY.pw_uid, NOBODY.pw_gid)
    subprocess.run(["sh", "-c", script], cwd=file.parent, user="nobody", check=True)
    path = file if "below" not in script else file.parent / "below" / "log"
    end = world.run(writing(path, "echo x"))
    assert end.message == (
        f"{path} lacks 2 bytes of its output: a symbolic link of user {NOBODY.pw_uid} is not followed"
    )
    assert list(secret.iterdir()) == []


@needs_root
@pytest.mark.parametrize(("owner", "mode"), [(NOBODY.pw_uid, 0o755), (0, 0o1777)])
def test_where_another_user_may_have_linked_it_a_file_with_two_names_is_not_written(
    world: World, file: Path, owner: int, mode: int
) -> None:
    secret = file.parent / "secret"
    secret.write_text("root's\n")
    file.hardlink_to(secret)
    os.chown(file.parent, owner, -1)
    file.parent.chmod(mode)
    assert "lacks 2 bytes of its output: it has several hard links" in world.run(writing(file, "echo x")).message
    assert secret.read_text() == "root's\n"


@needs_root
def test_a_file_with_two_names_is_written_where_only_root_may_have_linked_it(world: World, file: Path) -> None:
    file.touch()
    file.with_name("copy").hardlink_to(file)
    assert world.run(writing(file, "echo x")).message == ""
    assert file.read_text() == "x\n"


@needs_root
def test_roots_own_links_are_followed(world: World, file: Path) -> None:
    (file.parent / "there").mkdir()
    file.symlink_to("there/../there/log")
    assert world.run(writing(file, "echo x")).message == ""
    assert (file.parent / "there" / "log").read_text() == "x\n"


@needs_root
def test_links_that_lead_in_a_circle_lead_nowhere(world: World, file: Path) -> None:
    file.symlink_to(file)
    assert "Too many levels of symbolic links" in world.run(writing(file, "echo x")).message


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_not_even_opened(world: World, file: Path, make: object) -> None:
    assert callable(make)
    make(file)
    end = world.run(writing(file, "echo x"))
    assert end.message == f"{file} lacks 2 bytes of its output: not a regular file"


def test_a_device_is_no_place_for_output(world: World) -> None:
    end = world.run(writing("/dev/full", "echo x"))
    assert end.message == "/dev/full lacks 2 bytes of its output: not a regular file"


# Trouble


def test_where_there_is_no_directory_the_run_goes_on_and_says_so(world: World, file: Path) -> None:
    end = world.run(writing(file / "log", "echo x"))
    assert (end.action, end.output) == (Action.SUCCESS, "x\n")
    assert end.message == f"{file}/log lacks 2 bytes of its output: No such file or directory"
    assert told(world) == [f"rocketd: output cannot be written to {file}/log: No such file or directory"]


@needs_root
def test_on_a_full_disk_the_run_goes_on_and_says_how_much_is_missing(world: World, file: Path) -> None:
    disk = file.parent / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    try:
        end = world.run(writing(disk / "log", "seq 100000"))
        written = (disk / "log").stat().st_size
    finally:
        subprocess.run(["umount", disk], check=True)
    assert end.output.endswith("\n100000\n")
    assert written == 64 * 1024
    assert end.message == f"{disk}/log lacks 511 KiB of its output: No space left on device"
    assert told(world) == [f"rocketd: output cannot be written to {disk}/log: No space left on device"]


def test_a_writer_that_is_killed_is_missed_and_the_run_goes_on(world: World, file: Path) -> None:
    run = world.start(writing(file, "echo begun; exec sleep 1000"))
    world.printed(run, "begun")
    written(world, file, "begun")
    os.kill(writer_of(file), 9)
    world.until(lambda: told(world) != [])
    assert world.stopped(run).message == f"its output file {file} is incomplete: the process that writes it was killed"


LYING = """
import os, sys
for line in sys.argv[0:0] or LINES:
    os.write(1, line + b"\\n")
while os.read(3, 65536): pass
os.write(1, b'{"missing": 3, "trouble": "it is said"}\\n')
"""


@pytest.mark.parametrize(
    "lines",
    [
        [b"[" * 3000, b"7", b"[]", b"null", b"\xff\xfe", b""],
        [b'{"missing": 1' + b"0" * 4000 + b"}", b'{"missing": 1e999}', b'{"missing": -1}', b'{"missing": null}'],
        [b'{"trouble": "\\u001b[2J\\ud800' + b"x" * 3000 + b'"}', b'{"trouble": []}'],
        [b"x" * 100_000],
        [b'{"trouble": "again"}'] * 10_000,
    ],
    ids=["no objects", "numbers", "texts", "a long line", "many lines"],
)
def test_a_writer_that_lies_is_not_believed_much(
    world: World, file: Path, monkeypatch: pytest.MonkeyPatch, lines: list[bytes]
) -> None:
    """It is a process of the task's user, who may make it say anything."""
    program = file.with_name("writer.py")
    program.write_text(LYING.replace("sys.argv[0:0] or LINES", repr(lines)))
    monkeypatch.setattr("rocketd.executor.process.output_writer_process.WRITER", str(program))
    end = world.run(writing(file, "echo x"))
    assert end.message == f"{file} lacks 3 bytes of its output: it is said"
    assert all(line.isprintable() and len(line) < 500 for line in told(world))
    assert len(told(world)) <= 1


def test_a_file_that_takes_nothing_makes_its_own_task_wait_and_no_other(
    world: World, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rocketd.executor.process.output_file.REPORT_AFTER", 0.01)
    monkeypatch.setattr("rocketd.executor.process.output_file.STALL_TIMEOUT", 0.05)
    run = world.start(writing(file, "echo $$; kill -STOP $$; seq 1000000; echo last"))
    world.until(lambda: bool(world.printed_lines(run)))
    written(world, file, str(world.pid(run)))
    writer = writer_of(file)
    os.kill(writer, 19)  # it is in the place of a file server that does not answer
    os.kill(world.pid(run), 18)
    world.until(lambda: f"rocketd: the task is waiting for {file}, which accepts no data" in told(world))
    assert world.run(shell("echo x")).output == "x\n"
    assert "last" not in world.printed_lines(run)
    end = world.stopped(run)
    assert end.message == f"its output file {file} is incomplete: it accepted no data for 0s"
    os.kill(writer, 18)


def test_a_file_that_takes_again_gets_everything(world: World, file: Path) -> None:
    run = world.start(writing(file, "echo $$; kill -STOP $$; seq 500000"))
    world.until(lambda: bool(world.printed_lines(run)))
    written(world, file, str(world.pid(run)))
    writer = writer_of(file)
    os.kill(writer, 19)
    os.kill(world.pid(run), 18)
    world.run(shell("echo x"))
    os.kill(writer, 18)
    assert world.end(run).message == ""
    assert file.read_text() == f"{world.pid(run)}\n" + "".join(f"{number}\n" for number in range(1, 500_001))


def writer_of(file: Path) -> int:
    [writer] = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal() and writes(one, file)]
    return writer


def writes(process: Path, file: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[-2:-1] == [os.fsencode(file)] and b"writer.py" in b" ".join(words)


def test_no_descriptor_is_left(world: World, file: Path) -> None:
    world.run(writing(file, "echo x"))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers
    ends: list[End] = [world.run(writing(file, "echo x")) for _ in range(3)]
    ends.append(world.run(writing(file / "log", "echo x")))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above
    assert len(ends) == 4
