"""Names for imported tasks: short, telling, and each used once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocketd.importer.task_draft import TaskDraft

_LONGEST: Final = 60


def name_tasks(drafts: list[TaskDraft], base: str, taken: set[str]) -> None:
    """Name the tasks of one source. `base`: a word for the source, empty if the programs say enough."""
    for draft in drafts:
        program = _plain(draft.program)
        if not base or program.startswith(base):
            wanted = program
        elif len(drafts) == 1 or not program:
            wanted = base
        else:
            wanted = f"{base}-{program}"
        if draft.settings.get("enabled") is False:  # the timer that does its work may be imported, too
            wanted = f"{wanted}-cron"
        draft.name = free_name(_plain(wanted)[:_LONGEST] or "task", taken)
        taken.add(draft.name)


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Return the name, with a number if there is one like it."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
