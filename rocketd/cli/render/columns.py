"""Aligned columns that fit a terminal: one column gives way when the line is too long."""

from collections.abc import Iterable, Sequence
from typing import Final

from rocketd.cli.render.terminal_text import BOLD, Cell, cut, pad, painted, width
from rocketd.core.escaping import visible

GAP: Final = "  "
LEAST: Final = 12
"""The column that gives way keeps this many columns, even if the line then is too long."""


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, columns: int | None, colour: bool) -> list[str]:
    """Draw rows under headings, the last column unpadded and cut to fit `columns`; None cuts nothing."""
    grid = [[Cell(heading, BOLD) for heading in headings]]
    grid += [[cell if cell.text.isprintable() else _harmless(cell) for cell in row] for row in rows]
    widths = [max(width(text) for text, _ in column) for column in zip(*grid, strict=True)]
    if columns is not None:
        taken = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(columns - taken, LEAST))
    return [_line(row, widths, colour=colour) for row in grid]


def _harmless(cell: Cell) -> Cell:
    return Cell(visible(cell.text), cell.colour)


def _line(row: Sequence[Cell], widths: Sequence[int], *, colour: bool) -> str:
    *head, (text, sgr) = row
    last = Cell(cut(text, widths[-1]), sgr)
    if not colour:
        return GAP.join([*map(pad, (cell.text for cell in head), widths), last.text]).rstrip()
    padded = (
        painted(cell, colour=True) + " " * (columns - width(cell.text))
        for cell, columns in zip(head, widths, strict=False)
    )
    return GAP.join([*padded, painted(last, colour=True)]).rstrip()


def pairs(lines: Iterable[tuple[str, Cell]], *, colour: bool) -> list[str]:
    """Draw `label: value` lines as systemctl does, the labels right-aligned at the colons."""
    kept = [(label, cell) for label, cell in lines if cell.text]
    longest = max((len(label) for label, _ in kept), default=0)
    return [f"{label:>{longest}}: {painted(Cell(visible(text), sgr), colour=colour)}" for label, (text, sgr) in kept]
