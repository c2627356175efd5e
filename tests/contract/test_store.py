"""What every store does: the fake one, the SQLite one, and the one that sends its records to a repository as well."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocketd.core.errors import DuplicateRun
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Alive, Change, OpenRun, Renamed, RunFilter, RunPlace, RunView, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.daemon.ports import Store
from rocketd.repos import RunRepo
from rocketd.store.replication.replicated_store import ReplicatedStore
from rocketd.store.replication.replicator import Replicator
from rocketd.store.sqlite.rows import Origin
from rocketd.store.sqlite.store import SqliteStore
from support.fakes.store import MemoryStore

NOW: Instant = 1_790_000_000 * SECOND
HERE = Origin("here", "this-boot")
Opener = Callable[[Path], Store]


def memory(_: Path) -> Store:
    return MemoryStore()


def sqlite(directory: Path) -> Store:
    return SqliteStore(directory, origin=HERE)


class Forwarding(ReplicatedStore):
    """One that sends its records to a table as well, and closes what it sends with."""

    def __init__(self, directory: Path) -> None:
        self.repo = RunRepo(f"sqlite:///{directory}/log.db")
        forwarder = Replicator(lambda: self.repo, directory, HERE.host, lambda _: None)
        super().__init__(directory, forwarder, origin=HERE)
        forwarder.start()

    def close(self) -> None:
        """Close all of it."""
        self._replicator.close()
        self.repo.close()
        super().close()


def forwarding(directory: Path) -> Store:
    return Forwarding(directory)


@pytest.fixture(params=[memory, sqlite, forwarding], ids=lambda opener: opener.__name__)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opener: Opener = request.param
    opened = opener(tmp_path)
    yield opened
    opened.close()


def run(number: int, task: str = "backup", *, at: Instant = NOW, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    return Run(task, number, f"id-{task}-{number}", 2, at - SECOND, at, trigger, "daily", "extract", "id-extract-9")


def ended(run: Run, action: Action = Action.SUCCESS, *, after: int = 5 * SECOND, cause: Cause = Cause.EXIT) -> Finished:
    return Finished(run, End(action, cause, run.start + after, runtime=after))


def missed(task: str = "backup", *, last: Instant = NOW, count: int = 1) -> Missed:
    return Missed(task, f"missed-{task}", last, NOW, last, count, "paused")


def whole(store: Store, runs: int, **given: object) -> None:
    """Record this many runs that succeeded, one an hour up to now."""
    for number in range(1, runs + 1):
        one = run(number, at=NOW - (runs - number) * HOUR, **given)  # type: ignore[arg-type]  # keywords of `run`
        store.write([Started(one), ended(one)])


# What is written is read back


def test_every_field_of_a_run_and_its_end_comes_back(store: Store) -> None:
    one = run(1, trigger=Trigger.RETRY)
    end = End(Action.FAIL, Cause.TIMEOUT, NOW + 7, 3, 15, "could not", "Traceback", "line 1\nline 2", 1_234_567)
    store.write([Started(one), Spawned(one, 4711, 99, one.start), Finished(one, end)])
    (view,) = store.runs(RunFilter())
    assert (view.run, view.action, view.end) == (one, Action.FAIL, end)


def test_the_past_has_whole_events_but_no_output(store: Store) -> None:
    one = run(1)
    end = End(Action.FAIL, Cause.EXIT, NOW + 7, 3, None, "could not", "Traceback", "line 1", 1_000_000)
    store.write([Started(one), Finished(one, end)])
    short = End(Action.FAIL, Cause.EXIT, NOW + 7, 3, None, "could not", "", "", 1_000_000)
    assert list(store.recovery_events({}, NOW)) == [Started(one), Finished(one, short)]


def test_an_instant_keeps_its_microsecond(store: Store) -> None:
    one = run(1, at=4_102_444_799_999_999)  # the last microsecond of 2099
    store.write([Started(one)])
    assert store.recovery_events({}, NOW) == [Started(one)]


def test_an_open_run_is_known_with_its_host_boot_and_process(store: Store) -> None:
    store.write([Started(run(1)), Started(run(2))])
    store.write([Spawned(run(1), 4711, 99, 1)])
    assert list(store.open_runs()) == [
        OpenRun(run(1), "here", "this-boot", 4711, 99),
        OpenRun(run(2), "here", "this-boot", 0, 0),
    ]


def test_a_run_that_ended_is_not_open(store: Store) -> None:
    store.write([Started(run(1)), Spawned(run(1), 4711, 99, 1), Started(run(2))])
    store.write([ended(run(1))])
    assert [one.run.number for one in store.open_runs()] == [2]


def test_a_run_that_was_withdrawn_is_no_part_of_the_past_but_its_number_is_used(store: Store) -> None:
    first, second, third = run(1), run(2), run(3, trigger=Trigger.HAND)
    store.write([Started(first), ended(first), Started(second), Started(third)])
    reach = {("backup", Action.RUN): DAY}
    withdrawn = Withdrawn(second, NOW + 7, "no process is left", Cause.SHORTAGE)
    store.write([withdrawn, Withdrawn(third, NOW + 8, "no process is left", Cause.STORE)])
    store.write([withdrawn])  # as after a lost acknowledgement
    assert list(store.recovery_events(reach, NOW)) == [Started(first), ended(first)]
    assert not store.open_runs()
    assert store.states()["backup"].next_number == 4
    with pytest.raises(DuplicateRun):
        store.write([Started(second)])
    shown = {view.run.number: view for view in store.runs(RunFilter(actions=(Action.WITHDRAWN,)))}
    assert set(shown) == {2, 3}
    end = shown[2].end
    assert end is not None
    assert (end.action, end.cause, end.at, end.message) == (
        Action.WITHDRAWN, Cause.SHORTAGE, NOW + 7, "no process is left",
    )  # fmt: skip


def test_pruning_takes_runs_that_were_withdrawn_and_not_the_start_that_counts(store: Store) -> None:
    first, *others = run(1), run(2), run(3)
    store.write([Started(first), ended(first)])
    for one in others:
        store.write([Started(one), Withdrawn(one, NOW + 1, "no process is left")])
    before = store.recovery_events({}, NOW)
    assert prune_all(store, NOW + DAY) == 4
    assert store.recovery_events({}, NOW) == before == [Started(first), ended(first)]
    assert numbers(store) == [1]


def test_a_state_of_a_task_comes_back(store: Store) -> None:
    state = TaskState(
        "backup",
        "1 UTC",
        NOW,
        8,
        NOW + 1,
        paused=True,
        paused_until=NOW + 2,
        paused_by="uid 1",
        paused_reason="?",
        member_since=f"={NOW} db={NOW + 3}",
    )
    store.write([state])
    assert dict(store.states()) == {"backup": state}


def test_a_task_with_another_name_keeps_all_of_it(store: Store) -> None:
    state = TaskState("old", "1 UTC daily", NOW, 3, paused=True, paused_by="bob", paused_reason="new disk")
    first, second = run(1, "old"), run(2, "old", at=NOW + MINUTE)
    store.write([Started(first), ended(first), Started(second), Spawned(second, 77, 5, NOW), missed("old"), state])
    third = run(3, "new", at=NOW + 2 * MINUTE)
    store.write([ended(second), Renamed("old", "new"), Started(third)])
    assert store.states()["new"] == replace(state, name="new", next_number=4)
    assert "old" not in store.states()
    assert [one.run.key for one in store.open_runs()] == [("new", 3)]
    assert {view.run.task for view in store.runs(RunFilter())} == {"new"}
    assert [view.run.number for view in store.runs(RunFilter(task="new", actions=(Action.SUCCESS,)))] == [2, 1]


def test_an_open_run_goes_with_its_task(store: Store) -> None:
    one = run(1, "old")
    store.write([Started(one), Spawned(one, 77, 5, NOW)])
    store.write([Renamed("old", "new")])
    (opened,) = store.open_runs()
    assert (opened.run, opened.pid) == (replace(one, task="new"), 77)
    store.write([ended(replace(one, task="new"))])
    assert store.open_runs() == []
    store.write([Renamed("none", "other")])
    assert "other" not in store.states()


def test_a_state_never_lowers_the_next_number(store: Store) -> None:
    """A number that was given out must not be given out again, whoever writes an old state."""
    store.write([Started(run(41))])
    store.write([TaskState("backup", "1 UTC daily", NOW, 7)])
    assert store.states()["backup"].next_number == 42


def test_a_record_makes_its_task_known(store: Store) -> None:
    store.write([Started(run(1, "one")), ended(run(4, "two")), missed("three")])
    assert {name: state.next_number for name, state in store.states().items()} == {"one": 2, "two": 5, "three": 1}


def test_the_last_sign_of_life_is_the_newest_alive_or_record(store: Store) -> None:
    assert store.last_alive() is None
    store.write([Alive(NOW - HOUR)])
    assert store.last_alive() == NOW - HOUR
    store.write([Started(run(1)), ended(run(1))])
    assert store.last_alive() == NOW + 5 * SECOND
    store.write([Alive(NOW + HOUR)])
    assert store.last_alive() == NOW + HOUR


# Nothing twice


def test_a_start_that_is_recorded_already_is_refused_with_all_that_was_to_be_written(store: Store) -> None:
    store.write([Started(run(1))])
    with pytest.raises(DuplicateRun):
        store.write([Started(run(2)), Alive(NOW), Started(run(1))])
    assert [one.run.number for one in store.open_runs()] == [1]
    assert store.states()["backup"].next_number == 2
    assert [view.run.number for view in store.runs(RunFilter())] == [1]
    store.write([Started(run(2))])


def test_a_start_is_refused_after_its_end_too(store: Store) -> None:
    store.write([Started(run(1)), ended(run(1))])
    with pytest.raises(DuplicateRun):
        store.write([Started(run(1))])
    assert not store.open_runs()


def test_a_start_twice_in_one_batch_is_refused(store: Store) -> None:
    with pytest.raises(DuplicateRun):
        store.write([Started(run(1)), Started(run(1))])
    assert not store.open_runs()


def test_a_low_number_that_is_not_recorded_is_not_refused(store: Store) -> None:
    store.write([Started(run(9))])
    store.write([Started(run(3))])
    assert {one.run.number for one in store.open_runs()} == {9, 3}


def test_an_end_that_comes_again_changes_nothing(store: Store) -> None:
    """As after an acknowledgement that was lost."""
    store.write([Started(run(1)), ended(run(1))])
    store.write([ended(run(1)), ended(run(1), Action.CRASH)])
    (view,) = store.runs(RunFilter())
    assert view.action is Action.SUCCESS
    assert len(store.recovery_events({}, NOW)) == 2


def test_a_stretch_of_missed_times_that_goes_on_stays_one_record(store: Store) -> None:
    store.write([missed()])
    store.write([Started(run(1)), missed(last=NOW + HOUR, count=2)])
    store.write([missed(last=NOW + DAY, count=25)])
    assert [event for event in store.recovery_events({}, NOW) if isinstance(event, Missed)] == [
        replace(missed(last=NOW + DAY, count=25), first_at=NOW)
    ]
    (view,) = store.runs(RunFilter(actions=(Action.MISSED,)))
    assert (view.run.start, view.first_at) == (NOW + DAY, NOW)
    assert (view.run.task, view.run.number, view.run.due) == ("backup", 0, NOW)
    assert view.run.reason.startswith("paused")


# What still matters


def test_of_each_action_the_newest_matters_runs_by_hand_apart(store: Store) -> None:
    whole(store, 3)
    by_hand = run(4, trigger=Trigger.HAND)
    store.write([Started(by_hand), ended(by_hand, Action.FAIL)])
    last = run(3)
    assert list(store.recovery_events({}, NOW)) == [
        Started(last),
        ended(last),
        Started(by_hand),
        ended(by_hand, Action.FAIL),
    ]


def test_how_the_newest_run_ended_matters_even_if_an_older_one_ended_later(store: Store) -> None:
    old, new = run(1), run(2)
    store.write([Started(old), Started(new), ended(new), ended(old, after=60 * SECOND)])
    assert list(store.recovery_events({}, NOW)) == [Started(new), ended(new), ended(old, after=60 * SECOND)]


def test_a_series_of_crashes_matters_up_to_the_last_other_end(store: Store) -> None:
    actions = [Action.CRASH, Action.SUCCESS, Action.CRASH, Action.CRASH]
    runs = [run(number, at=NOW + number) for number in range(1, 5)]
    for one, action in zip(runs, actions, strict=True):
        store.write([Started(one), ended(one, action, cause=Cause.DOWN)])
    told = [event.run.number for event in store.recovery_events({}, NOW) if isinstance(event, Finished)]
    assert told == [2, 3, 4]


def test_the_last_crash_that_was_no_stop_of_the_daemon_matters(store: Store) -> None:
    first, second, third = (run(number, at=NOW + number) for number in range(1, 4))
    store.write([Started(first), ended(first, Action.CRASH, cause=Cause.DOWN)])
    store.write([Started(second), ended(second)])
    store.write([Started(third), ended(third, Action.CRASH, cause=Cause.SHUTDOWN)])
    told = [event.run.number for event in store.recovery_events({}, NOW) if isinstance(event, Finished)]
    assert told == [1, 2, 3]


def test_all_that_is_younger_than_its_reach_matters(store: Store) -> None:
    whole(store, 10)
    told = store.recovery_events({("backup", Action.SUCCESS): 3 * HOUR, ("other", Action.RUN): DAY}, NOW)
    assert [event.run.number for event in told if isinstance(event, Finished)] == [7, 8, 9, 10]
    assert [event.run.number for event in told if isinstance(event, Started)] == [10]


def test_every_open_run_matters_however_old(store: Store) -> None:
    store.write([Started(run(1))])
    for number in range(2, 5):
        store.write([Started(run(number)), ended(run(number))])
    assert Started(run(1)) in store.recovery_events({}, NOW)


def test_events_come_in_the_order_of_the_log_whatever_the_clock_did(store: Store) -> None:
    first, second = run(1, "a", at=NOW), run(1, "b", at=NOW - DAY)
    store.write([Started(first)])
    store.write([Started(second), ended(second)])
    store.write([ended(first)])
    assert list(store.recovery_events({}, NOW)) == [Started(first), Started(second), ended(second), ended(first)]


# History


def numbers(store: Store, **wanted: object) -> list[int]:
    return [view.run.number for view in store.runs(RunFilter(**wanted))]  # type: ignore[arg-type]  # its keywords


def test_history_is_newest_first_and_filtered(store: Store) -> None:
    whole(store, 5)
    other = run(6, "other", at=NOW + HOUR, trigger=Trigger.HAND)
    store.write([Started(other), ended(other, Action.FAIL), Started(run(7, at=NOW + 2 * HOUR))])
    assert numbers(store) == [7, 6, 5, 4, 3, 2, 1]
    assert numbers(store, limit=2) == [7, 6]
    assert numbers(store, task="backup", limit=2) == [7, 5]
    assert numbers(store, task="backup", number=3) == [3]
    assert numbers(store, run_id="id-backup-2") == [2]
    assert numbers(store, run_id="id-backup-") == numbers(store, task="backup")
    assert numbers(store, run_id="d-backup-2") == []
    assert numbers(store, actions=(Action.FAIL, Action.CRASH)) == [6]
    assert numbers(store, actions=(Action.RUN,)) == [7]
    assert numbers(store, actions=(Action.RUN, Action.SUCCESS), limit=3) == [7, 5, 4]
    assert numbers(store, task="backup", actions=(Action.SUCCESS,)) == [5, 4, 3, 2, 1]
    assert numbers(store, since=NOW - HOUR, until=NOW) == [4]
    assert numbers(store, task="nothing") == numbers(store, task="\udcff") == numbers(store, run_id="\udcff") == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "wanted",
    [{}, {"task": "b"}, {"tasks": ("a", "c")}, {"actions": (Action.SUCCESS,)}, {"actions": (Action.RUN, Action.FAIL)}],
)
def test_each_run_is_on_one_page_also_of_those_that_started_at_once(
    store: Store, limit: int, wanted: dict[str, object]
) -> None:
    """All that is due at midnight starts at the same instant."""
    names, actions = ("c", "a", "d", "b"), (Action.SUCCESS, Action.FAIL, None)
    number = 0
    for at in (NOW - HOUR, NOW, NOW + 1):
        for name in names:
            number += 1
            one, action = run(number, name, at=at), actions[number % 3]
            store.write([Started(one), *([ended(one, action)] if action else [])])
    store.write([replace(missed(name, last=NOW), at=NOW) for name in names])
    seen: list[RunView] = []
    while page := store.runs(RunFilter(limit=limit, after=RunPlace.of(seen[-1].run) if seen else None, **wanted)):  # type: ignore[arg-type]  # its keywords
        assert len(page) <= limit
        seen += page
    assert [view.run for view in seen] == [view.run for view in store.runs(RunFilter(limit=1000, **wanted))]  # type: ignore[arg-type]
    assert len({view.run.run_id for view in seen}) == len(seen) >= 3


# Pruning


def prune_all(store: Store, before: Instant, spare: dict[tuple[str, Action], int] | None = None) -> int:
    total = 0
    while gone := store.prune(before, spare or {}, NOW, 4):
        assert gone <= 4
        total += gone
    return total


def test_what_a_clock_that_was_ahead_hides_depends_on_no_limit(tmp_path: Path) -> None:
    """Two runs seem young because the clock was ahead; the next ones are old, and go however few go at a time."""
    store = sqlite(tmp_path)
    for number in range(1, 9):
        one = run(number, at=NOW if number < 3 else NOW - (10 - number) * HOUR)
        store.write([Started(one), ended(one)])
    old = _old(store, NOW - HOUR, {})
    assert old > 0
    assert prune_all(store, NOW - HOUR) == old
    store.close()


def test_pruning_takes_whole_old_runs_and_leaves_what_matters(store: Store) -> None:
    whole(store, 10)
    before = store.recovery_events({}, NOW)
    assert prune_all(store, NOW - 2 * HOUR) == 14
    assert numbers(store) == [10, 9, 8]
    assert store.recovery_events({}, NOW) == before
    assert store.states()["backup"].next_number == 11


def test_pruning_never_takes_the_newest_of_its_kind_or_an_open_run(store: Store) -> None:
    by_hand, failed = run(1, trigger=Trigger.HAND), run(2)
    store.write([Started(by_hand), ended(by_hand), Started(failed), ended(failed, Action.FAIL), Started(run(3))])
    store.write([missed(), Started(run(4)), ended(run(4))])
    before = store.recovery_events({}, NOW)
    assert prune_all(store, NOW + DAY) == 0
    assert store.recovery_events({}, NOW) == before


def test_pruning_never_takes_the_newest_start_even_if_an_older_run_ended_later(store: Store) -> None:
    older, newer = run(1), run(2)
    store.write([Started(older), Started(newer), ended(newer), ended(older, after=9 * SECOND)])
    before = store.recovery_events({}, NOW)
    prune_all(store, NOW + DAY)
    assert store.recovery_events({}, NOW) == before


def test_pruning_spares_what_a_condition_still_counts(store: Store) -> None:
    whole(store, 10)
    spare = {("backup", Action.SUCCESS): 4 * HOUR}
    before = store.recovery_events(spare, NOW)
    prune_all(store, NOW - HOUR, spare)
    assert store.recovery_events(spare, NOW) == before
    assert numbers(store) == [10, 9, 8, 7, 6]


def test_pruning_keeps_a_series_of_crashes(store: Store) -> None:
    for number in range(1, 5):
        store.write([Started(run(number)), ended(run(number), Action.CRASH, cause=Cause.DOWN)])
    assert prune_all(store, NOW + DAY) == 0


def test_pruning_keeps_the_last_crash_that_was_no_stop_of_the_daemon(store: Store) -> None:
    first, second, third = (run(number, at=NOW + number) for number in range(1, 4))
    store.write([Started(first), ended(first, Action.CRASH, cause=Cause.DOWN), Started(second), ended(second)])
    store.write([Started(third), ended(third, Action.CRASH, cause=Cause.SHUTDOWN)])
    assert prune_all(store, NOW + DAY) == 0


def test_what_was_spared_goes_once_nobody_asks_for_it_any_more(store: Store) -> None:
    whole(store, 5)
    assert prune_all(store, NOW + DAY, {("backup", Action.SUCCESS): DAY}) == 0
    assert prune_all(store, NOW + DAY) == 8


def test_a_number_that_was_pruned_is_not_given_out_again(store: Store) -> None:
    whole(store, 3)
    prune_all(store, NOW + DAY)
    assert store.states()["backup"].next_number == 4


# Against the fake, with anything

ACTIONS = [Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.INACTION, Action.CRASH]


@st.composite
def stories(draw: st.DrawFn) -> list[list[Change]]:
    """Batches of what could happen to three tasks, each run ended at most once, in any order."""
    batches: list[list[Change]] = []
    going: list[Run] = []
    now, count = NOW - DAY, 0
    for _ in range(draw(st.integers(1, 8))):
        batch: list[Change] = []
        for _ in range(draw(st.integers(1, 6))):
            now += draw(st.integers(-HOUR, 3 * HOUR))
            kind = draw(st.sampled_from(["start", "end", "end", "withdraw", "missed", "alive"]))
            if kind == "start":
                count += 1
                one = run(count, draw(st.sampled_from("abc")), at=now, trigger=draw(st.sampled_from(Trigger)))
                going.append(one)
                batch.append(Started(one))
            elif kind == "end" and going:
                one = going.pop(draw(st.integers(0, len(going) - 1)))
                cause = draw(st.sampled_from([Cause.DOWN, Cause.SHUTDOWN, Cause.EXIT]))
                batch.append(Finished(one, End(draw(st.sampled_from(ACTIONS)), cause, now)))
            elif kind == "withdraw" and going:
                one = going.pop(draw(st.integers(0, len(going) - 1)))
                batch.append(Withdrawn(one, now, "no process", draw(st.sampled_from([Cause.SHORTAGE, Cause.STORE]))))
            elif kind == "missed":
                batch.append(missed(draw(st.sampled_from("abc")), last=now, count=draw(st.integers(1, 9))))
            elif kind == "alive":
                batch.append(Alive(now))
        batches.append(batch)
    return batches


REACHES = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(Action)), st.integers(0, 2 * DAY))


@pytest.mark.parametrize("opener", [sqlite, forwarding], ids=lambda opener: opener.__name__)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(), reach=REACHES, before=st.integers(NOW - DAY, NOW + DAY))
def test_it_answers_as_the_fake_does_before_and_after_pruning(
    opener: Opener,
    story: list[list[Change]],
    reach: dict[tuple[str, Action], int],
    before: Instant,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    real, fake = opener(tmp_path_factory.mktemp("state")), MemoryStore()
    for batch in story:
        real.write(batch)
        fake.write(batch)
    past = _same(real, fake, reach)
    old, rows = _old(real, before, reach), _rows(real)
    prune_all(real, before, reach)
    assert rows - _rows(real) == old
    prune_all(fake, before, reach)
    assert _same(real, fake, reach) == past
    real.close()


def _old(real: Store, before: Instant, reach: dict[tuple[str, Action], int]) -> int:
    assert isinstance(real, SqliteStore)
    return real.count_old(before, reach, NOW)


def _rows(real: Store) -> int:
    assert isinstance(real, SqliteStore)
    database = sqlite3.connect(real.path)
    (rows,) = database.execute("SELECT count(*) FROM log").fetchone()
    database.close()
    return int(rows)


def _same(real: Store, fake: Store, reach: dict[tuple[str, Action], int]) -> list[Event]:
    assert real.states() == fake.states()
    assert real.open_runs() == fake.open_runs()
    assert real.last_alive() == fake.last_alive()
    for wanted in (RunFilter(), RunFilter(task="a"), RunFilter(actions=(Action.FAIL, Action.MISSED, Action.WITHDRAWN))):
        assert _shown(real, wanted) == _shown(fake, wanted)
    assert set(real.recovery_events(reach, NOW)) == set(fake.recovery_events(reach, NOW))
    assert list(real.recovery_events(reach, NOW)) == list(fake.recovery_events(reach, NOW))
    return list(real.recovery_events(reach, NOW))


def _shown(store: Store, wanted: RunFilter) -> list[tuple[str, int, Action]]:
    return [(view.run.task, view.run.number, view.action) for view in store.runs(wanted)]


# What the clocks showed


def test_what_the_clocks_showed_at_the_last_sign_of_life_is_kept_in_which_boot(store: Store) -> None:
    assert dict(store.clock_readings()) == {}
    store.write([Alive(NOW - HOUR)])
    assert dict(store.clock_readings()) == {}, "nobody has looked"
    store.write([Alive(NOW, 5 * HOUR)])
    (boot_id,) = {reading.boot_id for reading in store.clock_readings().values()}
    assert boot_id
    assert dict(store.clock_readings()) == {
        "alive": ClockReading(NOW, boot_id, 5 * HOUR),
        "trusted": ClockReading(NOW - HOUR, boot_id, 5 * HOUR),
    }
    store.write([Alive(NOW + HOUR, 6 * HOUR)])
    store.save_trusted_reading(ClockReading(NOW, "other", 1))
    assert store.clock_readings() == {
        "alive": ClockReading(NOW + HOUR, boot_id, 6 * HOUR),
        "trusted": ClockReading(NOW, "other", 1),
    }


def test_a_record_of_a_clock_that_was_ahead_is_no_sign_of_life_after_the_next_one(store: Store) -> None:
    store.write([Started(run(1)), ended(run(1)), Alive(NOW - HOUR, 1)])
    assert store.last_alive() == NOW + 5 * SECOND
    store.write([Alive(NOW - HOUR, 2)])
    assert store.last_alive() == NOW - HOUR


def test_it_says_how_many_records_it_has_deleted(store: Store) -> None:
    store.write([record for number in (1, 2, 3) for record in (Started(run(number)), ended(run(number)))])
    before = store.deleted
    prune_all(store, NOW + HOUR, {})
    assert store.deleted - before == 4
