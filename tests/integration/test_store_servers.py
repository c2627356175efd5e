"""Repositories that a server keeps: Red Bird's RESTRepo against a real HTTP server, its MongoRepo against mongomock.

mongomock is a MongoDB in memory, in the place of a client of pymongo. It knows documents, queries and keys, and has no
network: what a MongoDB server that goes away does is not tried here.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import mongomock
import pytest

from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, SECOND
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.log import MinimalRunRecord, RunRecord
from rocketd.repos import MongoRepo, RESTRepo
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.sqlite.rows import Origin, row_of
from support.replicated_stores import Heard, opened, read_back
from support.servers.rest_server import RestServer

NOW = 1_790_000_000 * SECOND
MakeRepo = Callable[[], BaseRepo]


def run(number: int) -> Run:
    at = NOW + number * SECOND
    return Run("backup", number, f"id-{number}", 3, at - 5, at, Trigger.RETRY, "daily", "extract", "id-extract-9")


def ended(run: Run) -> Finished:
    return Finished(run, End(Action.SUCCESS, Cause.EXIT, run.start + 500_000, exit_code=0, runtime=500_000))


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as made:
        yield made


@pytest.fixture
def rest(server: RestServer) -> Iterator[MakeRepo]:
    """Makes repositories over the same server."""
    made: list[BaseRepo] = []

    def make() -> BaseRepo:
        made.append(RESTRepo(url=server.url, model=RunRecord))
        return made[-1]

    yield make
    for repo in made:
        repo.session.close()  # type: ignore[attr-defined]  # of requests


class InMemory:
    """Stands for Red Bird's session over a server."""

    def __init__(self) -> None:
        self.client: mongomock.MongoClient[dict[str, object]] = mongomock.MongoClient()

    def get_bind(self, _: object) -> object:
        return self.client


@pytest.fixture
def mongo() -> MakeRepo:
    """Makes repositories over the same database."""
    session = InMemory()
    return lambda: MongoRepo(session=session, database="rocketd", collection="log", model=RunRecord)


@pytest.fixture(params=["rest", "mongo"])
def make(request: pytest.FixtureRequest) -> MakeRepo:
    made: MakeRepo = request.getfixturevalue(request.param)
    return made


def test_what_it_got_it_gives_back_whole_to_a_new_host(tmp_path: Path, make: MakeRepo) -> None:
    written: list[Started | Finished] = [
        Started(run(1)),
        ended(run(1)),
        Started(run(2)),
        ended(run(2)),
        Started(run(3)),
    ]
    with opened(tmp_path / "a", make) as store:
        store.write(written)
    with opened(tmp_path / "b", make) as store:
        assert read_back(store, "backup") == 5
        assert list(store.recovery_events({("backup", action): NOW for action in Action}, NOW)) == written
        assert [one.run for one in store.open_runs()] == [run(3)]


def test_what_may_have_arrived_is_looked_for_before_it_is_sent_again(make: MakeRepo) -> None:
    """A daemon died after the repository had the record and before that was known."""
    row = row_of(Started(run(1)), Origin("here", "boot"))
    RepositorySink(make()).write(row, 1, may_exist=False)
    RepositorySink(make()).write(row, 2, may_exist=True)
    assert len(RepositorySink(make()).read({})) == 1


def test_a_stretch_of_missed_times_that_goes_on_stays_one_record(make: MakeRepo) -> None:
    sink, origin = RepositorySink(make()), Origin("here", "boot")
    for times in (1, 2):
        missed = Missed("backup", "id-m", NOW + times * SECOND, NOW, NOW + times * SECOND, times, "down")
        sink.write(row_of(missed, origin), times, may_exist=times > 1)
    assert [row.times for row in sink.read({})] == [2]


def test_old_records_are_deleted_there(make: MakeRepo) -> None:
    sink = RepositorySink(make())
    rows = [row_of(Started(run(number)), Origin("here", "boot")) for number in (1, 2, 3)]
    for key, row in enumerate(rows):
        sink.write(row, key, may_exist=False)
    sink.delete(rows[:2])
    assert [row.number for row in sink.read({})] == [3]


def test_old_runs_go_there_as_a_whole(tmp_path: Path, make: MakeRepo) -> None:
    """A server that is asked for one record after the other must lose the starts as well."""
    with opened(tmp_path / "a", make) as store:
        for number in (1, 2, 3):
            store.write([Started(run(number)), ended(run(number))])
        while store.prune(NOW + 3 * SECOND, {}, NOW + DAY, 100):
            pass
    assert [(row.action, row.number) for row in RepositorySink(make()).read({})] == [("run", 3), ("success", 3)]


def test_mongo_reads_only_what_may_be_missing(tmp_path: Path, mongo: MakeRepo) -> None:
    """It compares numbers, so a start does not read the whole log."""
    asked: list[object] = []
    repo = mongo()
    query_data = repo.query_data  # type: ignore[attr-defined]  # a TemplateRepo's

    def listening(query: object) -> object:
        asked.append(query)
        return query_data(query)

    object.__setattr__(repo, "query_data", listening)
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([Started(run(1))])
        asked.clear()
        read_back(store, "backup")
    assert asked == [{"host": "here", "created": {"$gte": (NOW + SECOND - DAY) / SECOND, "$lte": 2**62 / SECOND}}]


def test_a_mongo_repository_that_cannot_tell_documents_apart_is_told_how_to() -> None:
    with pytest.raises(StoreError, match="apart") as caught:
        RepositorySink(MongoRepo(session=InMemory(), database="rocketd", collection="log", model=MinimalRunRecord))
    assert caught.value.hint == "take rocketd.log.RunRecord as its model, or one with a field id, and id_field='id'"


# -- an API over HTTP


def test_a_record_that_the_server_refuses_is_not_taken_for_sent(
    tmp_path: Path, server: RestServer, rest: MakeRepo
) -> None:
    heard = Heard()
    server.status = 503
    with opened(tmp_path / "a", rest, heard=heard) as store:
        store.write([Started(run(1)), ended(run(1))])
        away = heard.queue.get(timeout=30)
        assert away is not None
        assert "503 Server Error" in away.error.message
        assert away.waiting == 2
        server.status = 200
        heard.until(lambda told: told is None)
    assert [item["action"] for item in server.items] == ["run", "success"]


def test_a_server_that_gives_more_than_it_was_asked_for_is_no_reason_to_leave_records_out(
    tmp_path: Path, server: RestServer, rest: MakeRepo
) -> None:
    """Many heed only the parameters that they know: records of other runs and hosts are not taken for ours."""
    server.filters = False
    with opened(tmp_path / "there", rest, host="there") as store:
        store.write([Started(run(1))])
    row = row_of(Started(run(2)), Origin("here", "boot"))
    RepositorySink(rest()).write(row, 2, may_exist=True)
    assert [item["run_id"] for item in server.items] == ["id-1", "id-2"]
    with opened(tmp_path / "here", rest, host="here") as store:
        assert read_back(store, "backup") == 1
