"""Each kind of Red Bird repository: what it got it gives back on a new host, as far as it keeps it."""

import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from csv import DictWriter
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND
from rocketd.core.model.events import Event, Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.log import MinimalRecord, MinimalRunRecord, RunRecord, TaskLogRecord
from rocketd.repos import CSVFileRepo, JSONDirectoryRepo, MemoryRepo, RunRepo, SQLRepo
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.sqlite.rows import Origin, row_of
from rocketd.store.sqlite.schema import USAGE_COLUMNS
from support.replicated_stores import Heard, opened, read_back

NOW = 1_790_000_000 * SECOND


def run(number: int, task: str = "backup") -> Run:
    at = NOW + number * SECOND
    return Run(task, number, f"id-{task}-{number}", 3, at - 5, at, Trigger.RETRY, "daily", "extract", "id-extract-9")


def ended(run: Run, action: Action = Action.SUCCESS) -> Finished:
    return Finished(run, End(action, Cause.EXIT, run.start + 500_000, exit_code=0, runtime=500_000))


def csv(directory: Path) -> BaseRepo:
    return CSVFileRepo(filename=directory / "log.csv", model=RunRecord)


def json_directory(directory: Path) -> BaseRepo:
    (directory / "records").mkdir()
    return JSONDirectoryRepo(path=directory / "records", model=RunRecord, id_field="id")


def memory(_: Path) -> BaseRepo:
    return MemoryRepo(model=RunRecord)


def memory_of_dicts(_: Path) -> BaseRepo:
    return MemoryRepo()


def sql(directory: Path) -> BaseRepo:
    address = f"sqlite:///{directory}/log.db"
    return SQLRepo(conn_string=address, model=RunRecord, table="log", id_field="id", if_missing="create")


def run_repo(directory: Path) -> BaseRepo:
    return RunRepo(f"sqlite:///{directory}/log.db")


@pytest.fixture(autouse=True)
def leaks() -> Iterator[None]:
    """Red Bird leaves its files and connections to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


@pytest.mark.parametrize(
    "make", [csv, json_directory, memory, memory_of_dicts, sql, run_repo], ids=lambda m: m.__name__
)
def test_what_it_got_it_gives_back_whole(tmp_path: Path, make: Callable[[Path], BaseRepo]) -> None:
    repo = make(tmp_path)
    written: list[Started | Finished] = [
        Started(run(1)),
        ended(run(1), Action.FAIL),
        Started(run(2)),
        ended(run(2)),
        Started(run(3)),
    ]
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(written)
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 5
        past = list(store.recovery_events({("backup", action): NOW for action in Action}, NOW))
        assert past == written
        assert [one.run for one in store.open_runs()] == [run(3)]


def test_records_of_a_killed_daemon_arrive_once_whenever_it_died(tmp_path: Path) -> None:
    """It dies after the repository has the first record and before that is known."""
    script = """
import os, sys
sys.path[:0] = sys.argv[2:]
from test_store_repositories import *
class Deadly(CSVFileRepo):
    def insert(self, item):
        super().insert(item)
        os.kill(os.getpid(), 9)
directory = Path(sys.argv[1])
with opened(directory / "a", lambda: Deadly(filename=directory / "log.csv", model=MinimalRunRecord)) as store:
    store.write([Started(run(1)), Started(run(2))])
