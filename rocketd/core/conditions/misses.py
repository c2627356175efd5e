"""Which conditions ask about chances that were missed: the only ones for which a report of those is an event."""

from __future__ import annotations

from rocketd.core.conditions.after import After
from rocketd.core.conditions.host_uptime import BootEventCondition
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition
from rocketd.core.model.condition import Condition, all_parts


def asks_misses(condition: Condition) -> bool:
    """Whether what is missed can change the answer of that condition."""
    return any(_is_about_misses(part) for part in all_parts(condition))


def _is_about_misses(word: Condition) -> bool:
    if isinstance(word, After):
        return word.outcome == "missed"
    return isinstance(word, EventCondition | RecentEventCondition | BootEventCondition) and word.what == "missed"
