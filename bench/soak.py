"""200 runs a second for a long time: memory, descriptors, threads, CPU and lateness, every few seconds.

    make soak MINUTES=20
    make soak INTO=docs/explanation/soak.md     the numbers and the picture into that page

Each run is recorded, its line of output captured; every minute the task files are read again, and all records that are
older than a minute are thrown away. Writes soak.json, soak.md and soak.svg, and fails if something grew that must not.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Final

from drawing import draw
from figures import Curve, markdown, number, put_into
from machine_here import here
from under_test import Daemon, daemon, write_tasks

RATE: Final = 200
EVERY: Final = 5.0
CHORES: Final = 60.0
"""Seconds between two reloads, and between two prunings."""
TASK: Final = 'command = ["/bin/echo", "done"]\nwhen = "every(\'1 s\')"\nsplay = "1 s"\n'
SETTINGS: Final = '[rocketd]\nmax_running = 1000\n[store]\nkeep = "1 min"\n'
WARM: Final = 0.2
"""The part at the beginning that is not judged: caches fill, SQLite's log finds its size."""
AT_LEAST: Final = 1.5 * CHORES
"""Seconds that are not judged in any case: the first of all chores takes memory that the later ones use again."""

SHOWN: Final = {
    "memory": "resident memory, MB",
    "descriptors": "open descriptors",
    "threads": "threads",
    "cpu": "CPU, % of one",
    "rate": "runs begun per second",
    "late_median": "late, median, ms",
    "late_worst": "late, worst, ms",
    "store": "store, MB",
}
HEADS: Final = ("", "median", "least", "most", "last quarter less first")


@dataclass
class Sample:
    """How things stand at one moment."""

    seconds: float
    memory: float
    """Megabytes, resident."""
    descriptors: int
    threads: int
    cpu: float
    """Per cent of one CPU since the last sample."""
    begun: int
    """Runs since the last sample."""
    rate: float
    """The same, per second."""
    late_median: float
    """Milliseconds from when a run was to begin (its due and its splay) to the pass that began it."""
    late_worst: float
    store: float
    """Megabytes, with the write-ahead log."""


class Watching:
    """Takes the samples."""

    def __init__(self, one: Daemon) -> None:
        self._one = one
        self._began = time.monotonic()
        self._place = 0
        self._cpu = one.usage.cpu
        self._at = self._began
        self._least: dict[str, float] = {}

    def sample(self) -> Sample:
        """Look at /proc and at the newest records."""
        now, usage, process = time.monotonic(), self._one.usage, Path(f"/proc/{self._one.pid}")
        begun = self._begun()
        waits = self._lateness(begun)
        past = now - self._at
        sample = Sample(
            round(now - self._began, 1),
            round(usage.memory, 2),
            len(list((process / "fd").iterdir())),
            len(list((process / "task").iterdir())),
            round(100 * (usage.cpu - self._cpu) / past, 1),
            len(begun),
            round(len(begun) / past, 1),
            round(median(waits) if waits else 0.0, 2),
            round(max(waits, default=0.0), 2),
            round(sum(path.stat().st_size for path in (self._one.directory / "lib").glob("rocketd.db*")) / 1e6, 2),
        )
        self._cpu, self._at = usage.cpu, now
        return sample

    def _begun(self) -> list[tuple[str, float]]:
        """By task, how long after its due each new run began."""
        path = self._one.directory / "lib" / "rocketd.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            asked = "SELECT id, task_name, start - due FROM log WHERE action = 'run' AND id > ?"
            rows = database.execute(asked, (self._place,)).fetchall()
        self._place = max((place for place, _, _ in rows), default=self._place)
        return [(task, late * 1000) for _, task, late in rows]

    def _lateness(self, begun: list[tuple[str, float]]) -> list[float]:
        """A task's splay is the same each time: it is the least that it was ever late."""
        for task, late in begun:
            self._least[task] = min(late, self._least.get(task, late))
        return [late - self._least[task] for task, late in begun]


