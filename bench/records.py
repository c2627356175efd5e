"""What many records cost: a restart, a page of history, throwing old ones away, and a run.

Limit: the same without a record. Other questions to the store are in `resume.py`.
"""

import statistics
import time
from pathlib import Path
from typing import Final, NamedTuple

import resume
from figures import Curve, Figure
from tasks import task
from under_test import daemon, write_tasks

from rocketd.core.instant import SECOND
from rocketd.core.model.records import RunFilter
from rocketd.daemon.retention import CHUNK
from rocketd.store.sqlite.store import SqliteStore

TASKS: Final = 1_000
OFTEN: Final = 50
EACH_SECOND: Final = 'command = ["/bin/true"]\nwhen = "cron(\'* * * * * *\')"\nrestart_delay = "0s"'


class Kept(NamedTuple):
    """A daemon over so many records."""

    records: int
    ready: float
    """Seconds to READY."""
    cpu: float
    """Seconds of CPU to READY."""
    per_run: float
    """Microseconds of CPU for each run."""
    page: float
    """Milliseconds for the newest hundred runs of all tasks."""
    pruned: float
    """Milliseconds for as many records as are thrown away in one transaction."""


def restart(directory: Path, *, quick: bool) -> list[Figure | Curve]:
    """A thousand tasks and up to a million records of theirs: to READY again, and what comes then."""
    counts = (0, 10_000, 100_000) if quick else (0, 10_000, 100_000, 1_000_000)
    kept = [_kept(directory / str(count), count, 4 if quick else 8) for count in counts]
    none, most = kept[0], kept[-1]
    of, without = f"of {most.records:,} records", "the same without a record"
    few, is_few = kept[1], "of 10,000 records"
    figures = [
        Figure(f"restart, 1,000 tasks {of}", "s", most.ready, none.ready, without, goal="≤ 1"),
        Figure(f"restart, 1,000 tasks {of}", "s CPU", most.cpu, none.cpu, without),
        Figure(f"CPU per run, {of}", "µs", most.per_run, none.per_run, without, goal="ratio 1"),
        Figure(f"newest page of history, {of}", "ms", most.page, few.page, is_few, goal="ratio 1"),
        Figure(f"{CHUNK} records thrown away, {of}", "ms", most.pruned, few.pruned, is_few, goal="ratio 1"),
    ]
    return [*figures, *_curves(kept[1:])]


def _curves(kept: list[Kept]) -> list[Curve]:
    shown = {
        "start to READY, s": [one.ready for one in kept],
        "CPU per run, µs": [one.per_run for one in kept],
        "newest page of history, ms": [one.page for one in kept],
        f"{CHUNK} records thrown away, ms": [one.pruned for one in kept],
    }
    over = [one.records for one in kept]
    return [
        Curve("growth-records", title, "records", {"rocketd": list(zip(over, values, strict=True))})
        for title, values in shown.items()
    ]


def _kept(where: Path, count: int, seconds: int) -> Kept:
    (where / "lib").mkdir(parents=True)
    SqliteStore(where / "lib").close()
    resume.fill(where / "lib" / "rocketd.db", TASKS, count)
    write_tasks(where, [*map(task, range(TASKS)), *[EACH_SECOND] * OFTEN])
    with daemon(where) as one:
        time.sleep(2)
        before = one.usage.cpu
        time.sleep(seconds)
        used = one.usage.cpu - before
    return Kept(count, one.ready, one.cpu, used / (seconds * OFTEN) * 1e6, *_asked(where / "lib", count))


def _asked(state: Path, count: int) -> tuple[float, float]:
    store = SqliteStore(state)
    page = min(resume.timed("page", lambda: store.runs(RunFilter()))[1] for _ in range(5))
    middle = resume.NOW - count // 4 * resume.SPACING
    chunks = [resume.timed("prune", lambda: store.prune(middle, {}, resume.NOW + SECOND, CHUNK)) for _ in range(5)]
    store.close()
    return page * 1000, statistics.median(took for _, took, _ in chunks) * 1000
