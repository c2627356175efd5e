"""The run log of a store, read part after part: everything once, the first recorded first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.core.instant import HOUR, SECOND, Instant
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.records import RunFilter, RunView
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.sqlite.store import SqliteStore

NOW: Instant = 1_790_000_000 * SECOND
MANY = 4_000
"""Runs: their records are more than one part looks through."""


def run(number: int, at: Instant, task: str = "backup") -> Run:
    return Run(task, number, f"id-{task}-{number}", 1, at, at, Trigger.SCHEDULE, "daily")


def ended(run: Run, action: Action = Action.SUCCESS) -> Finished:
    return Finished(run, End(action, Cause.EXIT, run.start + SECOND))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """Many runs of one task, a few of others; the clock was set back by days in the middle."""
    made = SqliteStore(tmp_path_factory.mktemp("state"))
    for number in range(1, MANY + 1):
        at = NOW + number * SECOND - (100 * HOUR if number > MANY // 2 else 0)
        one = run(number, at)
        made.write([Started(one), ended(one, Action.FAIL if number % 1000 == 0 else Action.SUCCESS)])
    made.write([Missed("tick", "id-missed", NOW, NOW, NOW, 3, "down"), Started(run(1, NOW, "open"))])
    yield made
    made.close()


def parts(store: SqliteStore, wanted: RunFilter) -> list[list[RunView]]:
    found: list[list[RunView]] = []
    after: int | None = 0
    while after is not None:
        part = store.page(wanted, after)
        found.append([*part.runs])
        after = part.next
    return found


def names(found: list[list[RunView]]) -> list[tuple[str, int]]:
    return [(view.run.task, view.run.number) for part in found for view in part]


@pytest.mark.parametrize("limit", [7, 999, MANY, 10 * MANY])
def test_every_run_comes_once_in_the_order_of_the_log(store: SqliteStore, limit: int) -> None:
    found = parts(store, RunFilter(limit=limit))
    assert names(found) == [*(("backup", number) for number in range(1, MANY + 1)), ("tick", 0), ("open", 1)]
    assert max(map(len, found)) <= limit


def test_few_are_found_among_many(store: SqliteStore) -> None:
    assert names(parts(store, RunFilter(task="open"))) == [("open", 1)]
    failed = [("backup", number) for number in range(1000, MANY + 1, 1000)]
    assert names(parts(store, RunFilter(actions=(Action.FAIL,)))) == failed
    assert names(parts(store, RunFilter(actions=(Action.RUN, Action.MISSED)))) == [("tick", 0), ("open", 1)]
    early = names(parts(store, RunFilter(until=NOW)))
    assert early == [("backup", number) for number in range(MANY // 2 + 1, MANY + 1)]


def test_an_empty_log_has_one_empty_part(tmp_path: Path) -> None:
    made = SqliteStore(tmp_path)
    assert parts(made, RunFilter()) == [[]]
    made.close()