"""
    here = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", script, tmp_path, here, here.parent], check=False)
    assert done.returncode == -9
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRunRecord)
    with opened(tmp_path / "a", lambda: repo) as store:
        assert [event.run.number for event in store.recovery_events({}, NOW) if isinstance(event, Started)] == [1, 2]
        store.write([ended(run(1))])
    kept = [(one.action, one.run_id) for one in repo.filter_by().all()]  # type: ignore[attr-defined]  # records
    assert kept == [("run", "id-backup-1"), ("run", "id-backup-2"), ("success", "id-backup-1")]


# -- with fewer fields


def given_back(tmp_path: Path, repo: BaseRepo, *events: Started | Finished) -> list[Event]:
    """Write these, and read them back on a new host."""
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(events)
    with opened(tmp_path / "b", lambda: repo) as store:
        read_back(store, *{event.run.task for event in events})
        return list(store.recovery_events({}, NOW))


def test_with_the_least_fields_number_and_attempt_are_made_up_from_the_order(tmp_path: Path) -> None:
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRecord)
    failures = [event for number in (1, 2, 3) for event in (Started(run(number)), ended(run(number), Action.FAIL))]
    *_, failed, going = given_back(tmp_path, repo, *failures, Started(run(4)))
    assert isinstance(failed, Finished)
    assert isinstance(going, Started)
    assert (failed.run.number, failed.run.attempt, failed.run.due) == (3, 3, failed.run.start)
    assert (going.run.number, going.run.attempt) == (4, 4)


def test_where_nothing_else_is_kept_a_task_is_armed_at_the_beginning_of_its_log(tmp_path: Path) -> None:
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRecord)
    given_back(tmp_path, repo, Started(run(1)), ended(run(1)), Started(run(2)))
    with opened(tmp_path / "b", lambda: repo) as store:
        assert store.states()["backup"].armed_at == run(1).start


def test_a_model_with_datetimes_keeps_instants(tmp_path: Path) -> None:
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=TaskLogRecord)
    event = given_back(tmp_path, repo, Started(run(1)), ended(run(1)))[-1]
    assert isinstance(event, Finished)
    assert (event.run.start, event.end.at, event.end.runtime) == (run(1).start, run(1).start + 500_000, 500_000)


def test_a_table_with_fewer_columns_than_its_model_gets_those_it_has(tmp_path: Path) -> None:
    """Red Bird's own repository raises TypeError for such a model."""
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, created FLOAT, task_name TEXT, action TEXT)")
    repo = SQLRepo(conn_string=f"sqlite:///{tmp_path}/log.db", table="log", model=RunRecord, id_field="id")
    events = given_back(tmp_path, repo, Started(run(1)), ended(run(1)))
    assert [type(event) for event in events] == [Started, Finished]


