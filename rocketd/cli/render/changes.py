"""Changes of task files as text: what differs in the file, and the next starts before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.cli.render.terminal_text import BOLD, FAINT, GREEN, RED, YELLOW, Cell, painted
from rocketd.cli.render.time_format import local
from rocketd.core.escaping import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rocketd.cli.render.tables import RenderOptions
    from rocketd.core.instant import Instant
    from rocketd.daemon.json_format import JsonObject

NO_CHANGES = "No task changes."

Settings = dict[str, str]
"""The settings of a task as TOML, with the defaults of its file."""


class TaskChange(NamedTuple):
    """What changes of one task."""

    task: str
    old: Settings | None
    """None: there is no such task yet."""
    new: Settings | None
    """None: it is gone."""
    before: list[Instant]
    """Its next starts as it is."""
    after: list[Instant]

    @property
    def settings(self) -> list[tuple[str, str, str]]:
        """The settings that differ: name, old and new value; empty: it has none."""
        old, new = self.old or {}, self.new or {}
        names = dict.fromkeys([*old, *new])
        return [(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name)]


def change_lines(changed: Sequence[TaskChange], look: RenderOptions) -> Iterator[str]:
    """Draw each task that is new, changed or gone."""
    for one in changed:
        sign, colour = ("+", GREEN) if one.old is None else ("-", RED) if one.new is None else ("~", YELLOW)
        what = {"+": "new", "-": "gone", "~": "changed"}[sign]
        yield painted(Cell(f"{sign} task '{visible(one.task)}' {what}", colour), colour=look.colour)
        if one.old is not None and one.new is not None:
            for name, old, new in one.settings:
                yield visible(f"    {name}: {old or '(none)'} → {new or '(none)'}")
        if one.old is not None:
            yield f"    starts before: {_starts(one.before)}"
        if one.new is not None:
            yield (
                f"    starts after:  {_starts(one.after)}"
                if one.old is not None
                else f"    starts: {_starts(one.after)}"
            )
    if not changed:
        yield NO_CHANGES


def _starts(instants: Sequence[Instant]) -> str:
    return ", ".join(map(local, instants)) if instants else "none by the clock"


def text_difference(old: str, new: str, path: str, look: RenderOptions) -> Iterator[str]:
    """Draw a unified diff."""
    from difflib import unified_diff  # noqa: PLC0415 - only for what was edited

    colours = {"+": GREEN, "-": RED, "@": FAINT}
    for line in unified_diff(old.splitlines(), new.splitlines(), path, f"{path} (new)", lineterm="", n=2):
        bold = line.startswith(("+++", "---"))
        yield painted(Cell(visible(line), BOLD if bold else colours.get(line[:1], "")), colour=look.colour)


def change_object(one: TaskChange, written: Sequence[str | None]) -> JsonObject:
    """Return a change for JSON; `written`: the starts before and after, in this order."""
    before = len(one.before)
    return {
        "task": one.task,
        "change": "new" if one.old is None else "gone" if one.new is None else "changed",
        "settings": {name: {"old": old or None, "new": new or None} for name, old, new in one.settings},
        "starts_before": [*written[:before]],
        "starts_after": [*written[before:]],
    }