def soak(directory: Path, minutes: float) -> list[Sample]:
    """Let it run so long."""
    write_tasks(directory, [TASK] * RATE, SETTINGS)
    samples = []
    with daemon(directory) as one:
        time.sleep(EVERY)
        watching = Watching(one)
        watching.sample()
        end, chores = time.monotonic() + 60 * minutes, time.monotonic() + CHORES
        while time.monotonic() < end:
            time.sleep(EVERY)
            samples.append(watching.sample())
            sys.stdout.write(" ".join(f"{name}={value}" for name, value in asdict(samples[-1]).items()) + "\n")
            sys.stdout.flush()
            if time.monotonic() > chores:
                chores += CHORES
                os.kill(one.pid, signal.SIGHUP)
                _rocketctl(directory, "prune")
    return samples


def _rocketctl(directory: Path, verb: str) -> None:
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={directory / 'run'}", verb]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def settled(samples: list[Sample]) -> list[Sample]:
    """Those behind the warm part; none of a soak that is too short to have one."""
    warm = max(WARM * samples[-1].seconds, AT_LEAST)
    return [sample for sample in samples if sample.seconds > warm]


def growth(samples: list[Sample], name: str) -> float:
    """How much the median of the last quarter lies above that of the first."""
    values = [float(getattr(sample, name)) for sample in samples]
    quarter = max(len(values) // 4, 1)
    return median(values[-quarter:]) - median(values[:quarter])


def judge(samples: list[Sample]) -> list[str]:
    """What grew that must not, and whether all that was due began."""
    bounds = {"memory": 2.0, "descriptors": 10, "threads": 1}
    judged = settled(samples)
    grown = {name: growth(judged, name) if judged else 0.0 for name in bounds}
    found = [f"{name} grew by {grown[name]:.2f}" for name, bound in bounds.items() if grown[name] > bound]
    rate = fmean(sample.rate for sample in samples)
    if rate < 0.99 * RATE:
        found.append(f"it fell behind: {rate:.0f} runs a second of {RATE}")
    return found


def report(samples: list[Sample], where: str) -> str:
    """What it showed, for a page."""
    runs = sum(sample.begun for sample in samples)
    nothing = "Nothing grew" if settled(samples) else "It was too short to say what grows"
    verdict = "; ".join(judge(samples)) or f"{nothing}, and all that was due began"
    rows = [_row(samples, name, title) for name, title in SHOWN.items()]
    told = f"{runs:,.0f} runs in {samples[-1].seconds:,.0f} seconds, on {where}.\n{verdict}."
    return f"{told}\n\n{markdown(HEADS, rows)}\n\n![over time](soak.svg)"


def _row(samples: list[Sample], name: str, title: str) -> tuple[str, ...]:
    values = [float(getattr(sample, name)) for sample in samples]
    grown = f"{growth(judged, name):+.2g}" if (judged := settled(samples)) else ""
    return (title, *map(number, (median(values), min(values), max(values))), grown)


def draw_over_time(samples: list[Sample], path: Path) -> None:
    """Each figure in a panel of its own."""
    over = {name: [(one.seconds / 60, float(getattr(one, name))) for one in samples] for name in SHOWN}
    curves = [Curve("soak", title, "minutes", {name: over[name]}, logarithmic=False) for name, title in SHOWN.items()]
    draw(curves, path)


def main() -> int:
    """Run it, and write down what it showed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--output", type=Path, default=Path("build/soak"))
    parser.add_argument("--into", type=Path, help="a page with a place for the report; the picture goes beside it")
    given = parser.parse_args()
    where = here()
    with tempfile.TemporaryDirectory() as directory:
        samples = soak(Path(directory), given.minutes)
    write(samples, where, given.output, given.into)
    sys.stdout.write(report(samples, where) + "\n")
    return bool(judge(samples))


def write(samples: list[Sample], where: str, output: Path, page: Path | None) -> None:
    """Write the samples, the report and the picture; those two also into a page, if one is given."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "soak.json").write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")
    (output / "soak.md").write_text(report(samples, where) + "\n")
    draw_over_time(samples, output / "soak.svg")
    if page:
        put_into(page, "soak", report(samples, where))
        draw_over_time(samples, page.with_name("soak.svg"))


if __name__ == "__main__":
    sys.exit(main())
