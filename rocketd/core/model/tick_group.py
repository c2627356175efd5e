"""A group joined by `&` in which something ticks: which of its parts decide about the ticks, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING
from rocketd.core.model.condition_parts import ConditionParts
from rocketd.core.model.moment import NO_TICK_GUARDS, TickGuards
from rocketd.core.model.verdict import FOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Verdict


P = TypeVar("P", bound=ConditionParts)

_MOST_JOINED: Final = 1_000
"""How many parts the alternatives of a tick may have together, once the parts beside them are joined to each."""


class TickGroup(NamedTuple, Generic[P]):
    """The parts of such a group, by what is asked about them."""

    hours: tuple[P, ...]
    """Of the clock alone, and asked from the tick up to now."""
    guards: TickGuards
    """Those that are asked about the tick, and the spans that end it."""
    states: tuple[P, ...]
    """All others, the one that ticks included: asked about now."""
    mixed: P | None
    """The part that ticks, if not each of its alternatives does: the other parts are joined to each by itself."""

    @classmethod
    def of(cls, parts: Sequence[P]) -> TickGroup[P] | None:
        """Sort the parts; None: nothing ticks among them. Raises ConditionError if there are too many alternatives.

        cron("0 9 * * *") & weekly               scheduled: weekly; states: the tick
        … & time_of_day.between("8:00", "18:00") hours: time_of_day
        … & ~running("b")                        states: the tick, ~running
        """
        ticking = next((part for part in parts if part.can_tick), None)
        if ticking is None:
            return None
        scheduled = tuple(part for part in parts if part.is_scheduled)
        hours = tuple(part for part in parts if part.clock_only and not part.is_scheduled)
        states = tuple(part for part in parts if not part.is_scheduled and not part.clock_only)
        spans = tuple(span for part in states if part is not ticking for span in part.calendar_spans)
        mixed = ticking if (scheduled or hours or spans) and not ticking.always_ticks else None
        if mixed is not None and len(mixed.parts) * len(parts) > _MOST_JOINED:
            message = f"{len(mixed.parts)} alternatives of a tick cannot be joined to {len(parts) - 1} parts by &"
            raise ConditionError(message, hint="write fewer alternatives, or join the parts to the tick alone")
        return cls(hours, TickGuards(scheduled, spans), states, mixed)

    def inner_moment(self, moment: Moment) -> Moment:
        """Return the moment that hours and states are asked about."""
        if self.hours:
            moment = moment._replace(guards=moment.guards + self.hours)
        if self.guards.scheduled or self.guards.spans:
            around = moment.tick_guards
            guards = self.guards if around is NO_TICK_GUARDS else around.joined(self.guards)
            moment = moment._replace(tick_guards=guards)
        return moment

    def verdicts(self, inner: Moment) -> Iterator[Verdict]:
        """Return what is to be joined. Hours do not move a tick's due, and what is scheduled is the tick's business."""
        for part in self.states:
            yield part.judge(inner)
        for part in self.hours:
            verdict = part.judge(inner)
            yield verdict._replace(since=BEGINNING) if verdict.answer is FOR else verdict

    def moment_of_scheduled(self, inner: Moment) -> Moment:
        """Return the moment for which what is scheduled is explained: about the newest tick, or the next if it is used.

        Where other alternatives stand beside the ticks it is asked about now as well, and explained so.
        """
        ticking = next(part for part in self.states if part.can_tick)
        line = ticking.ticks_around(inner)
        history = inner.task_history
        used = max(history.consumed_up_to, history.armed)
        return inner if self.mixed else inner.about_tick(line.newest if line.newest > used else line.next)
