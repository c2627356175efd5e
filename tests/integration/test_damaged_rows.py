# ruff: noqa: S608 - statements are joined from names of these tests alone

"""One wrong value in one row: it is named, all else counts, and no number is given out again."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from rocketd.core.history.history import History
from rocketd.core.instant import HOUR, SECOND, Instant
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.records import Alive, RunFilter, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.sqlite.rows import Origin
from rocketd.store.sqlite.schema import COLUMNS, FILE_NAME
from rocketd.store.sqlite.store import SqliteStore, open_reader
from rocketd.store.sqlite.task_state import OPEN_RUN

NOW: Instant = 1_790_000_000 * SECOND
HERE = Origin("here", "this-boot")


def run(number: int, task: str = "backup") -> Run:
    return Run(task, number, f"id-{task}-{number}", 1, NOW, NOW + number % 10 * SECOND, Trigger.SCHEDULE, "daily")


def ended(run: Run, action: Action = Action.SUCCESS, cause: Cause = Cause.EXIT, code: int | None = 0) -> Finished:
    return Finished(run, End(action, cause, run.start + SECOND, code, runtime=SECOND))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A store of two tasks; the newest run of `backup` is open."""
    with closing(SqliteStore(tmp_path, origin=HERE)) as store:
        for task in ("backup", "other"):
            store.write([TaskState(task, "daily", NOW - HOUR, 1)])
            for number in (1, 2):
                store.write([Started(run(number, task)), ended(run(number, task))])
        store.write([Missed("other", "id-missed", NOW, NOW, NOW, 3, "paused"), Started(run(3)), Alive(NOW + HOUR)])
    return tmp_path


class Look(NamedTuple):
    """What a store tells."""

    numbers: dict[str, int]
    open: list[tuple[str, int]]
    runs: set[tuple[str, int]]
    faults: str


def look(directory: Path) -> Look:
    """Use every way in which a store is read and written."""
    with closing(open_reader(directory)) as reader:  # who only looks sees it as it is
        reader.states(), reader.open_runs(), reader.recovery_events({}, NOW), reader.last_alive()
        assert len(reader.page(RunFilter(), 0).runs) >= 3
    with closing(SqliteStore(directory, origin=HERE)) as store:
        history = History()
        states = store.states()
        for event in store.recovery_events({("backup", Action.SUCCESS): HOUR}, NOW):
            history.learn(event)
        numbers = {name: max(state.next_number, history.of(name).next_number) for name, state in states.items()}
        going = [one.run.key for one in store.open_runs()]
        store.last_alive()
        store.count_old(NOW + HOUR, {}, NOW)
        while store.prune(NOW - HOUR, {}, NOW, 100):
            pass
        runs = {view.run.key for view in store.runs(RunFilter())} | {
            view.run.key for view in store.runs(RunFilter(task="backup"))
        }
        for name, number in numbers.items():
            store.write([Started(run(number, name))])  # raises DuplicateRun if it is recorded
        return Look(numbers, going, runs, str(store.faults))


def spoil(directory: Path, sql: str, *values: object) -> None:
    """Change rows as no rocketd does: in a column that must not be empty as well."""
    with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '')")
    with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as database:
        assert database.execute(sql, values).rowcount > 0


BAD = ["scedule", -5, 2**62 + 1, None, float("inf"), b"\xff\x00"]
NO_TEXT = "CAST(x'ff41' AS TEXT)"


def spoiled(directory: Path, table: str, column: str, key: str) -> Iterator[Path]:
    """Copies of the store, each with another bad value in that place."""
    for number, (place, values) in enumerate([*(("?", (bad,)) for bad in BAD), (NO_TEXT, ())]):
        copy = directory / f"copy-{number}"
        copy.mkdir()
        shutil.copy(directory / FILE_NAME, copy)
        with suppress(sqlite3.IntegrityError):  # even so it keeps this value out
            spoil(copy, f'UPDATE {table} SET "{column}" = {place} WHERE {key}', *values)
        yield copy


