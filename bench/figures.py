"""A measured figure beside what it is held against, and how it is shown."""

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One row of the table."""

    what: str
    unit: str
    ours: float
    limit: float | None = None
    """What is possible here: measured in the same run, without any of rocketd."""
    limit_is: str = ""
    peer: float | None = None
    peer_is: str = ""
    goal: str = ""
    """Of a quiet machine of two cores; on another, or a busy one, the ratio is what counts."""

    @property
    def ratio(self) -> str:
        """How many times the limit it is."""
        return f"{self.ours / self.limit:.2f}" if self.limit else ""


HEADS = ("", "rocketd", "limit", "ratio", "peer", "goal", "limit and peer are")


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out in columns."""
    rows = [HEADS, *map(_row, figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells, row[-1]]).rstrip())
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    beside = "; ".join(filter(None, (figure.limit_is, figure.peer_is)))
    shown = (_number(value) for value in (figure.ours, figure.limit))
    what = f"{figure.what}, {figure.unit}"
    return (what, *shown, figure.ratio, _number(figure.peer), figure.goal, beside)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
