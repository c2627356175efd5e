"""Since when a task can be matched by its name and by each of its tags, as the store keeps it.

"=1772409600000000 db=1772409600000000"        the name, which is empty, and a tag
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from rocketd.core.model.logged_events import BEFORE_ALL, LoggedInstant
from rocketd.core.model.tags import is_tag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def renewed(
    known: Mapping[str, LoggedInstant], tags: Collection[str], now: LoggedInstant
) -> Mapping[str, LoggedInstant]:
    """Return since when it has its name and these tags: what is not known begins now."""
    if known or tags:
        return {name: known.get(name, now) for name in ("", *tags)}
    return _name_alone(now)


@lru_cache(maxsize=16)
def _name_alone(now: LoggedInstant) -> Mapping[str, LoggedInstant]:
    """Return one for all tasks that are loaded together."""
    return MappingProxyType({"": now})


def spelled(since: Mapping[str, LoggedInstant]) -> str:
    """Write it as the store keeps it."""
    return " ".join(f"{name}={instant.at}" for name, instant in since.items())


def read(text: str) -> Mapping[str, LoggedInstant]:
    """Read what the store has kept; what cannot be read has been so before all. Empty: nothing was kept."""
    found: dict[str, LoggedInstant] = {}
    for part in text.split():
        name, _, at = part.partition("=")
        if (not name or is_tag(name)) and at.lstrip("-").isdecimal() and len(at) < 20:  # noqa: PLR2004 - 64 bits
            found[name] = LoggedInstant(int(at), 0)
    return found


def kept(text: str, tags: Collection[str]) -> Mapping[str, LoggedInstant]:
    """Return what the store has kept of a task; where it has kept nothing, the task has been so before all."""
    return read(text) if text else dict.fromkeys(("", *tags), BEFORE_ALL)
