"""Ticks: recurring points in time, as a cron line gives them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, Instant

if TYPE_CHECKING:
    from datetime import tzinfo


class Around(NamedTuple):
    """The ticks around an instant; BEGINNING and FOREVER where there is none."""

    newest: Instant
    """The newest at or before it."""
    next: Instant
    """The first later than it."""


class Ticks(ABC):
    """Recurring points in time. Immutable but for a memo, and equal to any other whose text is the same."""

    __slots__ = ("_near",)

    _near: tuple[tzinfo, Around] | None

    @abstractmethod
    def newest(self, at: Instant, zone: tzinfo) -> Instant | None:
        """Tell the newest tick at or before that instant."""

    @abstractmethod
    def next(self, after: Instant, zone: tzinfo) -> Instant | None:
        """Tell the first tick later than that instant."""

    def around(self, at: Instant, zone: tzinfo) -> Around:
        """Tell the ticks around that instant; cheap while asked between the same two."""
        kept: tuple[tzinfo, Around] | None = getattr(self, "_near", None)
        if kept is not None and kept[0] is zone and kept[1].newest <= at < kept[1].next:
            return kept[1]
        newest, later = self.newest(at, zone), self.next(at, zone)
        near = Around(BEGINNING if newest is None else newest, FOREVER if later is None else later)
        object.__setattr__(self, "_near", (zone, near))  # a memo: one tuple, so that threads cannot tear it
        return near