def test_where_created_is_the_key_two_records_of_one_microsecond_both_fit(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/log.db"
    repo = SQLRepo(conn_string=address, table="log", model=MinimalRecord, id_field="created", if_missing="create")
    events = given_back(tmp_path, repo, *(Started(run(1, task)) for task in "abc"))
    assert {event.run.task for event in events if isinstance(event, Started)} == {"a", "b", "c"}


def test_the_same_where_the_table_has_fewer_columns_than_its_model(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute("CREATE TABLE log (created FLOAT PRIMARY KEY, task_name TEXT, action TEXT, run_id TEXT)")
    repo = SQLRepo(conn_string=f"sqlite:///{tmp_path}/log.db", table="log", model=RunRecord, id_field="created")
    events = given_back(tmp_path, repo, *(Started(run(1, task)) for task in "abc"))
    assert {event.run.task for event in events if isinstance(event, Started)} == {"a", "b", "c"}


LOG_TABLE = """CREATE TABLE log (
    created FLOAT PRIMARY KEY, task_name TEXT NOT NULL, action TEXT NOT NULL,
    msg TEXT NOT NULL, levelname TEXT NOT NULL, levelno INTEGER NOT NULL, lineno INTEGER NOT NULL,
    own TEXT {own}
)"""


def test_a_table_may_demand_what_a_log_record_has(tmp_path: Path) -> None:
    """As the tables do that Rocketry makes of its LogRecord and its RunRecord."""
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute(LOG_TABLE.format(own="NOT NULL DEFAULT 'mine'"))
        repo = SQLRepo(conn_string=f"sqlite:///{tmp_path}/log.db", table="log", model=RunRecord, id_field="created")
        events = given_back(tmp_path, repo, Started(run(1)), ended(run(1), Action.FAIL))
        assert [type(event) for event in events] == [Started, Finished]
        assert database.execute("SELECT levelname, levelno, msg, own FROM log ORDER BY created").fetchall() == [
            ("INFO", 20, "Task 'backup' status: 'run'", "mine"),
            ("ERROR", 40, "Task 'backup' status: 'fail'", "mine"),
        ]


def test_a_table_that_demands_anything_else_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute(LOG_TABLE.format(own="NOT NULL"))
    repo = SQLRepo(conn_string=f"sqlite:///{tmp_path}/log.db", table="log", model=RunRecord, id_field="created")
    with pytest.raises(StoreError, match="requires own, which no record has"):
        RepositorySink(repo)


def test_records_of_others_in_the_repository_are_skipped(tmp_path: Path) -> None:
    repo: BaseRepo = MemoryRepo()
    repo.add({"task_name": "backup", "action": "sneeze", "created": 1.0, "host": "here"})
    repo.add({"level": "INFO", "host": "here"})
    with opened(tmp_path / "a", lambda: repo) as store:
        assert read_back(store, "backup") == 0


def test_what_it_lacks_is_known_to_be_said() -> None:
    lacking = RepositorySink(MemoryRepo(model=MinimalRunRecord)).missing_fields
    assert "attempt" in lacking
    assert "run_id" not in lacking


def test_a_repository_without_the_least_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no field created") as caught:
        RepositorySink(CSVFileRepo(filename=tmp_path / "log.csv", fieldnames=["task_name", "action"]))
    assert "MinimalRecord" in caught.value.hint
    assert not caught.value.temporary


def test_a_model_that_requires_what_not_every_record_has_is_refused_at_once() -> None:
    class Picky(MinimalRecord):
        mood: str

    with pytest.raises(StoreError, match="requires mood"):
        RepositorySink(MemoryRepo(model=Picky))


def test_what_a_driver_adds_to_its_error_is_not_told(tmp_path: Path) -> None:
    heard, repo = Heard(), RunRepo(f"sqlite:///{tmp_path}/log.db")
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute("DROP TABLE log")
    with opened(tmp_path / "a", lambda: repo, heard=heard) as store:
        store.write([Started(run(1))])
        away = heard.queue.get(timeout=30)
        assert away is not None
        assert "no such table: log" in away.error.message
        assert "SELECT" not in away.error.message
        assert away.waiting == 1
        assert away.error.temporary
    repo.close()


def test_a_file_from_before_runs_had_their_usage_gets_its_columns_and_keeps_its_records(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    names = [name for name in RunRecord.__fields__ if name not in USAGE_COLUMNS]
    row = {
        "task_name": "backup",
        "action": "success",
        "created": "9.5",
        "run_id": "a",
        "id": "7",
        "output": "two\nlines",
    }
    with file.open("w", newline="") as lines:
        writer = DictWriter(lines, names)
        writer.writeheader()
        writer.writerow(row)
    sink = RepositorySink(CSVFileRepo(filename=file, model=RunRecord))
    sink.write(row_of(ended(run(1)), Origin("here", "boot"))._replace(cpu_time=1.5), 8, may_exist=False)
    old, new = RepositorySink(CSVFileRepo(filename=file, model=RunRecord)).read({})
    assert (old.task_name, old.run_id, old.output, old.cpu_time) == ("backup", "a", "two\nlines", None)
    assert (new.run_id, new.cpu_time, new.memory_peak) == ("id-backup-1", 1.5, None)
    assert file.read_bytes().startswith(",".join(RunRecord.__fields__).encode() + b"\r\n")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("make", [sql, run_repo])
def test_a_table_from_before_runs_had_their_usage_is_written_to_as_it_is(
    tmp_path: Path, make: Callable[[Path], BaseRepo]
) -> None:
    make(tmp_path)
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        for name in USAGE_COLUMNS:
            database.execute(f"ALTER TABLE log DROP COLUMN {name}")
    sink = RepositorySink(make(tmp_path))
    sink.write(row_of(ended(run(1)), Origin("here", "boot"))._replace(cpu_time=1.5), 8, may_exist=False)
    [row] = sink.read({})
    assert (row.run_id, row.cpu_time) == ("id-backup-1", None)
    assert sink.is_unique == (make is run_repo)
    assert sink.missing_fields == [*USAGE_COLUMNS]
