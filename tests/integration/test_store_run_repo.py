"""The run log as a Red Bird repository: Red Bird's whole query interface, on our own file and on any other database."""

import gc
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateTable

from rocketd.core.errors import StoreError
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.log import MinimalRecord, RunRecord
from rocketd.repos import MemoryRepo, RunRepo
from rocketd.store.redbird.compat import KeyFoundError
from rocketd.store.redbird.run_repo import open_run_repo
from rocketd.store.sqlite.store import SqliteStore

Repo: TypeAlias = Any
"""Red Bird has no types."""


def record(number: int, **fields: object) -> RunRecord:
    given = {"task_name": "backup", "action": "run", "created": float(number), "number": number} | fields
    return RunRecord(id=number, **given)  # type: ignore[arg-type]  # its own fields


RECORDS = [
    record(1),
    record(2, action="success", exit_code=0),
    record(3, task_name="other", reason="daily"),
    record(4, action="fail", exit_code=3),
    record(5, task_name="other", action="terminate", signal=15),
]


@pytest.fixture(params=["ours", "Red Bird's own in memory"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repo]:
    """The same questions to ours and to Red Bird's reference: the answers must be the same."""
    if request.param == "ours":
        ours = RunRepo(f"sqlite:///{tmp_path}/log.db")
        yield filled(ours)
        ours.close()
    else:
        yield filled(MemoryRepo(model=RunRecord, id_field="id"))


def filled(repo: Repo) -> Repo:
    for one in RECORDS:
        repo.add(one.copy())
    return repo


def ids(found: list[RunRecord]) -> list[int | None]:
    return [one.id for one in found]


def test_everything_comes_back_as_it_was_added(repo: Repo) -> None:
    assert list(repo) == RECORDS
    assert repo.filter_by().all() == RECORDS


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("task_name='other'", [3, 5]),
        ("task_name='other', action='run'", [3]),
        ("number=greater_than(3)", [4, 5]),
        ("number=greater_equal(3)", [3, 4, 5]),
        ("number=less_than(3)", [1, 2]),
        ("number=less_equal(3)", [1, 2, 3]),
        ("number=equal(3)", [3]),
        ("number=not_equal(3)", [1, 2, 4, 5]),
        ("created=between(2.0, 4.0)", [2, 3, 4]),
        ("created=between(None, 2.0, none_as_open=True)", [1, 2]),
        ("created=between(None, None, none_as_open=True)", [1, 2, 3, 4, 5]),
        ("action=in_(['fail', 'terminate'])", [4, 5]),
        ("action=in_([])", []),
        ("exit_code=None", [1, 3, 5]),
        ("task_name='nobody'", []),
    ],
)
def test_a_query_finds_what_it_asks_for(repo: Repo, query: str, found: list[int]) -> None:
    import redbird.oper  # noqa: PLC0415 - it can only be imported once rocketd.log has been

    asked = eval(f"dict({query})", vars(redbird.oper))  # noqa: S307 - the table above
    result = repo.filter_by(**asked)
    assert ids(result.all()) == found
    assert result.count() == len(found)


def test_first_last_and_limit_go_by_the_order_of_the_log(repo: Repo) -> None:
    found = repo.filter_by(task_name="other")
    assert found.first() == RECORDS[2]
    assert found.last() == RECORDS[4]
    assert found.limit(1) == [RECORDS[2]]
    assert found.limit(9) == [RECORDS[2], RECORDS[4]]
    assert repo.filter_by(task_name="nobody").first() is None
    assert repo.filter_by(task_name="nobody").last() is None


def test_a_record_is_reached_by_its_key(repo: Repo) -> None:
    assert repo[3] == RECORDS[2]
    repo[3] = {"reason": "by hand"}
    assert repo[3].reason == "by hand"
    del repo[3]
    with pytest.raises(KeyError):
        repo[3]


def test_what_is_found_can_be_updated_and_deleted(repo: Repo) -> None:
    repo.filter_by(task_name="backup").update(host="here")
    assert [one.host for one in repo.filter_by().all()] == ["here", "here", None, "here", None]
    repo.filter_by(task_name="other").delete()
    assert ids(repo.filter_by().all()) == [1, 2, 4]


def test_the_one_record_that_is_found_can_be_replaced(repo: Repo) -> None:
    repo.filter_by(id=5).replace(id=5, task_name="third", action="run", created=9.0)
    assert repo.filter_by(id=5).all() == [RunRecord(id=5, task_name="third", action="run", created=9.0)]
    with pytest.raises(KeyError):
        repo.filter_by(task_name="backup").replace(task_name="third", action="run", created=9.0)
    assert ids(repo.filter_by(task_name="backup").all()) == [1, 2, 4]


def test_a_record_can_be_updated_replaced_and_deleted_as_an_item(repo: Repo) -> None:
    changed = record(4, action="fail", exit_code=4)
    repo.update(changed)
    assert repo[4].exit_code == 4
    repo.replace(record(4, action="crash"))
    assert (repo[4].action, repo[4].exit_code) == ("crash", None)
    repo.delete(repo[4])
    assert ids(repo.filter_by().all()) == [1, 2, 3, 5]


