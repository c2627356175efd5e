"""Figures that SQLite counts are those that one would count from the records."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.core.instant import HOUR, MINUTE, SECOND, Instant
from rocketd.core.model.events import Finished, Missed, Started, Withdrawn
from rocketd.core.model.records import Change, RunFilter, RunView
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.run_figures import RunSpan, SpanPlace
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteStore
from support.builders import NOW

ENDS = (Action.SUCCESS, Action.SUCCESS, Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION)
STEP = 15 * MINUTE


def some_runs(seed: int) -> list[Change]:
    """300 runs of five tasks within some hours; some go on, some never began, some chances were missed."""
    dice = random.Random(seed)  # noqa: S311 - a game
    changes: list[Change] = []
    for number in range(1, 301):
        task, start = f"t{number % 5}", NOW + dice.randrange(6 * HOUR)
        trigger = dice.choice([Trigger.SCHEDULE, Trigger.HAND])
        run = Run(task, number, f"0199-{number}", 1, start, start, trigger, "daily")
        runtime = dice.randrange(HOUR)
        match dice.randrange(10):
            case 0:
                last = start + dice.randrange(HOUR)
                changes.append(Missed(task, f"m-{number}", last, start, last, dice.randrange(1, 9), "down"))
            case 1:
                changes += [Started(run), Withdrawn(run, start + SECOND, "no memory")]
            case 2:
                changes.append(Started(run))
            case _:
                ended = End(dice.choice(ENDS), Cause.EXIT, start + runtime, 0, output="x" * 100, runtime=runtime)
                changes += [Started(run), Finished(run, ended)]
    return changes


@pytest.fixture(params=range(3))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path)
    store.write(some_runs(request.param))
    yield store
    store.close()


def all_runs(store: SqliteStore, task: str = "") -> list[RunView]:
    return [*store.runs(RunFilter(task=task, limit=1000))]


def counted(store: SqliteStore, begin: Instant, end: Instant, task: str) -> Counter[tuple[Instant, Action]]:
    """What there is to count, from the changes that made it."""
    found: Counter[tuple[Instant, Action]] = Counter()
    for view in all_runs(store, task):
        at = view.end.at if view.end else None
        if view.action is Action.MISSED:
            continue
        if at is not None and begin <= at < end and view.action is not Action.WITHDRAWN:
            found[begin + (at - begin) // STEP * STEP, view.action] += 1
    return found


@pytest.mark.parametrize("task", ["", "t3"])
def test_stretches_count_ends_and_misses(store: SqliteStore, task: str) -> None:
    begin, end = NOW + HOUR + 7 * SECOND, NOW + 5 * HOUR
    found = store.stretches(begin, end, STEP, task)
    ended = {(one.begin, one.action): one.count for one in found if one.action is not Action.MISSED}
    assert ended == counted(store, begin, end, task)
    total = sum(one.runtime for one in found)
    ends = [view.end for view in all_runs(store, task) if view.action is not Action.MISSED]
    assert total == sum(one.runtime for one in ends if one and begin <= one.at < end)
    assert [one.begin for one in found] == sorted(one.begin for one in found)


def test_of_a_stretch_of_misses_each_chance_counts(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.write([Missed("t", "m", NOW, NOW - HOUR, NOW, 7, "down")])
    (one,) = store.stretches(NOW - HOUR, NOW + 1, HOUR, "")
    assert (one.action, one.count) == (Action.MISSED, 7)
    store.close()


def test_spans_have_every_run_that_began_in_that_time_once_page_by_page(store: SqliteStore) -> None:
    begin, end = NOW + HOUR, NOW + 4 * HOUR
    found: list[RunSpan] = []
    after: SpanPlace | None = None
    while True:
        page = store.spans(begin, end, after, 17)
        found += page.spans
        if page.next is None:
            break
        after = page.next
    runs = [view for view in all_runs(store) if view.action not in {Action.WITHDRAWN, Action.MISSED}]
    expected = [
        RunSpan(view.run.task, view.run.number, view.run.start, view.end.at if view.end else None, view.action)
        for view in runs
        if begin <= view.run.start < end
    ]
    assert sorted(one for one in found if one.number) == sorted(expected)
    assert all(one.action is Action.MISSED for one in found if not one.number)


def test_runtimes_are_those_of_the_last_successes_by_hand_or_not(store: SqliteStore) -> None:
    wanted = [view for view in all_runs(store, "t2") if view.action is Action.SUCCESS]
    by_end = sorted(wanted, key=lambda view: view.run.number, reverse=True)  # the order in which they were recorded
    expected = [view.end.runtime for view in by_end if view.end][:7]
    assert store.runtimes(["t2", "none"], 7) == {"t2": expected, "none": []}


def test_what_is_not_a_number_is_left_out(tmp_path: Path) -> None:
    """A disk has changed a bit, or another program has written it."""
    store = SqliteStore(tmp_path)
    store.write(some_runs(1)[:20])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.execute("""UPDATE log SET runtime = 'long', "end" = 'late', times = 'often', start = 'x', due = 'y'""")
        database.execute("UPDATE log SET action = 'flop' WHERE action = 'missed'")
    assert sum(one.runtime for one in store.stretches(NOW, NOW + 9 * HOUR, HOUR, "")) == 0
    assert store.spans(NOW, NOW + 9 * HOUR, None, 100).spans == []
    assert set(store.runtimes([f"t{number}" for number in range(5)], 5)) == {f"t{number}" for number in range(5)}
    store.close()
