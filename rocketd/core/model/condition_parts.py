"""What a condition is made of: what can be said of it without judging it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NoReturn

from rocketd.core.model.tick_line import TickLine

if TYPE_CHECKING:
    from rocketd.core.model.moment import CalendarSpan, Moment
    from rocketd.core.model.verdict import Verdict


_ASKED: Final = "task.why() says whether the condition of a task holds; in tests, session.simulate() what would run"


class ConditionParts(ABC):
    """The parts of a condition, and of which kinds of words they are. Words override what is true of them."""

    __slots__ = ()

    @property
    def parts(self) -> tuple[ConditionParts, ...]:
        """The conditions it is made of."""
        return ()

    @abstractmethod
    def judge(self, moment: Moment) -> Verdict:
        """Answer about this moment. Never raises, never looks at anything but the moment."""

    @property
    def clock_only(self) -> bool:
        """Whether its answer rests on the clock alone: no past, no probe."""
        return bool(self.parts) and all(part.clock_only for part in self.parts)

    @property
    def is_scheduled(self) -> bool:
        """Whether it is made of intervals, windows and days alone: beside a tick it is asked about the tick."""
        return bool(self.parts) and all(part.is_scheduled for part in self.parts)

    @property
    def goes_by_wall(self) -> bool:
        """Whether a tick, a window or a clock word is part of it: whole days beside it are days on the wall."""
        return any(part.goes_by_wall for part in self.parts)

    @property
    def has_whole_days(self) -> bool:
        """Whether an interval of whole days is part of it."""
        return any(part.has_whole_days for part in self.parts)

    @property
    def has_interval(self) -> bool:
        """Whether an interval is part of it."""
        return any(part.has_interval for part in self.parts)

    @property
    def calendar_spans(self) -> tuple[CalendarSpan, ...]:
        """The words in it that ask about today, this week, …: they end a tick beside them."""
        return tuple(span for part in self.parts for span in part.calendar_spans)

    def selections(self) -> frozenset[tuple[str, ...]]:
        """The names, patterns among them, of tasks whose events can change its answer."""
        return frozenset().union(*(part.selections() for part in self.parts))

    @property
    def has_tick(self) -> bool:
        """Whether a tick word is part of it."""
        return any(part.has_tick for part in self.parts)

    @property
    def can_tick(self) -> bool:
        """Whether a tick can make it hold: it has one that no `~` turns round."""
        return any(part.can_tick for part in self.parts)

    @property
    def always_ticks(self) -> bool:
        """Whether nothing but a tick can make it hold."""
        return any(part.always_ticks for part in self.parts)

    def ticks_around(self, moment: Moment) -> TickLine:
        """Return the newest of its ticks and the next, whether or not they count."""
        lines = [part.ticks_around(moment) for part in self.parts if part.can_tick]
        return TickLine(max(line.newest for line in lines), min(line.next for line in lines))

    if not TYPE_CHECKING:  # with it, type checkers would let every name be used

        def __getattr__(self, name: str) -> NoReturn:
            instead = f": {_ASKED}" if name in ("observe", "get_state", "get_cond") else ""
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r}{instead}", name=name, obj=self)
