"""Records on their way to another repository: it may be away, or fail, or we may die; each arrives once."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.core.errors import DuplicateRun, StoreError
from rocketd.core.events import Event, Finished, Started
from rocketd.core.instant import SECOND
from rocketd.core.records import RunFilter
from rocketd.core.run import Action, Cause, End, Run, Trigger
from rocketd.log import MinimalRecord, MinimalRunRecord, RunRecord, TaskLogRecord
from rocketd.repos import CSVFileRepo, MemoryRepo, RunRepo, SQLRepo
from rocketd.store.redbird_import import BaseRepo
from rocketd.store.repo_store import RepoStore
from rocketd.store.schema import FILE_NAME

NOW = 1_790_000_000 * SECOND


def run(number: int, task: str = "backup") -> Run:
    at = NOW + number * SECOND
    return Run(task, number, f"id-{task}-{number}", 3, at - 5, at, Trigger.RETRY, "daily")


def ended(run: Run, action: Action = Action.SUCCESS) -> Finished:
    return Finished(run, End(action, Cause.EXIT, run.start + 500_000, exit_code=0, runtime=500_000))


class Moody:
    """A repository that fails when it is told to, before or after it has kept the record."""

    def __init__(self) -> None:
        self.repo = MemoryRepo()  # without a key, nothing else would keep a record from coming twice
        self.fail = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self.repo, name)

    def add(self, item: object) -> None:
        if self.fail == "before":
            raise ConnectionError("the network is down")
        self.repo.add(item)
        if self.fail == "after":
            raise ConnectionError("the answer was lost")

    @property
    def actions(self) -> list[str]:
        return [record["action"] for record in self.repo.collection]  # type: ignore[attr-defined]  # Red Bird's own


class PaperClock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(repo: object, directory: Path, clock: PaperClock | None = None) -> RepoStore:
    return RepoStore(repo, directory, clock=clock or PaperClock())  # type: ignore[arg-type]  # it quacks


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_repository_that_is_away_gets_everything_once_it_is_back(tmp_path: Path, moment: str) -> None:
    moody = Moody()
    store = opened(moody, tmp_path)
    moody.fail = moment
    store.write([Started(run(1))])
    assert "cannot be written" in store.trouble
    assert store.waiting == 1
    store.write([ended(run(1))])
    assert [view.action for view in store.runs(RunFilter())] == [Action.SUCCESS]
    assert list(store.past({}, NOW)) == [Started(run(1)), ended(run(1))]
    store.close()
    moody.fail = ""
    store = opened(moody, tmp_path)  # a new one does not wait until it tries again
    store.write([Started(run(2))])
    assert (store.trouble, store.waiting) == ("", 0)
    assert moody.actions == ["run", "success", "run"]
    store.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_repository_that_is_away_is_tried_again_after_longer_and_longer_pauses(tmp_path: Path, moment: str) -> None:
    moody, clock = Moody(), PaperClock()
    store = opened(moody, tmp_path, clock)
    moody.fail = moment
    store.write([Started(run(1))])
    moody.fail = ""
    store.write([Started(run(2))])
    assert store.waiting == 2  # it has just failed
    clock.now += 1
    store.write([Started(run(3))])
    assert (store.trouble, store.waiting, moody.actions) == ("", 0, ["run", "run", "run"])
    store.close()


def test_a_start_that_waits_in_the_spool_is_still_unique(tmp_path: Path) -> None:
    moody = Moody()
    moody.fail = "before"
    store = opened(moody, tmp_path)
    store.write([Started(run(1)), ended(run(1))])
    with pytest.raises(DuplicateRun):
        store.write([Started(run(1))])
    store.write([ended(run(1))])
    assert store.waiting == 2
    store.close()


def test_nothing_is_pruned_while_records_are_on_their_way(tmp_path: Path) -> None:
    moody = Moody()
    moody.fail = "before"
    store = opened(moody, tmp_path)
    store.write([Started(run(1)), ended(run(1)), Started(run(2)), ended(run(2))])
    assert store.prune(NOW * 2, {}, NOW, 10) == 0
    assert len(store.runs(RunFilter())) == 2
    store.close()


def test_records_of_a_killed_daemon_arrive_once_whenever_it_died(tmp_path: Path) -> None:
    """It dies after the repository has the first record and before that is known."""
    script = """
import os, sys
sys.path.insert(0, sys.argv[2])
from test_store_spool import *
class Deadly(CSVFileRepo):
    def insert(self, item):
        super().insert(item)
        os.kill(os.getpid(), 9)
