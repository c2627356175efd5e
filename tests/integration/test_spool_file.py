"""A spool that somebody damaged, replaced or removed: what cannot be read is set aside and told, the rest goes in."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Change, RunFilter
from rocketd.core.model.run import Run, Trigger
from rocketd.daemon.store_writes import write_batches
from rocketd.store.rejected_lines import FILE_NAME as ASIDE
from rocketd.store.spool_file import FILE_NAME as SPOOL
from rocketd.store.spool_file import SpoolFile
from rocketd.store.spool_line import format_line
from rocketd.store.sqlite.store import SqliteStore
from support.builders import NOW, failed_run, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path)) as made:
        yield made


GOOD = [json.loads(format_line(failed_run(number))) for number in (1, 2, 3)]


def line(*path: str | int, value: object) -> bytes:
    """The second line, with one word of it changed."""
    changed: Any = deepcopy(GOOD[1])
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(changed).encode()


@pytest.mark.parametrize(
    "bad",
    [
        b'[{"kind": "Sneeze"}]',  # of a newer version
        b"",
        b"null",
        b"[1, 2]",
        b'{"kind": "Alive", "at": 1}',
        b'[{"kind": ["Alive"], "at": 1}]',
        b'[{"kind": "Alive"}]',
        b'[{"kind": "Alive", "at": 1, "more": 2}]',
        b'[{"kind": "Alive", "at": true}]',
        bytes(5000),
        b"\xff\xfe\xc3(",
        b"[" * 100_000,
        json.dumps(GOOD[1]).encode()[:-40],
        line(0, "run", "number", value="2x"),
        line(0, "run", "number", value=-2),
        line(0, "run", "number", value=2**70),
        line(0, "run", "trigger", value="scedule"),
        line(0, "run", "due", value=1e300),
        line(0, "run", value=None),
        line(1, "end", "action", value="succeeded"),
        line(1, "end", "cause", value=["exit"]),
        line(1, "end", "exit_code", value="0"),
        line(0, "run", "reason", value=None),
    ],
)
def test_a_line_that_cannot_be_read_is_set_aside_and_the_others_go_in(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / SPOOL).write_bytes(format_line(failed_run(1)) + bad + b"\n" + format_line(failed_run(3)))
    found: list[tuple[str, str]] = []
    given: list[Change] = []
    spool = SpoolFile(tmp_path, lambda *what: found.append(what))
    assert found == []
    spool.drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == [*failed_run(1), *failed_run(3)]
    assert not (tmp_path / SPOOL).exists()
    assert (tmp_path / ASIDE).read_bytes() == bad + b"\n"
    assert [about for about, _ in found] == ["spool"]
    SpoolFile(tmp_path, lambda *what: found.append(what))
    assert found == found[:1] * 2  # it is told at every start until somebody has looked


def test_a_line_that_is_far_too_long_is_set_aside_cut_off(tmp_path: Path) -> None:
    with (tmp_path / SPOOL).open("wb") as file:
        file.write(format_line(failed_run(1)))
        file.truncate(100_000_000)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + format_line(failed_run(3)))
    given: list[Change] = []
    SpoolFile(tmp_path).drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == [*failed_run(1), *failed_run(3)]
    assert (tmp_path / ASIDE).stat().st_size < 70_000_000


def test_many_changes_at_once_are_several_lines_none_too_long(tmp_path: Path) -> None:
    started, ended = failed_run(1)
    assert isinstance(ended, Finished)
    long = replace(ended, end=replace(ended.end, output="x" * 1_000_000))
    changes: list[Change] = [started, *[long] * 20]
    SpoolFile(tmp_path).append(changes)
    assert max(map(len, (tmp_path / SPOOL).read_bytes().splitlines())) < 9_000_000
    given: list[Change] = []
    SpoolFile(tmp_path).drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == changes


def test_what_is_set_aside_is_so_once_though_the_store_fails_meanwhile(tmp_path: Path) -> None:
    (tmp_path / SPOOL).write_bytes(b"rubbish\n" + format_line(failed_run(1)))
    spool = SpoolFile(tmp_path)
    for _ in range(3):
        with pytest.raises(StoreError):
            spool.drain(refuse)
    spool.drain(lambda _: None)
    assert (tmp_path / ASIDE).read_bytes() == b"rubbish\n"


def refuse(_: object) -> None:
    raise StoreError("not now", temporary=True)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_spool_that_is_no_file_is_moved_aside_and_told(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / SPOOL)
    found: list[tuple[str, str]] = []
    spool = SpoolFile(tmp_path, lambda *what: found.append(what))
    assert [about for about, _ in found] == ["spool"]
    spool.append(failed_run(1))
    given: list[Change] = []
    SpoolFile(tmp_path).drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == failed_run(1)


def test_a_spool_that_was_removed_while_records_waited_is_told_and_the_next_ones_go_on(tmp_path: Path) -> None:
    found: list[tuple[str, str]] = []
    spool = SpoolFile(tmp_path, lambda *what: found.append(what))
    spool.append(failed_run(1))
    (tmp_path / SPOOL).unlink()
    spool.drain(lambda _: pytest.fail("it is gone"))
    assert [about for about, _ in found] == ["spool"]
    assert spool.pending == 0
    spool.append(failed_run(2))
    given: list[Change] = []
    spool.drain(lambda calls: given.extend(change for call in calls for change in call))
    assert given == failed_run(2)


def test_a_start_whose_number_is_another_runs_by_now_is_set_aside(tmp_path: Path, store: SqliteStore) -> None:
    spool = SpoolFile(tmp_path)
    spool.append(failed_run(1))
    spool.append([Started(Run("backup", 2, "other", 1, NOW, NOW, Trigger.HAND, ""))])
    spool.append(failed_run(3))
    store.write(failed_run(2))
    spool.drain(lambda calls: write_batches(store, calls))
    assert [(view.run.number, view.run.run_id) for view in store.runs(RunFilter())] == [
        (number, run(number).run_id) for number in (3, 2, 1)
    ]
    assert b'"other"' in (tmp_path / ASIDE).read_bytes()
