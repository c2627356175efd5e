"""The figures of tasks as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.cli.render import time_format
from rocketd.cli.render.columns import GAP, LEAST, table
from rocketd.cli.render.terminal_text import GREEN, RED, YELLOW, Cell, cut, width
from rocketd.cli.run_statistics import sparkline
from rocketd.core.duration import approximate_duration
from rocketd.core.plural import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.cli.render.tables import RenderOptions
    from rocketd.cli.run_statistics import RunStatistics
    from rocketd.core.instant import Duration, Instant

_WIDE: Final = 110
_SHORT, _LONG = 10, 30
"""How many runs the line of the newest ones has."""


def statistics_table(found: Sequence[RunStatistics], since: Instant, look: RenderOptions) -> list[str]:
    """Draw one task a line; the widest terminals also get the longest run and the last failure."""
    wide = look.columns is None or look.columns >= _WIDE
    headings = ["TASK", "RUNS", "OK", "MEDIAN", "P95", *(["LONGEST"] if wide else []), "TREND", "MISSED"]
    headings += [*(["LAST FAILURE"] if wide else []), "NEWEST RUNS"]
    rows = [_row(one, look, wide=wide) for one in found]
    if look.columns is not None and rows:
        widths = [max(width(head), *(width(row[place].text) for row in rows)) for place, head in enumerate(headings)]
        room = max(look.columns - sum(widths[1:]) - len(GAP) * (len(widths) - 1), LEAST)
        rows = [[Cell(cut(row[0].text, room)), *row[1:]] for row in rows]
    footer = f"{counted(len(found), 'task')}, runs since {time_format.local(since)}. ✗ is a failure."
    return [*table(headings, rows, columns=look.columns, colour=look.colour), "", footer]


def _row(one: RunStatistics, look: RenderOptions, *, wide: bool) -> list[Cell]:
    rate = one.success_rate
    succeeded = Cell("-") if rate is None else Cell(_percent(rate), GREEN if rate == 1 else RED)
    return [
        Cell(one.task),
        Cell(str(one.runs)),
        succeeded,
        Cell(_length(one.median)),
        Cell(_length(one.percentile_95)),
        *([Cell(_length(one.longest))] if wide else []),
        _trend(one.trend),
        Cell(str(one.missed) if one.missed else "-", YELLOW if one.missed else ""),
        *([Cell(time_format.passed(one.last_failure, look.now))] if wide else []),
        Cell(sparkline(one.marks, _LONG if wide else _SHORT)),
    ]


def _percent(rate: float) -> str:
    """Write a rate; what is not all is never written as 100 %."""
    return "100%" if rate == 1 else f"{int(rate * 1000) / 10:.1f}%"


def _length(value: Duration | None) -> str:
    return time_format.NEVER if value is None else approximate_duration(value) if value else "0s"


def _trend(trend: float | None) -> Cell:
    if trend is None:
        return Cell("-")
    percent = round(trend * 100)
    return Cell(f"{percent:+}%" if percent else "=", YELLOW if percent >= 50 else "")  # noqa: PLR2004 - half as long again
