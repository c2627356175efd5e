"""Figures about the runs of each task: how many, how many succeeded, how long they took, and where that goes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import median_low
from typing import Final

from rocketd.cli.json_fields import duration, instant, text
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Duration, Instant
from rocketd.daemon.json_format import JsonObject, rfc3339

GOOD: Final = frozenset({"success", "inaction"})
BAD: Final = frozenset({"fail", "terminate", "crash"})
_LEAST_FOR_TREND: Final = 6
_TIMES: Final = re.compile(r"; ([0-9]{1,9}) times")


def is_failure(run: JsonObject) -> bool:
    """Whether a run has failed; one that a planned stop has interrupted has not."""
    return text(run, "action") in BAD and text(run, "cause") != "shutdown"


def missed_count(run: JsonObject) -> int:
    """How many chances a record of missed ones stands for."""
    found = _TIMES.search(text(run, "reason"))
    return int(found[1]) if found else 1


@dataclass(slots=True)
class RunStatistics:
    """The figures of one task. Runs are added in the order of their records, the oldest first."""

    task: str
    succeeded: int = 0
    failed: int = 0
    missed: int = 0
    last_failure: Instant | None = None
    runtimes: list[Duration] = field(default_factory=list)
    """Of the runs that succeeded."""
    marks: list[tuple[Duration, bool]] = field(default_factory=list)
    """Of each run that ended by itself: how long it took, and whether it succeeded."""

    def add(self, run: JsonObject) -> None:
        """Count a run."""
        took = duration(run, "runtime") or 0
        if text(run, "action") in GOOD:
            self.succeeded += 1
            self.runtimes.append(took)
            self.marks.append((took, True))
        elif text(run, "action") == "missed":
            self.missed += missed_count(run)
        elif is_failure(run):
            self.failed += 1
            self.last_failure = instant(run, "start")
            self.marks.append((took, False))

    @property
    def runs(self) -> int:
        """How many runs have ended by themselves."""
        return self.succeeded + self.failed

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1; None: no run has ended."""
        return self.succeeded / self.runs if self.runs else None

    @property
    def median(self) -> Duration | None:
        """The length of a usual run."""
        return median_low(self.runtimes) if self.runtimes else None

    @property
    def percentile_95(self) -> Duration | None:
        """Nineteen of twenty runs took no longer."""
        ordered = sorted(self.runtimes)
        return ordered[max(-(-len(ordered) * 95 // 100) - 1, 0)] if ordered else None

    @property
    def longest(self) -> Duration | None:
        """The length of the longest run."""
        return max(self.runtimes, default=None)

    @property
    def trend(self) -> float | None:
        """By which part the newer half of the runs takes longer than the older one; None: there are too few."""
        half = len(self.runtimes) // 2
        if len(self.runtimes) < _LEAST_FOR_TREND or not (older := median_low(self.runtimes[:half])):
            return None
        return median_low(self.runtimes[-half:]) / older - 1

    def as_json(self) -> JsonObject:
        """Return everything, durations in seconds."""
        return {
            "task": self.task,
            "runs": self.runs,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "missed": self.missed,
            "success_rate": self.success_rate,
            "median": _seconds(self.median),
            "p95": _seconds(self.percentile_95),
            "longest": _seconds(self.longest),
            "trend": self.trend,
            "last_failure": rfc3339(self.last_failure),
        }


def _seconds(value: Duration | None) -> float | None:
    return None if value is None else value / 1_000_000


def statistics_of(runs: Iterable[JsonObject], names: Iterable[str]) -> list[RunStatistics]:
    """Return the figures of these tasks, also of those without runs, in this order."""
    found = {name: RunStatistics(name) for name in names}
    for run in runs:
        if one := found.get(text(run, "task")):
            one.add(run)
    return list(found.values())


_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(marks: list[tuple[Duration, bool]], length: int) -> str:
    """Draw the newest runs, each by how long it took; `✗` is a failure."""
    newest = marks[-length:]
    most = max((took for took, good in newest if good), default=0)
    return "".join(_BARS[min(took * len(_BARS) // (most + 1), 7)] if good else "✗" for took, good in newest)
