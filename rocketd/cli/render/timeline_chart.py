"""A time line in a terminal, and as a picture (SVG)."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Final

from rocketd.cli.render import time_format
from rocketd.cli.render.terminal_text import BOLD, CYAN, FAINT, GREEN, RED, YELLOW, Cell, cut, pad, painted, width
from rocketd.cli.timeline import FAILED, MISSED, PLANNED, RAN, RUNNING, hours
from rocketd.core.escaping import visible
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.cli.render.tables import RenderOptions
    from rocketd.cli.timeline import Timeline, TimelineMark, TimelineRow

_COLUMNS: Final = 100
"""The width where there is no terminal."""
_NAME: Final = 24
"""How much of a name is shown; more where there is room."""
_COLOURS: Final = {RAN: GREEN, FAILED: RED, MISSED: YELLOW, RUNNING: CYAN, PLANNED: FAINT}
LEGEND: Final = f"{RAN} ran  {FAILED} failed  {RUNNING} running  {MISSED} missed  {PLANNED} expected"


def timeline_lines(line: Timeline, look: RenderOptions) -> Iterator[str]:
    """Draw a row for each task, and below them how many runs are active at once."""
    columns = look.columns or _COLUMNS
    names = {row.task: cut(visible(row.task), max(_NAME, columns // 4)) for row in line.rows}
    label = max([*map(width, names.values()), len("at once")])
    count = max(columns - label - 2, 24)
    heading = Cell(hours(line.begin, line.end, _ticks(line, count), count), BOLD)
    yield f"{' ' * label}  {painted(heading, colour=look.colour)}"
    for row in line.rows:
        cells = line.cells(row, count)
        yield f"{pad(names[row.task], label)}  {_coloured(cells, look)}".rstrip()
    yield f"{pad('at once', label)}  {line.active(count)}".rstrip()
    yield ""
    yield f"{time_format.local(line.begin)} to {time_format.local(line.end)}"
    yield LEGEND


def _coloured(cells: str, look: RenderOptions) -> str:
    if not look.colour:
        return cells
    return "".join(painted(Cell(cell, _COLOURS.get(cell, "")), colour=True) for cell in cells)


def _ticks(line: Timeline, count: int) -> list[tuple[Instant, str]]:
    """Return labels of the local clock: hours, or days if the span is long."""
    span = line.end - line.begin
    if span > 3 * DAY:
        step, form = DAY, "%a %d"
    else:
        steps = [one * MINUTE for one in (1, 2, 5, 10, 15, 30)] + [one * HOUR for one in (1, 2, 3, 4, 6, 12)]
        step = next((one for one in steps if span // one * 6 <= count), 12 * HOUR)
        form = "%H:%M"
    offset = time.localtime(line.begin // SECOND).tm_gmtoff * SECOND
    first = -(-(line.begin + offset) // step) * step - offset
    return [(at, time.strftime(form, time.localtime(at // SECOND))) for at in range(first, line.end, step)]


_ROW, _LEFT, _WIDTH, _TOP = 22, 190, 960, 30
_LETTER: Final = 7
"""How wide a letter of the font is, at most on average."""
_FILLS: Final = {RAN: "#3a9d5d", FAILED: "#c8372d", MISSED: "#d9a21b", RUNNING: "#2f7fbf", PLANNED: "#9aa0a6"}


def timeline_svg(line: Timeline) -> str:
    """Draw the same as a picture, each mark with a title."""
    height = _TOP + _ROW * len(line.rows) + 30
    total = _LEFT + _WIDTH + 20
    more = max([_LETTER * width(visible(row.task)) - _LEFT + 20 for row in line.rows], default=0)
    left = max(more, 0)  # room for longer names, to the left of where the others begin
    box = f'width="{total + left}" height="{height}" viewBox="{-left} 0 {total + left} {height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="sans-serif" font-size="12">']
    parts.append(f'<rect x="{-left}" width="{total + left}" height="{height}" fill="#ffffff"/>')
    for at, label in _ticks(line, 120):
        x = _x(line, at)
        parts.append(f'<line x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{height - 26}" stroke="#e0e0e0"/>')
        parts.append(f'<text x="{x + 2}" y="{_TOP - 10}" fill="#666666">{escape(label)}</text>')
    for place, row in enumerate(line.rows):
        y = _TOP + place * _ROW
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(visible(row.task))}</text>')
        for mark in _visible_marks(line, row):
            x, end = _x(line, max(mark.begin, line.begin)), _x(line, min(mark.end, line.end))
            title = f"{mark.run or row.task}: {time_format.local(mark.begin)} to {time_format.local(mark.end)}"
            parts.append(
                f'<rect x="{x}" y="{y + 4}" width="{max(end - x, 2)}" height="{_ROW - 8}" fill="{_FILLS[mark.mark]}">'
                f"<title>{escape(visible(title))}</title></rect>"
            )
    if line.begin <= line.now < line.end:
        x = _x(line, line.now)
        parts.append(
            f'<line x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{height - 26}" stroke="#000000" stroke-dasharray="3"/>'
        )
    parts.append(f'<text x="{_LEFT}" y="{height - 8}" fill="#666666">{escape(_caption(line))}</text></svg>')
    return "\n".join(parts) + "\n"


def _visible_marks(line: Timeline, row: TimelineRow) -> Iterator[TimelineMark]:
    """Yield what is expected first, so that it hides nothing; of several at one place, one."""
    planned = {_x(line, mark.begin): mark for mark in row.marks if mark.mark == PLANNED}
    yield from planned.values()
    yield from (mark for mark in row.marks if mark.mark != PLANNED)


def _caption(line: Timeline) -> str:
    span = f"{time_format.local_with_zone(line.begin)} to {time_format.local_with_zone(line.end)}"
    return f"{span}; green: ran, red: failed, blue: running, yellow: missed, grey: expected"


def _x(line: Timeline, at: Instant) -> int:
    return _LEFT + (at - line.begin) * _WIDTH // max(line.end - line.begin, 1)
