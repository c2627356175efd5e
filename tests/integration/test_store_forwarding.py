"""Records that go to a repository as well: once each, whoever dies or hangs, and what is read back at start."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, HOUR, SECOND, Instant
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.log import MinimalRecord, MinimalRunRecord, RunRecord
from rocketd.repos import CSVFileRepo, MemoryRepo, RunRepo
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.replication import replicator
from rocketd.store.replication.replicated_store import ReplicatedStore
from support.replicated_stores import Heard, opened, read_back

NOW = 1_790_000_000 * SECOND
Keys = list[tuple[str, str, int | None]]


def run(number: int, task: str = "backup", host: str = "here") -> Run:
    at = NOW + number * SECOND
    return Run(task, number, f"{host}-{task}-{number}", 1, at, at, Trigger.SCHEDULE, "daily")


def whole(number: int, task: str = "backup", host: str = "here") -> list[Change]:
    one = run(number, task, host)
    return [Started(one), Finished(one, End(Action.SUCCESS, Cause.EXIT, one.start + 1))]


def kept(repo: BaseRepo) -> Keys:
    return [(one.task_name, one.action, one.number) for one in repo.filter_by().all()]  # type: ignore[attr-defined] # records


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[RunRepo]:
    made = RunRepo(f"sqlite:///{tmp_path}/shared.db")
    yield made
    made.close()


def test_each_record_arrives_once_and_in_order(tmp_path: Path, repo: BaseRepo) -> None:
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(whole(1))
        store.write(whole(1)[1:])  # a lost acknowledgement
        store.write([Missed("backup", "m", NOW, NOW, NOW, 1, "paused")])
        store.write([Missed("backup", "m", NOW + HOUR, NOW, NOW + HOUR, 2, "paused")])
    records = repo.filter_by().all()
    assert [one.action for one in records] == ["run", "success", "missed"]  # type: ignore[attr-defined] # records
    assert records[-1].times == 2  # type: ignore[attr-defined] # as above


def test_what_may_have_arrived_is_looked_for_first(tmp_path: Path, repo: BaseRepo) -> None:
    """A daemon died between the repository's answer and its own note of it."""

    def away() -> BaseRepo:
        raise ConnectionError("the network is down")

    with opened(tmp_path / "a", away) as store:
        store.write([*whole(1), *whole(2)])
    with opened(tmp_path / "b", lambda: repo) as store:
        store.write(whole(1))  # the same record, by the same host
    with opened(tmp_path / "a", lambda: repo):
        pass
    assert kept(repo) == [
        ("backup", "run", 1),
        ("backup", "success", 1),
        ("backup", "run", 2),
        ("backup", "success", 2),
    ]


def test_a_repository_without_transactions_that_fails_in_the_middle_goes_on_there(tmp_path: Path) -> None:
    class Moody(MemoryRepo):  # type: ignore[misc,valid-type] # a Red Bird repository
        def insert(self, item: object) -> None:
            super().insert(item)
            if len(self.collection) == 2:
                raise ConnectionError("the answer was lost")

    moody, heard = Moody(model=RunRecord), Heard()
    with opened(tmp_path / "a", lambda: moody, heard=heard) as store:
        store.write([*whole(1), *whole(2)])
        heard.until(lambda away: away is None)
    assert kept(moody) == [
        ("backup", "run", 1),
        ("backup", "success", 1),
        ("backup", "run", 2),
        ("backup", "success", 2),
    ]


def test_a_repository_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    let_go = threading.Event()

    def hanging() -> BaseRepo:
        let_go.wait()
        return MemoryRepo(model=RunRecord)

    with opened(tmp_path / "a", hanging) as store:
        store.write(whole(1))
        store.write(whole(2))
        assert len(store.recovery_events({}, NOW)) == 2
        assert store.prune(NOW, {}, NOW, 100) == 0
        let_go.set()


def test_a_repository_that_hung_gets_nothing_twice_if_the_same_program_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicator, "CLOSE_TIMEOUT", 0.1)
    stuck, let_go = threading.Event(), threading.Event()

    class Hanging(MemoryRepo):  # type: ignore[misc,valid-type] # a Red Bird repository
        def insert(self, item: object) -> None:
            if not stuck.is_set():
                stuck.set()
                let_go.wait()
            super().insert(item)

    hanging = Hanging(model=MinimalRunRecord)
    with opened(tmp_path / "a", lambda: hanging) as store:
        store.write(whole(1))
        stuck.wait()
    monkeypatch.undo()
    with opened(tmp_path / "a", lambda: hanging, after=store._replicator) as again:  # noqa: SLF001 - as its owner does
        again.write(whole(2))
        let_go.set()
    assert [one.action for one in hanging.filter_by().all()] == ["run", "success"] * 2


def test_who_asks_a_repository_that_cannot_be_had_is_told_so(tmp_path: Path) -> None:
    def away() -> BaseRepo:
        raise ConnectionError("the network is down")

    with opened(tmp_path / "a", away) as store:
        asked = store._replicator.call(kept)  # noqa: SLF001 - as its owner does
        with pytest.raises(StoreError, match="the network is down"):
            asked.result(timeout=30)
    with pytest.raises(StoreError, match="has stopped"):
        store._replicator.call(kept).result(timeout=30)  # noqa: SLF001 - as above


