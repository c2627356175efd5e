"""How long a store with many records takes to say what still matters, to show a page of history and to prune a chunk.

    python bench/resume.py [--tasks 1000] [--records 1000000] [--json FILE]

The yardstick beside it, measured in the same run: one pass over the whole log, as a store without indexes needs.
"""

import argparse
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from under_test import task_name

from rocketd.core.instant import DAY, HOUR, SECOND, Instant
from rocketd.core.model.records import RunFilter
from rocketd.core.model.run import Action
from rocketd.daemon.retention import CHUNK
from rocketd.store.sqlite.rows import Row, seconds
from rocketd.store.sqlite.schema import COLUMNS
from rocketd.store.sqlite.store import SqliteStore

NOW: Instant = time.time_ns() // 1_000
SPACING: Instant = 10 * SECOND


def records(tasks: int, count: int) -> Iterator[Row]:
    """Pairs of records, oldest first: nineteen runs of twenty succeed, one task in ten is run by hand."""
    chance = random.Random(7)  # noqa: S311 - a repeatable log, not a secret
    for index in range(count // 2):
        task, number = index % tasks, index // tasks + 1
        start = seconds(NOW - (count // 2 - index) * SPACING)
        trigger = "hand" if task % 10 == 0 and number % 2 == 0 else "schedule"
        action = "success" if chance.random() < 0.95 else chance.choice(("fail", "terminate", "crash"))
        run = (task_name(task), f"{index:032x}", number, 1, start, start)
        yield _row("run", start, run, trigger)
        yield _row(action, start + 1.5, run, trigger)


def _row(action: str, at: float, run: tuple[str, str, int, int, float, float], trigger: str) -> Row:
    task, run_id, number, attempt, due, start = run
    row = Row(at, task, action, run_id, number, attempt, due, start, trigger=trigger, reason="daily", host="host")
    return row if action == "run" else row._replace(end=at, runtime=1.5, cause="exit", output="x" * 100)


def fill(path: Path, tasks: int, count: int) -> None:
    """Write the log with plain SQLite, in one transaction."""
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    with closing(sqlite3.connect(path)) as database, database:
        places = ", ".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO log ({names}) VALUES ({places})", records(tasks, count))  # noqa: S608 - our own names
        rows = [(task_name(task), count // tasks + 1) for task in range(tasks)]
        database.executemany("INSERT INTO task_state (name, next_number) VALUES (?, ?)", rows)


def timed(what: str, act: Callable[[], object]) -> tuple[str, float, int]:
    """Do it once and say how long it took and how much it gave."""
    before = time.perf_counter()
    gave = act()
    took = time.perf_counter() - before
    return what, took, gave if isinstance(gave, int) else len(gave) if isinstance(gave, list) else 0


def measure(directory: Path, tasks: int) -> Iterator[tuple[str, float, int]]:
    """Every question once, on a store that is opened anew."""
    reach = {(task_name(task), Action.FAIL): DAY for task in range(tasks)}
    before = time.perf_counter()
    store = SqliteStore(directory)
    yield "open", time.perf_counter() - before, 0
    yield timed("past, newest of each action", lambda: list(store.recovery_events({}, NOW)))
    yield timed("past, and a day of fails of every task", lambda: list(store.recovery_events(reach, NOW)))
    yield timed("states", lambda: list(store.states()))
    yield timed("history, newest 100", lambda: list(store.runs(RunFilter())))
    yield timed("history of one task", lambda: list(store.runs(RunFilter(task=task_name(1)))))
    yield timed("history, crashes", lambda: list(store.runs(RunFilter(actions=(Action.CRASH,)))))
    yield timed("history since an hour", lambda: list(store.runs(RunFilter(since=NOW - HOUR))))
    # As the daemon asks for it: a chunk in one transaction.
    chunks = [timed("prune", lambda: store.prune(NOW - 10 * DAY, reach, NOW, CHUNK)) for _ in range(50)]
    yield "prune, a chunk, median of 50", sorted(chunk[1] for chunk in chunks)[25], CHUNK
    yield "prune, a chunk, worst of 50", max(chunk[1] for chunk in chunks), CHUNK
    store.close()
    with closing(sqlite3.connect(directory / "rocketd.db")) as database, database:
        scan = "SELECT task_name, action, max(id) FROM log NOT INDEXED GROUP BY task_name, action"
        yield timed("yardstick: one pass over the log", lambda: database.execute(scan).fetchall())


def main() -> None:
    """Build the log, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        SqliteStore(Path(directory)).close()
        fill(Path(directory) / "rocketd.db", wanted.tasks, wanted.records)
        rows = list(measure(Path(directory), wanted.tasks))
        size = (Path(directory) / "rocketd.db").stat().st_size
    print(f"{wanted.tasks} tasks, {wanted.records} records, {size / 2**20:.0f} MiB")
    for what, took, gave in rows:
        print(f"{what:<42} {took * 1000:>10.1f} ms {gave or '':>8}")
    if wanted.json:
        wanted.json.write_text(json.dumps({what: took for what, took, _ in rows}, indent=1))


if __name__ == "__main__":
    main()