def test_a_key_that_is_taken_is_an_error_an_update_or_nothing(repo: Repo) -> None:
    again = record(1, reason="again")
    with pytest.raises(KeyFoundError):
        repo.add(again)
    repo.add(again, if_exists="ignore")
    assert repo[1].reason is None
    repo.add(again, if_exists="update")
    assert repo[1].reason == "again"
    repo.add(record(6), if_exists="update")
    assert ids(repo.filter_by().all()) == [1, 2, 3, 4, 5, 6]


def test_after_an_error_the_next_record_is_added(repo: Repo) -> None:
    with pytest.raises(KeyFoundError):
        repo.add(record(1))
    repo.add(record(6))
    assert repo.filter_by(id=6).count() == 1


# Ours alone


def test_the_store_and_its_repository_are_the_same_log(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    run = Run("backup", 1, "id-1", 1, 5, 1_790_000_000_123_456, Trigger.HAND, "by hand, uid 0")
    store.write([Started(run), Finished(run, End(Action.FAIL, Cause.EXIT, run.start + 7, 3, output="oh"))])
    repo: Repo = open_run_repo(tmp_path)
    first, last = repo.filter_by(task_name="backup").all()
    assert (first.action, first.created, first.trigger, first.reason) == (
        "run",
        1_790_000_000.123456,
        "hand",
        run.reason,
    )
    assert (last.action, last.exit_code, last.output, last.run_id) == ("fail", 3, "oh", "id-1")
    store.close()
    repo.close()


def test_a_run_starts_and_ends_once_there_too(tmp_path: Path) -> None:
    repo: Repo = RunRepo(f"sqlite:///{tmp_path}/log.db")
    repo.add(RunRecord(task_name="backup", action="run", created=1.0, number=1))
    repo.add(RunRecord(task_name="backup", action="success", created=1.0, number=1))
    for action in ("run", "fail"):
        with pytest.raises(KeyFoundError):
            repo.add(RunRecord(task_name="backup", action=action, created=2.0, number=1))
    repo.close()


def test_a_model_with_fewer_fields_reads_the_same_table(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    repo: Repo = RunRepo(f"sqlite:///{tmp_path}/rocketd.db", model=MinimalRecord)
    repo.add({"task_name": "backup", "action": "run", "created": 1.0})
    assert repo.filter_by().all() == [MinimalRecord(task_name="backup", action="run", created=1.0)]
    repo.close()


def test_a_field_that_the_table_lacks_is_named(tmp_path: Path) -> None:
    repo: Repo = RunRepo(f"sqlite:///{tmp_path}/log.db")
    with pytest.raises(AttributeError, match="no column weather"):
        repo.filter_by(weather="fine")
    repo.close()


def test_rows_that_no_model_fits_are_raised_or_skipped_as_asked(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/log.db"
    with closing(RunRepo(address, model=dict)) as loose:
        loose.add({"task_name": "a", "action": "run", "created": 1.0, "number": "many"})
        loose.add({"task_name": "b", "action": "run", "created": 2.0, "number": 2})
    strict: Repo = RunRepo(address)
    with pytest.raises(ValueError, match="Could not transform"):
        strict.filter_by().first()
    strict.close()
    with closing(RunRepo(address, errors_query="discard")) as repo:
        lenient: Repo = repo
        assert lenient.filter_by().first() == lenient.filter_by().last() == lenient.filter_by().all()[0]
        assert [one.task_name for one in lenient.filter_by().limit(2)] == ["b"]


def test_several_threads_may_add(tmp_path: Path) -> None:
    repo: Repo = RunRepo(f"sqlite:///{tmp_path}/log.db")

    def add(task: str) -> None:
        for number in range(20):
            repo.add(RunRecord(task_name=task, action="run", created=1.0, number=number))

    threads = [threading.Thread(target=add, args=(task,)) for task in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert repo.filter_by().count() == 60
    repo.close()


def test_there_is_no_repository_where_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        open_run_repo(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_table_of_a_database_for_many_hosts_has_room_for_their_records(tmp_path: Path) -> None:
    """500 hosts with 10 runs a minute each write 2**31 records in five months."""
    repo = RunRepo(f"sqlite:///{tmp_path}/log.db")
    made = str(CreateTable(repo._table).compile(dialect=PGDialect()))  # type: ignore[no-untyped-call]  # noqa: SLF001 - what it has made
    assert "id BIGSERIAL" in made
    assert "INTEGER" not in made
    repo.close()


@pytest.mark.parametrize("own", [True, False])
def test_a_repository_that_is_let_go_of_closes_the_connections_that_it_opened_itself(own: bool, tmp_path: Path) -> None:  # noqa: FBT001 - both
    """Python 3.13 warns of those that nobody closes; an engine that was given is its owner's to dispose of."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/log.db", poolclass=QueuePool)
    repo = RunRepo(f"sqlite:///{tmp_path}/log.db") if own else RunRepo(engine=engine)
    closed: list[object] = []
    sqlalchemy.event.listen(repo._engine if own else engine, "close", lambda *_: closed.append(None))  # noqa: SLF001 - it is its own
    assert [*repo.filter_by()] == []
    del repo
    gc.collect()
    assert bool(closed) is own
    engine.dispose()