directory = Path(sys.argv[1])
repo = Deadly(filename=directory / "log.csv", model=MinimalRunRecord)
RepoStore(repo, directory).write([Started(run(1)), Started(run(2))])
"""
    given = [str(tmp_path), str(Path(__file__).parent)]
    done = subprocess.run([sys.executable, "-c", script, *given], check=False)
    assert done.returncode == -9
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRunRecord)
    store = RepoStore(repo, tmp_path)
    assert [event.run.number for event in store.past({}, NOW) if isinstance(event, Started)] == [1, 2]
    store.write([ended(run(1))])
    kept = [(one.action, one.run_id) for one in repo.filter_by().all()]  # type: ignore[attr-defined]  # records
    assert kept == [("run", "id-backup-1"), ("run", "id-backup-2"), ("success", "id-backup-1")]
    store.close()


# Repositories with fewer fields


def _events(store: RepoStore) -> list[Event]:
    return list(store.past({}, NOW))


def test_with_the_least_fields_number_and_attempt_are_made_up_from_the_order(tmp_path: Path) -> None:
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRecord)
    store = RepoStore(repo, tmp_path)
    for number in (1, 2, 3):
        store.write([Started(run(number)), ended(run(number), Action.FAIL)])
    store.write([Started(run(4))])
    store.close()
    store = RepoStore(repo, tmp_path)
    *_, failed, going = _events(store)
    assert isinstance(failed, Finished)
    assert isinstance(going, Started)
    assert (failed.run.number, failed.run.attempt, failed.run.due) == (3, 3, failed.run.start)
    assert going.run == run(4)  # what goes on is known in full, beside the log
    assert store.states()["backup"].next_number == 5
    store.close()


def test_what_it_lacks_is_known_to_be_said_once(tmp_path: Path) -> None:
    store = RepoStore(MemoryRepo(model=MinimalRunRecord), tmp_path)
    assert "attempt" in store.lacking
    assert "run_id" not in store.lacking
    store.close()


def test_a_repository_without_the_least_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no field created") as caught:
        RepoStore(CSVFileRepo(filename=tmp_path / "log.csv", fieldnames=["task_name", "action"]), tmp_path)
    assert "MinimalRecord" in caught.value.hint


def test_a_model_that_requires_what_not_every_record_has_is_refused_at_once(tmp_path: Path) -> None:
    class Picky(MinimalRecord):
        mood: str

    with pytest.raises(StoreError, match="requires mood"):
        RepoStore(MemoryRepo(model=Picky), tmp_path)


def test_a_table_with_fewer_columns_than_its_model_gets_those_it_has(tmp_path: Path) -> None:
    """Red Bird's own repository raises TypeError for such a model."""
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, created FLOAT, task_name TEXT, action TEXT)")
    repo = SQLRepo(conn_string=f"sqlite:///{tmp_path}/log.db", table="log", model=RunRecord, id_field="id")
    store = RepoStore(repo, tmp_path)
    store.write([Started(run(1)), ended(run(1))])
    assert (store.trouble, store.waiting) == ("", 0)
    assert [type(event) for event in _events(store)] == [Started, Finished]
    store.close()


def test_a_model_with_datetimes_keeps_instants(tmp_path: Path) -> None:
    store = RepoStore(CSVFileRepo(filename=tmp_path / "log.csv", model=TaskLogRecord), tmp_path)
    store.write([Started(run(1)), ended(run(1))])
    event = _events(store)[-1]
    assert isinstance(event, Finished)
    assert (event.run.start, event.end.at, event.end.runtime) == (run(1).start, run(1).start + 500_000, 500_000)
    store.close()


def test_where_created_is_the_key_two_records_of_one_microsecond_both_fit(tmp_path: Path) -> None:
    repo = SQLRepo(
        conn_string=f"sqlite:///{tmp_path}/log.db",
        table="log",
        model=MinimalRecord,
        id_field="created",
        if_missing="create",
    )
    store = RepoStore(repo, tmp_path)
    store.write([Started(run(1, "a")), Started(run(1, "b")), Started(run(1, "c"))])
    assert (store.trouble, store.waiting) == ("", 0)
    assert {event.run.task for event in _events(store) if isinstance(event, Started)} == {"a", "b", "c"}
    store.close()


def test_records_of_others_in_the_repository_are_skipped(tmp_path: Path) -> None:
    repo: BaseRepo = MemoryRepo()
    repo.add({"task_name": "x", "action": "sneeze", "created": 1.0})
    repo.add({"level": "INFO"})
    store = RepoStore(repo, tmp_path)
    assert _events(store) == []
    assert store.runs(RunFilter()) == []
    store.close()


def test_a_read_while_the_repository_is_away_is_a_passing_trouble(tmp_path: Path) -> None:
    repo = RunRepo(f"sqlite:///{tmp_path}/log.db")
    store = RepoStore(repo, tmp_path)
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.execute("DROP TABLE log")
    with pytest.raises(StoreError, match="repository failed") as caught:
        store.past({}, NOW)
    assert caught.value.temporary
    assert (tmp_path / FILE_NAME).exists()
    store.close()
    repo.close()
