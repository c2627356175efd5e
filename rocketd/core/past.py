"""The past of one task: what `History` has learned of it, in as little memory as it takes."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar, cast

from rocketd.core.instant import BEGINNING, Instant
from rocketd.core.run import Action, End, Run

K = TypeVar("K")
V = TypeVar("V")
_NOTHING: Final[Mapping[object, object]] = MappingProxyType({})


def nothing() -> Mapping[K, V]:
    """One for all: of many thousand tasks most have nothing of most kinds, and an empty dict takes 64 bytes."""
    return cast("Mapping[K, V]", _NOTHING)


class Occurrence(NamedTuple):
    """The newest event of one action."""

    at: Instant
    position: int
    """Its place in the log: later events have higher ones, whatever the clock did."""
    run: Run
    end: End | None = None
    """How that run ended; None: this is its start."""


@dataclass(slots=True)
class Past:
    """The past of one task. Only `History.learn` and the scheduler change it: by other collections, never in them."""

    armed_at: Instant = BEGINNING
    """From when on its ticks count."""
    next_number: int = 1
    going: Mapping[int, Run] = field(default_factory=nothing)
    """The runs that have begun and not ended, by number."""
    last: Mapping[Action, Occurrence] = field(default_factory=nothing)
    """The newest event of each action, runs by hand included."""
    scheduled: Run | None = None
    """The newest scheduled run."""
    scheduled_end: End | None = None
    """How that run ended; None while it is going on."""
    scheduled_ends: Mapping[Action, Instant] = field(default_factory=nothing)
    """When scheduled runs last ended, by the action of the end."""
    failed: Occurrence | None = None
    """The newest end in fail, terminate or crash, stops of the daemon itself not counted."""
    scheduled_position: int = 0
    """Where in the log its start stands; 0: there was none."""
    consumed: Instant = BEGINNING
    """Ticks and intervals up to here are used: by a scheduled run's start or due, an operator's stop, or a miss."""
    done: Instant = BEGINNING
    """The latest start or due of the scheduled runs that ended otherwise than by a crash: their windows are used."""
    crashes: Sequence[Instant] = ()
    """The newest starts of the scheduled runs that crashed, stops of the daemon itself not counted."""
    instants: Mapping[Action, list[Instant]] = field(default_factory=nothing)
    """For the actions that loaded conditions count: when they happened, ascending."""

    def drop(self, number: int) -> Run | None:
        """Have that run go on no longer; gives it back if it did."""
        dropped = self.going.get(number)
        if dropped is not None:
            self.going = {other: run for other, run in self.going.items() if other != number} or nothing()
        return dropped

    def if_armed(self, at: Instant, ask: Callable[[], V]) -> V:
        """Give the answer that there would be if the task had been armed at that instant."""
        before, self.armed_at = self.armed_at, at
        try:
            return ask()
        finally:
            self.armed_at = before

    @property
    def going_scheduled(self) -> bool:
        """Whether a scheduled run is going on."""
        return any(run.scheduled for run in self.going.values())

    def happened(self, action: Action, start: Instant, end: Instant) -> int:
        """Count the events of that action in [start, end). Only as far back as the loaded conditions need."""
        kept = self.instants.get(action)
        if kept is None:
            newest = self.last.get(action)
            return int(newest is not None and start <= newest.at < end)
        return bisect_left(kept, end) - bisect_left(kept, start)

    def when(self, action: Action, start: Instant, end: Instant) -> list[Instant]:
        """Tell when that happened in [start, end), ascending. Only as far back as the loaded conditions need."""
        kept = self.instants.get(action)
        if kept is not None:
            return kept[bisect_left(kept, start) : bisect_left(kept, end)]
        newest = self.last.get(action)
        return [newest.at] if newest is not None and start <= newest.at < end else []
