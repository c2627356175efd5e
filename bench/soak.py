"""200 runs a second for a long time: memory, descriptors, threads, CPU and lateness, every few seconds.

Each run is recorded, its line of output captured; old records are thrown away meanwhile, and the task files are read
again every minute. Writes soak.json and soak.svg, and says at the end what grew.
"""

import argparse
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

from under_test import Daemon, daemon, write_tasks

RATE: Final = 200
EVERY: Final = 5.0
RELOAD: Final = 60.0
TASK: Final = 'command = ["/bin/echo", "done"]\nwhen = "every(\'1 s\')"\nsplay = "1 s"\n'
SETTINGS: Final = '[rocketd]\nmax_running = 1000\n[store]\nkeep = "1 min"\n'
WARM: Final = 0.2
"""The part at the beginning that is not judged: caches fill, SQLite's log finds its size."""


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
    rate: float
    """Runs begun per second since the last sample."""
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
        end, reload = time.monotonic() + 60 * minutes, time.monotonic() + RELOAD
        while time.monotonic() < end:
            time.sleep(EVERY)
            samples.append(watching.sample())
            sys.stdout.write(" ".join(f"{name}={value}" for name, value in asdict(samples[-1]).items()) + "\n")
            sys.stdout.flush()
            if time.monotonic() > reload:
                reload += RELOAD
                os.kill(one.pid, signal.SIGHUP)
    return samples


def growth(samples: list[Sample], name: str) -> float:
    """How much the median of the last quarter lies above that of the first, behind the warm part."""
    values = [float(getattr(sample, name)) for sample in samples[int(len(samples) * WARM) :]]
    quarter = max(len(values) // 4, 1)
    return median(values[-quarter:]) - median(values[:quarter])


def judge(samples: list[Sample]) -> list[str]:
    """What grew that must not."""
    bounds = {"memory": 2.0, "descriptors": 10, "threads": 1}
    grown = {name: growth(samples, name) for name in bounds}
    return [f"{name} grew by {grown[name]:.2f}" for name, bound in bounds.items() if grown[name] > bound]


def drawn(samples: list[Sample]) -> str:
    """Draw each figure over time, one below the other."""
    shown = {
        "memory": "resident memory, MB",
        "descriptors": "open descriptors",
        "threads": "threads",
        "cpu": "CPU, % of one",
        "rate": "runs begun per second",
        "late_median": "late, median, ms",
        "late_worst": "late, worst, ms",
        "store": "store, MB",
    }
    panels = [_panel(samples, name, title, 90 * place) for place, (name, title) in enumerate(shown.items())]
    size = f'width="720" height="{90 * len(shown) + 20}"'
    style = 'font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(panels) + "\n</svg>\n"


def _panel(samples: list[Sample], name: str, title: str, top: int) -> str:
    values = [float(getattr(sample, name)) for sample in samples]
    most, last = max(*values, 1e-9), samples[-1].seconds
    points = " ".join(
        f"{20 + 640 * sample.seconds / last:.1f},{top + 80 - 55 * value / most:.1f}"
        for sample, value in zip(samples, values, strict=True)
    )
    label = f"{title}: {min(values):g} to {max(values):g}, at the end {values[-1]:g}"
    return (
        f'<text x="20" y="{top + 16}">{label}</text>'
        f'<line x1="20" y1="{top + 80}" x2="660" y2="{top + 80}" stroke="#bbb"/>'
        f'<polyline points="{points}" fill="none" stroke="#246" stroke-width="1"/>'
    )


def main() -> int:
    """Run it, and write down what it showed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--output", type=Path, default=Path())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        samples = soak(Path(directory), given.minutes)
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "soak.json").write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")
    (given.output / "soak.svg").write_text(drawn(samples))
    grown = judge(samples)
    sys.stdout.write("\n".join(grown or ["nothing grew"]) + "\n")
    return bool(grown)


if __name__ == "__main__":
    sys.exit(main())