def test_a_run_whose_number_another_one_has_there_holds_up_nothing(tmp_path: Path, repo: BaseRepo) -> None:
    """The state directory was put back to an older copy while the repository was away."""
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(whole(1))
    other = replace(run(1), run_id="other")
    with opened(tmp_path / "b", lambda: repo) as store:
        store.write([Started(other), Finished(other, End(Action.FAIL, Cause.EXIT, other.start + 1)), *whole(2)])
    assert kept(repo)[2:] == [
        ("backup", "run", None),
        ("backup", "fail", None),
        ("backup", "run", 2),
        ("backup", "success", 2),
    ]
    with opened(tmp_path / "c", lambda: repo) as store:
        assert read_back(store, "backup") == 6
        assert store.states()["backup"].next_number == 3
        assert not store.open_runs()


# -- read back


def test_a_new_host_takes_over_what_there_is_and_goes_on_with_its_numbers(tmp_path: Path, repo: BaseRepo) -> None:
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([*whole(1), *whole(2), Started(run(3))])
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 5
        assert store.states()["backup"].next_number == 4
        assert [one.run.number for one in store.open_runs()] == [3]
        assert {type(event) for event in store.recovery_events({}, NOW)} == {Started, Finished}
        assert read_back(store, "backup") == 0
        store.write([*whole(3)[1:], *whole(4)])
    assert kept(repo)[-3:] == [("backup", "success", 3), ("backup", "run", 4), ("backup", "success", 4)]


def test_a_state_directory_that_was_put_back_to_an_older_copy_catches_up(tmp_path: Path, repo: BaseRepo) -> None:
    with opened(tmp_path / "old", lambda: repo) as store:
        store.write(whole(1))
    with opened(tmp_path / "new", lambda: repo) as store:
        read_back(store, "backup")
        store.write([*whole(2), Started(run(3))])
    with opened(tmp_path / "old", lambda: repo) as store:
        assert read_back(store, "backup") == 3
        assert store.states()["backup"].next_number == 4
        assert [one.run.number for one in store.open_runs()] == [3]


def test_what_ran_when_the_older_copy_was_made_has_its_end(tmp_path: Path, repo: BaseRepo) -> None:
    """Else it would be taken for cut off, and run again."""
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([Started(run(1)), Started(run(1, "other"))])
    copytree(tmp_path / "a", tmp_path / "old")
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write(whole(1)[1:])
    with opened(tmp_path / "old", lambda: repo) as store:
        assert read_back(store, "backup", "other") == 1
        assert [one.run.task for one in store.open_runs()] == ["other"]
        assert whole(1)[1] in store.recovery_events({}, NOW)


def test_a_task_that_came_back_has_its_past(tmp_path: Path, repo: BaseRepo) -> None:
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([*whole(1), *whole(1, "other")])
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 2
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup", "other") == 2


def test_hosts_that_share_a_table_have_numbers_and_a_past_of_their_own(tmp_path: Path, repo: BaseRepo) -> None:
    with opened(tmp_path / "a", lambda: repo, "here") as store:
        store.write(whole(1))
    with opened(tmp_path / "b", lambda: repo, "there") as store:
        assert read_back(store, "backup") == 0
        store.write(whole(1, host="there"))
    assert kept(repo) == [("backup", "run", 1), ("backup", "success", 1)] * 2


def test_a_repository_that_keeps_little_gives_what_it_has(tmp_path: Path) -> None:
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=MinimalRecord)
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([*whole(1), *whole(2)])
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 4
        assert store.states()["backup"].next_number == 3


# -- pruning


def prune_all(store: ReplicatedStore, before: Instant) -> None:
    while store.prune(before, {}, before + DAY, 100):
        pass


def test_what_conditions_may_ask_for_stays_there_as_well(tmp_path: Path, repo: BaseRepo) -> None:
    """Else a task that runs once a year would run again on a new host, or with a new state directory."""
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([*whole(1), *whole(2)])
        prune_all(store, NOW + DAY)
    assert kept(repo) == [("backup", "run", 2), ("backup", "success", 2)]
    with opened(tmp_path / "b", lambda: repo) as store:
        assert read_back(store, "backup") == 2


@pytest.mark.parametrize("model", [MinimalRecord, MinimalRunRecord, RunRecord])
def test_a_run_goes_as_a_whole_however_little_is_known_of_it(tmp_path: Path, model: type) -> None:
    """A start without its end would be taken for a run that was cut off."""
    repo = CSVFileRepo(filename=tmp_path / "log.csv", model=model)
    with opened(tmp_path / "a", lambda: repo) as store:
        store.write([*whole(1), *whole(2), *whole(3), *whole(4), Started(run(5))])
        prune_all(store, NOW + 3 * SECOND)
    assert [one.action for one in repo.filter_by().all()] == ["run", "success", "run", "success", "run"]  # type: ignore[attr-defined] # records


@pytest.mark.parametrize("kind", ["table", "file"])
def test_old_runs_go_there_as_well_and_only_whole_ones_of_this_host(tmp_path: Path, repo: BaseRepo, kind: str) -> None:
    there = repo if kind == "table" else CSVFileRepo(filename=tmp_path / "log.csv", model=RunRecord)
    with opened(tmp_path / "b", lambda: there, "there") as store:
        store.write(whole(1, host="there"))
    with opened(tmp_path / "a", lambda: there) as store:
        store.write([*whole(1), *whole(2), Started(run(3)), *whole(4)])
        prune_all(store, NOW + 3 * SECOND)
    assert [number for _, _, number in kept(there)] == [1, 1, 3, 4, 4]
