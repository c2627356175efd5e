"""Repositories in files: what a full disk or a kill leaves half there harms neither it nor what comes after it."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.log import MinimalRecord, RunRecord
from rocketd.repos import CSVFileRepo, JSONDirectoryRepo, MemoryRepo
from rocketd.store.redbird.compat import BaseRepo
from support.replicated_stores import Heard, opened, read_back

NOW = 1_790_000_000 * SECOND
HERE = Path(__file__).parent
FULL = OSError(errno.ENOSPC, "No space left on device")


def whole(number: int, output: str = 'said "no",\nand\r\nwent') -> list[Change]:
    at = NOW + number * SECOND
    run = Run("backup", number, f"id-{number}", 1, at, at, Trigger.SCHEDULE, "daily")
    return [Started(run), Finished(run, End(Action.SUCCESS, Cause.EXIT, at + 1, output=output))]


def kept(repo: BaseRepo) -> list[tuple[str, int]]:
    records = sorted(repo.filter_by().all(), key=lambda one: one.created)  # type: ignore[attr-defined] # records
    return [(one.action, one.number) for one in records]  # type: ignore[attr-defined] # as above


ALL = [("run", 1), ("success", 1), ("run", 2), ("success", 2), ("run", 3), ("success", 3)]


@pytest.fixture
def cut() -> Iterator[list[int]]:
    """How much of the next records gets into the file: bytes, or from the end."""
    left: list[int] = []
    yield left
    assert not left


def csv_file(directory: Path, cut: list[int]) -> BaseRepo:
    class Short(CSVFileRepo):  # type: ignore[misc,valid-type] # a Red Bird repository
        def append_file(self, item: object) -> None:
            before = self.filename.stat().st_size
            super().append_file(item)
            if cut and "success" in str(item):
                wanted = cut.pop(0)
                os.truncate(self.filename, wanted + (before if wanted >= 0 else self.filename.stat().st_size))
                raise FULL

    return Short(filename=directory / "log.csv", model=RunRecord)


def json_files(directory: Path, cut: list[int]) -> BaseRepo:
    class Short(JSONDirectoryRepo):  # type: ignore[misc,valid-type] # a Red Bird repository
        def write_file(self, item: object) -> None:
            super().write_file(item)
            if cut and "success" in str(item):
                path, wanted = self.get_file_path(item.id), cut.pop(0)  # type: ignore[attr-defined] # a record
                os.truncate(path, wanted if wanted >= 0 else path.stat().st_size + wanted)
                raise FULL

    (directory / "records").mkdir()
    return Short(path=directory / "records", model=RunRecord, id_field="id")


@pytest.mark.parametrize("make", [csv_file, json_files])
@pytest.mark.parametrize("wanted", [0, 1, 40, -30, -2, -1])
def test_half_a_record_goes_and_comes_again_whole(
    tmp_path: Path, cut: list[int], make: Callable[[Path, list[int]], BaseRepo], wanted: int
) -> None:
    repo, heard = make(tmp_path, cut), Heard()
    cut += [wanted, wanted]
    with opened(tmp_path / "a", lambda: repo, heard=heard) as store:
        store.write([*whole(1), *whole(2), *whole(3)])
        heard.until(lambda away: away is None)
    assert kept(repo) == ALL


def test_a_line_of_somebody_else_without_an_end_is_moved_aside(tmp_path: Path) -> None:
    """Nobody can tell it from half a record of an earlier life, which the next record would be glued to."""
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRecord)
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(whole(1))
    with (tmp_path / "log.csv").open("a") as file:
        file.write("by hand,run,1.0")
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 2
    assert "by hand" not in (tmp_path / "log.csv").read_text()
    assert (tmp_path / "log.csv.half").read_text() == "by hand,run,1.0\n"


def test_a_daemon_that_is_killed_while_it_writes_the_file_anew_loses_none_of_it(tmp_path: Path) -> None:
    script = """
import os, sys
sys.path[:0] = sys.argv[2:]
from test_store_half_written import *
class Deadly(CSVFileRepo):
    def write_file(self, items):
        self.filename.write_text("task_name")
        os.kill(os.getpid(), 9)
directory = Path(sys.argv[1])
with opened(directory / "a", lambda: Deadly(filename=directory / "log.csv", model=RunRecord)) as store:
    store.write([*whole(1), *whole(2), *whole(3)])
    while store.prune(NOW + 2 * SECOND, {}, NOW + 9 * SECOND, 100):
        pass
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path, HERE, HERE.parent], check=False)
    assert done.returncode == -9
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=RunRecord)
    with opened(tmp_path / "a", lambda: repo):
        pass
    assert kept(repo) == ALL


def test_a_long_output_can_be_read_again(tmp_path: Path) -> None:
    repo, output = CSVFileRepo(filename=tmp_path / "log.csv", model=RunRecord), "x" * 200_000
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(whole(1, output))
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 2


def test_a_text_that_a_database_does_not_take_holds_up_nothing(tmp_path: Path) -> None:
    """PostgreSQL has no text with a NUL, and no database has one that is no UTF-8."""

    class Strict(MemoryRepo):  # type: ignore[misc,valid-type] # a Red Bird repository
        def insert(self, item: object) -> None:
            for text in (item.output or "", item.reason or ""):  # type: ignore[attr-defined] # a record
                text.encode()
                if "\0" in text:
                    raise ValueError("A string literal cannot contain NUL (0x00) characters.")
            super().insert(item)

    started, finished = whole(1, "a\0b")
    assert isinstance(started, Started)
    repo = Strict(model=RunRecord)
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([Started(replace(started.run, reason="\udcff")), finished])
    assert [(one.output, one.reason) for one in repo.filter_by().all()] == [(None, r"\udcff"), (r"a\x00b", "daily")]
