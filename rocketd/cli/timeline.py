"""A day as rows of cells: for each task what was planned, ran, failed, was missed or is running, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rocketd.cli.json_fields import duration, instant, text
from rocketd.cli.run_statistics import is_failure
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import FOREVER, Instant
from rocketd.daemon.json_format import JsonObject, rfc3339

PLANNED, MISSED, RAN, RUNNING, FAILED = "·", "!", "█", "▒", "✗"
EMPTY: Final = " "
_RANK: Final = {mark: rank for rank, mark in enumerate((EMPTY, PLANNED, MISSED, RAN, RUNNING, FAILED))}
"""What is shown of several marks in one cell: the most important."""


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """Something that takes a stretch of time; `end` is not before `begin`."""

    mark: str
    begin: Instant
    end: Instant
    run: str = ""
    """TASK/NUMBER; empty: it is no run."""


@dataclass(slots=True)
class TimelineRow:
    """One task."""

    task: str
    marks: list[TimelineMark] = field(default_factory=list)


@dataclass(slots=True)
class Timeline:
    """All rows between two instants."""

    begin: Instant
    end: Instant
    now: Instant
    rows: list[TimelineRow]
    planned_until: Instant = FOREVER
    """Up to when all starts that are expected are there."""

    @classmethod
    def of(
        cls, names: Iterable[str], runs: Iterable[JsonObject], begin: Instant, end: Instant, now: Instant
    ) -> Timeline:
        """Place runs, each once, in the rows of their tasks."""
        rows = {name: TimelineRow(name) for name in names}
        for run in {text(run, "run_id"): run for run in runs}.values():
            row, mark = rows.get(text(run, "task")), _mark(run, now)
            if row and mark and mark.begin < end and mark.end >= begin:
                row.marks.append(mark)
        return cls(begin, end, now, list(rows.values()))

    def plan(self, task: str, at: Instant) -> None:
        """Add a start that is expected."""
        for row in self.rows:
            if row.task == task and self.begin <= at < self.end:
                row.marks.append(TimelineMark(PLANNED, at, at))

    def cells(self, row: TimelineRow, count: int) -> str:
        """Return a row as so many characters."""
        cells = [EMPTY] * count
        for mark in row.marks:
            for place in self._places(mark, count):
                if _RANK[mark.mark] > _RANK[cells[place]]:
                    cells[place] = mark.mark
        return "".join(cells)

    def active(self, count: int) -> str:
        """Return how many runs are active in each cell, at most: a digit, or + for ten and more."""
        numbers = [0] * count
        changes: list[tuple[Instant, int]] = []
        for mark in (mark for row in self.rows for mark in row.marks if mark.run):
            changes += [(mark.begin, 1), (max(mark.end, mark.begin + 1), -1)]
        active, since = 0, self.begin
        for at, change in sorted(changes):
            if active and at > since:
                for place in self._places(TimelineMark("", since, at - 1), count):
                    numbers[place] = max(numbers[place], active)
            active, since = active + change, at
        return "".join(EMPTY if not one else str(one) if one < 10 else "+" for one in numbers)  # noqa: PLR2004 - a digit

    def _places(self, mark: TimelineMark, count: int) -> range:
        span = max(self.end - self.begin, 1)
        first = max((mark.begin - self.begin) * count // span, 0)
        last = min((mark.end - self.begin) * count // span, count - 1)
        return range(first, max(last, first if first < count else -1) + 1)

    def as_json(self) -> JsonObject:
        """Return all marks as they are."""
        names = {PLANNED: "planned", MISSED: "missed", RAN: "ran", RUNNING: "running", FAILED: "failed"}
        return {
            "begin": rfc3339(self.begin),
            "end": rfc3339(self.end),
            "tasks": [
                {
                    "task": row.task,
                    "marks": [
                        {
                            "what": names[mark.mark],
                            "begin": rfc3339(mark.begin),
                            "end": rfc3339(mark.end),
                            "run": mark.run or None,
                        }
                        for mark in sorted(row.marks, key=lambda mark: mark.begin)
                    ],
                }
                for row in self.rows
            ],
        }


def _mark(run: JsonObject, now: Instant) -> TimelineMark | None:
    """Return what a record is on the time line; None: it never began."""
    action, begin = text(run, "action"), instant(run, "start")
    if begin is None or action == "withdrawn":
        return None
    name = f"{text(run, 'task')}/{run.get('number')}"
    if action == "missed":
        due = instant(run, "due") or begin
        return TimelineMark(MISSED, due, max(instant(run, "end") or due, due))
    if action == "run":
        return TimelineMark(RUNNING, begin, max(now, begin), name)
    end = instant(run, "end") or begin + (duration(run, "runtime") or 0)
    return TimelineMark(FAILED if is_failure(run) else RAN, begin, max(end, begin), name)


def hours(begin: Instant, end: Instant, ticks: Sequence[tuple[Instant, str]], count: int) -> str:
    """Return the heading: labels at their places, as far as they do not touch."""
    line = [EMPTY] * count
    free = 0
    for at, label in ticks:
        place = (at - begin) * count // max(end - begin, 1)
        if place >= free and place + len(label) <= count:
            line[place : place + len(label)] = label
            free = place + len(label) + 1
    return "".join(line).rstrip()
