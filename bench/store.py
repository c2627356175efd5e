"""How many records a second the store writes, by batch and durability, beside plain sqlite3 and Red Bird's own.

    python bench/store.py [--seconds 1.0] [--json FILE]

A batch of n is one transaction with n runs: their starts, their processes, their ends. Plain sqlite3 inserts the same
two rows of a run into the same table with the same indexes, and keeps nothing beside it: the limit. All in one run.
"""

import argparse
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, get_args

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Event, Finished, Spawned, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.log import RunRecord
from rocketd.repos import RunRepo, SQLRepo
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.rows import Origin, row_of
from rocketd.store.sqlite.schema import COLUMNS
from rocketd.store.sqlite.store import SqliteStore

BATCHES: Final = (1, 10, 100, 1000)
HERE: Final = Origin("host", "f" * 36)


class Measured(NamedTuple):
    """What was measured, how many records a second it came to, and how much CPU time each took."""

    what: str
    durability: str
    batch: int
    rate: float
    cpu: float
    """Microseconds; unlike the rate, it says the same on a busy machine."""


Speed: TypeAlias = tuple[float, float]
"""Records a second, and microseconds of CPU time each."""


def runs(batch: int, first: int) -> Iterator[tuple[Run, End]]:
    """As many runs of a hundred tasks, all new."""
    for number in range(first, first + batch):
        at = 1_790_000_000 * SECOND + number
        run = Run(f"task-{number % 100}", number, f"{number:036x}", 1, at, at, Trigger.SCHEDULE, "daily")
        yield run, End(Action.SUCCESS, Cause.EXIT, at + SECOND, 0, output="x" * 100, runtime=SECOND)


def events(batch: int, first: int) -> list[Event]:
    """Everything that happens to these runs, in the order of a pass."""
    pairs = list(runs(batch, first))
    begun = [Started(run) for run, _ in pairs]
    return [
        *begun,
        *(Spawned(run, 4711, 99, run.start) for run, _ in pairs),
        *(Finished(run, end) for run, end in pairs),
    ]


def speed(seconds: float, batch: int, write: Callable[[int], None]) -> Speed:
    """Write batch after batch for a while; a run is two records."""
    first, begun, cpu = 1, time.perf_counter(), time.process_time()
    while (took := time.perf_counter() - begun) < seconds:
        write(first)
        first += batch
    records = 2 * (first - 1)
    return records / took, (time.process_time() - cpu) * 1e6 / records


def ours(directory: Path, durability: Durability, batch: int, seconds: float) -> Speed:
    """Our store: events in, one transaction."""
    with closing(SqliteStore(directory, durability=durability, origin=HERE)) as store:
        return speed(seconds, batch, lambda first: store.write(events(batch, first)))


def plain(directory: Path, durability: Durability, batch: int, seconds: float) -> Speed:
    """The limit: two rows a run by executemany, prepared outside of what is measured, into the same table."""
    SqliteStore(directory).close()
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    insert = f"INSERT INTO log ({names}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
    rows = [row_of(event, HERE) for event in events(batch, 0) if not isinstance(event, Spawned)]
    with closing(sqlite3.connect(directory / "rocketd.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {durability}")

        def write(first: int) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(insert, [(*row[:4], first + index, *row[5:]) for index, row in enumerate(rows)])
            database.execute("COMMIT")

        return speed(seconds, batch, write)


def peer(repo: BaseRepo, batch: int, seconds: float) -> Speed:
    """A Red Bird repository: `add` for each record, each a transaction of its own."""

    def write(first: int) -> None:
        for run, end in runs(batch, first):
            for row in (row_of(Started(run), HERE), row_of(Finished(run, end), HERE)):
                repo.add(RunRecord(**row._asdict()))

    return speed(seconds, batch, write)


def syncs(directory: Path, seconds: float) -> Speed:
    """What the disk itself does: small appends, each synced."""
    with (directory / "syncs").open("wb", buffering=0) as file:

        def write(_: int) -> None:
            for _record in range(2):
                file.write(bytes(4096))
                os.fdatasync(file.fileno())

        return speed(seconds, 1, write)


def measure(seconds: float) -> Iterator[Measured]:
    """All of it, each on a store of its own."""
    for durability in get_args(Durability):
        for batch in BATCHES:
            for what, act in (("rocketd", ours), ("sqlite3", plain)):
                with tempfile.TemporaryDirectory() as directory:
                    yield Measured(what, durability, batch, *act(Path(directory), durability, batch, seconds))
    with tempfile.TemporaryDirectory() as directory:
        with closing(RunRepo(f"sqlite:///{directory}/a.db")) as repo:
            yield Measured("RunRepo.add", "rollback journal", 1, *peer(repo, 1, seconds))
        address = f"sqlite:///{directory}/b.db"
        theirs = SQLRepo(conn_string=address, model=RunRecord, table="log", id_field="id", if_missing="create")
        yield Measured("Red Bird's SQLRepo.add", "rollback journal", 1, *peer(theirs, 1, seconds))
        yield Measured("fdatasync of 4 KiB", "the disk alone", 1, *syncs(Path(directory), seconds))


def main() -> None:
    """Measure, print a table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    measured = []
    for one in measure(wanted.seconds):
        measured.append(one)
        print(
            f"{one.what:<24} {one.durability:<18} batch {one.batch:>5}"
            f" {one.rate:>9,.0f} records/s {one.cpu:>7.1f} µs CPU",
            flush=True,
        )
    if wanted.json:
        wanted.json.write_text(json.dumps([one._asdict() for one in measured], indent=1))


if __name__ == "__main__":
    main()
