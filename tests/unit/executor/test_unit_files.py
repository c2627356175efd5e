"""What the launcher of a unit is told, and what it tells: files of root alone."""

import os
import stat
from pathlib import Path

import pytest

from rocketd.core.model.task import Command, Task
from rocketd.executor.unit.drop_ins import DropInFiles
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_name import UnitNames


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return RunFiles(tmp_path)


def test_nobody_else_can_look_at_them(files: RunFiles) -> None:
    files.write("r", b"request")
    assert files.request("r").parent.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (files.request("r"), files.status("r"))] == [0o600, 0o600]


def test_a_request_is_gone_after_the_start_and_all_of_it_after_the_end(files: RunFiles) -> None:
    files.write("r", b"request")
    assert files.request("r").read_bytes() == b"request"
    files.remove_request("r")
    assert not files.request("r").exists()
    assert list(files.run_ids()) == ["r"]
    files.remove("r")
    assert list(files.run_ids()) == []


def test_what_is_there_is_not_written_over_and_nothing_is_left_of_a_try(files: RunFiles, tmp_path: Path) -> None:
    (tmp_path / "units").mkdir()
    files.request("r").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        files.write("r", b"request")
    assert not (tmp_path / "elsewhere").exists()
    assert list(files.run_ids()) == []


def test_without_a_runtime_directory_nothing_is_there_and_nothing_can_be_written(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "missing")
    assert list(files.run_ids()) == []
    with pytest.raises(FileNotFoundError):
        files.write("r", b"request")


def test_a_drop_in_is_written_once_changed_and_removed_with_its_table(tmp_path: Path) -> None:
    file = tmp_path / "rocketd-a-.service.d/50-rocketd.conf"
    task, plain = Task("a", Command(("true",)), unit=(("MemoryMax", "1G"),)), Task("a", Command(("true",)))
    DropInFiles(UnitNames(), tmp_path).update(task)
    assert file.read_text().splitlines()[1:] == ["[Service]", "MemoryMax=1G"]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    another = DropInFiles(UnitNames(), tmp_path)  # of the next daemon
    before = file.stat().st_mtime_ns
    another.update(task)
    assert file.stat().st_mtime_ns == before
    another.update(plain)
    assert not file.parent.exists()


def test_a_drop_in_of_the_administrator_beside_it_stays(tmp_path: Path) -> None:
    drop_ins = DropInFiles(UnitNames(), tmp_path)
    drop_ins.update(Task("a", Command(("true",)), unit=(("MemoryMax", "1G"),)))
    theirs = tmp_path / "rocketd-a-.service.d/99-theirs.conf"
    theirs.touch()
    drop_ins.update(Task("a", Command(("true",))))
    assert list(theirs.parent.iterdir()) == [theirs]


def test_what_a_task_of_one_daemon_says_is_not_about_that_of_another(tmp_path: Path) -> None:
    theirs = DropInFiles(UnitNames("rocketd:test"), tmp_path)
    theirs.update(Task("a", Command(("true",)), unit=(("MemoryMax", "1G"),)))
    DropInFiles(UnitNames(), tmp_path).update(Task("a", Command(("true",))))
    assert [file.name for file in tmp_path.iterdir()] == ["rocketd:test-a-.service.d"]


def test_what_a_command_prints_goes_through_a_fifo_that_nobody_else_can_open(files: RunFiles) -> None:
    files.write("r", b"request")
    descriptor = files.open_output("r")
    try:
        assert stat.S_ISFIFO(files.output("r").stat().st_mode)
        assert files.output("r").stat().st_mode & 0o777 == 0o600
        files.output("r").write_text("printed")
        assert os.read(descriptor, 100) == b"printed"
    finally:
        os.close(descriptor)
    files.remove("r")
    assert list(files.run_ids()) == []
