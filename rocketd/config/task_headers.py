"""The lines in which tasks begin in the text of their file."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from rocketd.config.problems import Mistake
from rocketd.config.toml_positions import Positions
from rocketd.core.model.task import Disabled, Task

_HEADER: Final = re.compile(
    r"""^[ \t]*\[[ \t]*task[ \t]*\.[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([\w-]+))[ \t]*\]""", re.MULTILINE
)


def disabled_of(tasks: Sequence[Task], text: str, elsewhere: Collection[str] = ()) -> tuple[Disabled, ...]:
    """Find the lines of these tasks in the text of their file; `elsewhere` are the names of those for other hosts."""
    lines = lines_of([task.name for task in tasks], text)
    return tuple(Disabled(task, lines[task.name], elsewhere=task.name in elsewhere) for task in tasks)


def lines_of(names: Iterable[str], text: str) -> Mapping[str, int]:
    """Find the lines in which these tasks begin."""
    names = tuple(names)
    known = headers(text) if names else {}
    others = [Mistake(("task", name), "", at_key=True) for name in names if name not in known]
    positions = Positions(text, [mistake.path for mistake in others])
    found = {mistake.task: positions.find(mistake).line for mistake in others}
    return {name: known.get(name) or found[name] for name in names}


def headers(text: str) -> Mapping[str, int]:
    """Find the headers of tasks, as nearly every file has them: what knows all of TOML costs 10 MB.

    It needs no document: a file with a mistake in its TOML has headers as well.
    """
    lines: dict[str, int] = {}
    line, previous = 1, 0
    for header in _HEADER.finditer(text):
        line, previous = line + text.count("\n", previous, header.start()), header.start()
        lines[header[1] or header[2] or header[3]] = line
    return lines