KEPT = {("backup", 3), ("backup", 1), ("other", 1), ("other", 2)}


@pytest.mark.parametrize("action", ["run", "success"])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_wrong_value_in_a_record_loses_nothing_else(directory: Path, column: str, action: str) -> None:
    key = f"task_name = 'backup' AND number = 2 AND action = '{action}'"
    for copy in spoiled(directory, "log", column, key):
        seen = look(copy)
        assert seen.numbers["backup"] == 4
        assert seen.numbers["other"] == 3
        assert [key for key in seen.open if key[0] == "backup"] == [("backup", 3)]
        assert seen.runs >= KEPT


@pytest.mark.parametrize("column", ["name", "fingerprint", "armed_at", "next_number", "removed_at", "paused"])
def test_a_wrong_value_in_what_is_kept_of_a_task_is_put_right(directory: Path, column: str) -> None:
    for copy in spoiled(directory, "task_state", column, "name = 'backup'"):
        seen = look(copy)
        assert seen.numbers["backup"] >= 4
        assert seen.numbers["other"] == 3
        assert seen.open == [("backup", 3)]
        assert seen.runs >= KEPT


@pytest.mark.parametrize("column", [*OPEN_RUN])
def test_a_wrong_value_in_an_open_run_is_put_right_by_its_record(directory: Path, column: str) -> None:
    for copy in spoiled(directory, "open_run", column, "task = 'backup'"):
        seen = look(copy)
        assert ("backup", 3) in seen.open or column == "number"
        assert seen.numbers["backup"] >= 4
        assert seen.runs >= KEPT


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE log SET \"trigger\" = 'scedule' WHERE task_name = 'backup' AND number = 2", "'scedule' in trigger"),
        ("UPDATE log SET cause = x'ff' WHERE number = 2 AND action = 'success'", "b'\\xff' in cause"),
        (
            "UPDATE log SET action = 'succes' WHERE task_name = 'backup' AND number = 2 AND action = 'success'",
            "'succes' in action",
        ),
        (
            "UPDATE log SET number = 'two' WHERE task_name = 'backup' AND number = 2 AND action = 'run'",
            "'two' in number",
        ),
        ("UPDATE task_state SET next_number = 'x' WHERE name = 'backup'", "row backup of task_state had 'x' in next"),
        ("UPDATE task_state SET next_number = 2 WHERE name = 'backup'", "though 3 is recorded"),
        ("DELETE FROM task_state WHERE name = 'backup'", "task_state lacked backup"),
        ("UPDATE open_run SET due = 'soon'", "'soon' in due"),
        ("DELETE FROM open_run", "open_run lacked backup/3"),
        (
            "INSERT INTO open_run SELECT task, 2, 'x', 1, 0, 0, 'hand', '', '', '', '', '', 0, 0 FROM open_run",
            "is recorded",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(directory: Path, sql: str, told: str) -> None:
    spoil(directory, sql)
    seen = look(directory)
    assert told in seen.faults
    assert seen.numbers == {"backup": 4, "other": 3}
    assert seen.open == [("backup", 3)]
    assert seen.runs >= KEPT


def test_an_end_whose_word_is_damaged_is_told_from_the_rest_of_its_record(directory: Path) -> None:
    """So a task that has run today does not run again because one bit of that is wrong."""
    spoil(
        directory, "UPDATE log SET action = 'succesr' WHERE task_name = 'backup' AND number = 2 AND action = 'success'"
    )
    with closing(SqliteStore(directory)) as store:
        ends = [
            event
            for event in store.recovery_events({}, NOW)
            if isinstance(event, Finished) and event.run.key == ("backup", 2)
        ]
    assert [one.end.action for one in ends] == [Action.SUCCESS]


def test_a_store_without_a_sign_of_life_gets_one_again(directory: Path) -> None:
    spoil(directory, "DELETE FROM alive")
    with closing(SqliteStore(directory)) as store:
        assert store.last_alive() == NOW + 3 * SECOND  # of the newest record
        store.write([Alive(NOW + HOUR)])
        assert store.last_alive() == NOW + HOUR
