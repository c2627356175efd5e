"""What was measured, beside what it is held against, and how both are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple, TypeAlias


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


class Beside(NamedTuple):
    """A figure of several schedulers, each in a machine of the same kind; None: it cannot do that."""

    what: str
    unit: str
    values: Sequence[float | None]


Measurements: TypeAlias = Sequence[float]


class Spread(NamedTuple):
    """A figure of several ways to do the same, each measured several times; no measurements: it has no such figure."""

    what: str
    unit: str
    values: Sequence[Measurements]
    table: str = "units"
    """The mark of its table in a page."""


Points: TypeAlias = list[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """How a figure grows."""

    picture: str
    """The name of the file that it is drawn in, together with others of the same name."""
    title: str
    """What lies on the vertical axis, with its unit."""
    over: str
    """What lies on the horizontal axis."""
    lines: dict[str, Points]
    logarithmic: bool = True
    """The horizontal axis."""


Row: TypeAlias = Sequence[str]
HEADS: Final = ("", "rocketd", "limit", "ratio", "peer", "goal", "limit and peer are")


def row_of(figure: Figure) -> Row:
    """Its cells, in the order of `HEADS`."""
    beside = "; ".join(filter(None, (figure.limit_is, figure.peer_is)))
    what = f"{figure.what}, {figure.unit}"
    return (what, number(figure.ours), number(figure.limit), figure.ratio, number(figure.peer), figure.goal, beside)


def row_beside(figure: Beside) -> Row:
    """Its cells: what it is, then each scheduler's."""
    return (f"{figure.what}, {figure.unit}", *map(number, figure.values))


def row_of_spread(figure: Spread) -> Row:
    """Its cells: what it is, then the median of each way, with the least and the most."""
    return (f"{figure.what}, {figure.unit}", *map(_spread, figure.values))


def _spread(values: Measurements) -> str:
    if len(values) < 2:
        return "".join(map(number, values))
    return f"{number(median(values))} ({number(min(values))}–{number(max(values))})"


def columns(heads: Row, rows: Sequence[Row]) -> str:
    """Lay them out for a terminal; the numbers to the right."""
    shown = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    words = {0, len(heads) - 1} if heads is HEADS else {0}
    lines = []
    for row in shown:
        cells = [
            cell.ljust(width) if place in words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(heads: Row, rows: Sequence[Row]) -> str:
    """Lay them out for a page."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put_into(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- MARK -->` and `<!-- /MARK -->`; raises ValueError if it has no such place."""
    before, begin, rest = page.read_text().partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    if not (begin and end):
        raise ValueError(f"{page} has no place for {mark}: <!-- {mark} --> on a line of its own, then <!-- /{mark} -->")
    page.write_text(f"{before}{begin}{text}\n{end}{after}")


def number(value: float | None) -> str:
    """Three digits are enough."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
