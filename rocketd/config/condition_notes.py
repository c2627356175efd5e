"""What is good to know about conditions that are right: what a word of them does not mean, and what has changed.

Asked by `check` alone. A note asks nothing of the reader, and is no warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.model.condition import All, Condition, Not, all_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rocketd.core.model.task import Task


class Note(NamedTuple):
    """What is told about a condition."""

    message: str
    hint: str = ""


def condition_notes(tasks: Iterable[Task]) -> list[TaskMistake]:
    """Find what is good to know about the conditions of these tasks; equal conditions are looked at once."""
    known: dict[Condition, list[Note]] = {}
    found = []
    for task in tasks:
        notes = known.get(task.when)
        if notes is None:
            notes = known[task.when] = notes_about(task.when)
        found += [TaskMistake(task, Mistake(("task", task.name, "when"), *note, severity="note")) for note in notes]
    return found


def notes_about(condition: Condition) -> list[Note]:
    """Return the notes about a condition, each once."""
    found = (note for part in _outside_of_not(condition) for look in LOOKS for note in look(part))
    return list(dict.fromkeys(found))


def _outside_of_not(condition: Condition) -> Iterator[Condition]:
    yield condition
    if not isinstance(condition, Not):
        for part in condition.parts:
            yield from _outside_of_not(part)


# -- what has changed -----------------------------------------------------------------------------------------------


def _beside_ticks(part: Condition) -> Iterator[Note]:
    """A window or an interval beside a tick, which once could start a task when no tick was."""
    group = part.tick_group if isinstance(part, All) else None
    if group is None:
        return
    scheduled = [one for one in part.parts if one.is_scheduled and not one.clock_only]
    if scheduled:
        yield Note(
            f"{_listed(scheduled)} is asked about the tick alone: what begins or is over between two ticks waits for "
            "the next one; earlier versions started the task in between",
            _EXPLAIN,
        )
    if group.guards.spans:
        yield Note(
            f"a tick is given up when the time ends that {_listed(group.guards.spans)} asks about; "
            "earlier versions asked on until the next tick",
            'for a length of time write past("20 h")',
        )
    mixed = [one for one in group.states if not one.can_tick and (one.has_interval or one.goes_by_wall)]
    if mixed:
        yield Note(f"{_listed(mixed)} is asked about now and not about the tick, as it is more than time", _EXPLAIN)


def _whole_days(part: Condition) -> Iterator[Note]:
    """An interval of whole days beside a window or hours, which once were 24 hours each."""
    if isinstance(part, All) and part.tick_group is None and part.days_on_wall:
        days = [one for one in all_parts(part) if one.has_whole_days and not one.parts]
        yield Note(
            f"{_listed(days)} counts days on the wall here, also when the clock is changed; "
            "earlier versions counted 24 hours for each",
        )


_EXPLAIN = "rocketctl explain shows the next starts"


def _listed(parts: Iterable[object]) -> str:
    return " and ".join(str(part) for part in parts)


LOOKS: tuple[Callable[[Condition], Iterator[Note]], ...] = (_beside_ticks, _whole_days)
"""What is looked for in each part."""
