"""The tasks of a file that have `enabled = false`, and where they begin."""

import re
from collections.abc import Sequence
from typing import Final

from rocketd.config.positions import Positions
from rocketd.config.problems import Mistake
from rocketd.core.task import Disabled, Task

_HEADER: Final = re.compile(
    r"""^[ \t]*\[[ \t]*task[ \t]*\.[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([\w-]+))[ \t]*\]""", re.MULTILINE
)


def disabled_of(tasks: Sequence[Task], text: str) -> tuple[Disabled, ...]:
    """Find the lines of these tasks in the text of their file."""
    lines = _lines(text) if tasks else {}
    return tuple(Disabled(task, lines.get(task.name) or _line_of(task.name, text)) for task in tasks)


def _lines(text: str) -> dict[str, int]:
    """The lines of the headers of tasks, as nearly every file has them: what knows all of TOML costs 10 MB."""
    lines: dict[str, int] = {}
    line, seen = 1, 0
    for header in _HEADER.finditer(text):
        line, seen = line + text.count("\n", seen, header.start()), header.start()
        lines[header[1] or header[2] or header[3]] = line
    return lines


def _line_of(name: str, text: str) -> int:
    return Positions(text).find(Mistake(("task", name), "", at_key=True)).line
