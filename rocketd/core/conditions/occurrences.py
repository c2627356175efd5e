"""Starts and ends of runs: ever, or in a window up to now; at all, or a number of times.

inside the hours      from the beginning of the window to now
outside the hours     the newest window that began in the same day, hour, …; before the first one: nothing yet
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from heapq import merge
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from rocketd.core.calendar.period import Period
from rocketd.core.calendar.units import DAY_UNIT, HOUR_UNIT, MINUTE_UNIT, MONTH, QUARTER, UNITS, WEEK_UNIT, YEAR
from rocketd.core.conditions.comparison import AT_LEAST_ONE, Count, CountableCondition
from rocketd.core.conditions.event_kinds import ACTIONS, What
from rocketd.core.conditions.host_uptime import BootEventCondition
from rocketd.core.conditions.hours import Hours, narrow, spell_hours
from rocketd.core.conditions.task_names import name_or_pattern, selected, watched
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration, parse_positive_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, Duration, Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.string_literals import quoted

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.calendar.period import How
    from rocketd.core.calendar.unit import Unit, Written
    from rocketd.core.model.history_view import PastView
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.task_ref import TaskRef

_WHOLE: Final = {unit.name: Period(unit) for unit in UNITS}


class _Span(NamedTuple):
    """The span that is counted now, [start, end), and until when it is this one."""

    start: Instant
    end: Instant
    lapse: Instant


@dataclass(frozen=True, slots=True, eq=False)
class EventCondition(Hours, CountableCondition, Condition):
    """For when there was such an event, or as many as asked."""

    what: What
    task: str = ""
    period: Period | None = None
    """None: ever."""
    count: Count = AT_LEAST_ONE

    def __call__(self, task: TaskRef) -> EventCondition:
        """Ask about another task; raises ConditionError."""
        return replace(self, task=name_or_pattern(task))

    def this(self, unit: Unit) -> EventCondition:
        """Narrow it to the cycle around now."""
        if self.period is not None:
            raise ConditionError(f"it is already narrowed to this {self.period.unit}")
        return replace(self, period=Period(unit))

    @property
    def this_minute(self) -> EventCondition:
        """In the minute around now."""
        return self.this(MINUTE_UNIT)

    @property
    def this_hour(self) -> EventCondition:
        """In the hour around now."""
        return self.this(HOUR_UNIT)

    @property
    def this_day(self) -> EventCondition:
        """In the day around now."""
        return self.this(DAY_UNIT)

    today = this_day

    @property
    def this_week(self) -> EventCondition:
        """In the week around now."""
        return self.this(WEEK_UNIT)

    @property
    def this_month(self) -> EventCondition:
        """In the month around now."""
        return self.this(MONTH)

    @property
    def this_quarter(self) -> EventCondition:
        """In the quarter around now."""
        return self.this(QUARTER)

    @property
    def this_year(self) -> EventCondition:
        """In the year around now."""
        return self.this(YEAR)

    @property
    def this_boot(self) -> BootEventCondition:
        """Since the host booted; raises ConditionError."""
        if self.period is not None:
            raise ConditionError(f"it is already narrowed to this {self.period.unit}")
        return BootEventCondition(self.what, ACTIONS[self.what], self.task)

    def narrowed(self, how: How, written: tuple[Written, ...]) -> Self:
        if self.period is None:
            raise ConditionError(f"{self} has no hours yet", hint=f"name a period first: {self}.today")
        return replace(self, period=narrow(self.period, how, written))

    def past(self, length: str) -> RecentEventCondition:
        """Narrow it to the time up to now that is so long; raises ConditionError."""
        if self.period is not None:
            raise ConditionError(f"it is already narrowed to this {self.period.unit}")
        return RecentEventCondition(self.what, parse_positive_length(length), self.task)

    def counted(self, count: Count) -> Self:
        if self.period is None:
            raise ConditionError(f"{self} counts over all time", hint=f"name a period: {self}.today, {self}.this_year")
        return replace(self, count=count)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.what, self.task, self.period, self.count)

    def judge(self, moment: Moment) -> Verdict:
        if self.task and not moment.history.knows(self.task):
            return Verdict(UNKNOWN)
        history, zone = moment.history.selections.past_of(self.task, moment.task.name), moment.task.zone
        span = self._span(moment.now, zone)
        instants = self._instants_between(history, span.start, span.end)
        holds = self.count.holds(len(instants))
        until = span.lapse if holds is not self.count.holds(0) else FOREVER
        since = self._since(instants, history, span.start, zone)
        return Verdict(FOR if holds else AGAINST, min(until, self._next_ahead(history, moment.now)), since)

    @property
    def calendar_spans(self) -> tuple[EventCondition, ...]:
        return () if self.period is None else (self,)

    def span_end(self, at: Instant, zone: tzinfo) -> Instant:
        """Return when the day, the week, … around that instant ends; FOREVER: it asks about all time."""
        if self.period is None:
            return FOREVER
        return (self.period if self.period.endless else _WHOLE[self.period.unit.name]).opened_window(at, zone).end

    def instants(self, moment: Moment) -> list[Instant]:
        """Return when that happened in the window up to now; of what is kept, if it asks about all time."""
        start, end, _ = self._span(moment.now, moment.task.zone)
        return self._instants_between(moment.history.selections.past_of(self.task, moment.task.name), start, end)

    def _instants_between(self, history: PastView, start: Instant, end: Instant) -> list[Instant]:
        actions = ACTIONS[self.what]
        if len(actions) == 1:
            return history.instants_between(actions[0], start, end)
        return list(merge(*(history.instants_between(action, start, end) for action in actions)))

    def _span(self, now: Instant, zone: tzinfo) -> _Span:
        if self.period is None:
            return _Span(BEGINNING, now + 1, FOREVER)
        whole = _WHOLE[self.period.unit.name]
        start, end, following = self.period.opened_window(now, zone)
        if now >= end and start < whole.opened_window(now, zone).start:
            return _Span(end, end, FOREVER)
        lapse = min(following, max(end, whole.opened_window(start, zone).end))
        return _Span(start, min(end, now + 1), lapse)

    def _since(self, instants: list[Instant], history: PastView, start: Instant, zone: tzinfo) -> Instant:
        """Return the event, or the end of an earlier window, that made the answer what it is."""
        made = self._deciding_event(len(instants))
        return instants[made - 1] if made else self._since_before(history, start, zone)

    def _deciding_event(self, number: int) -> int:
        """Return which of so many events changed the answer last, counted from 1; 0: none."""
        while number and self.count.holds(number - 1) is self.count.holds(number):
            number -= 1
        return number

    def _since_before(self, history: PastView, start: Instant, zone: tzinfo) -> Instant:
        """Return since when the answer has been that of no event at all.

        `started.today`, asked on Wednesday, with one start on Monday at 10:00: since Tuesday 00:00, when Monday ended.
        `started.today == 1`, with starts on Monday at 10:00 and 11:00: since Monday 11:00, as the second ended it.
        `started.today.between("09:00", "10:00")`, start at 10:30: outside its hours, so what came before decides.
        """
        earlier = [] if self.period is None else self._instants_between(history, BEGINNING, start)
        while earlier:
            span = self._span(earlier[-1], zone)
            before = bisect_left(earlier, span.start)
            inside = bisect_left(earlier, span.end) - before  # what came outside of the hours does not count
            if self.count.holds(inside) is not self.count.holds(0):
                return span.lapse
            if made := self._deciding_event(inside):  # `== 1`, and there were two
                return earlier[before + made - 1]
            del earlier[before:]
        return BEGINNING

    def _next_ahead(self, history: PastView, now: Instant) -> Instant:
        """Return when an event counts that lies ahead because the clock was set back."""
        newest = [at for action in ACTIONS[self.what] if (at := history.last_instant(action)) is not None]
        if all(at <= now for at in newest):
            return FOREVER
        ahead = (at for action in ACTIONS[self.what] for at in history.instants_between(action, now + 1, FOREVER))
        return min(ahead, default=FOREVER)  # of an unreadable time it may be at the end of all

    def watches(self) -> frozenset[str]:
        return watched(self.task)

    def selections(self) -> frozenset[tuple[str, ...]]:
        return selected(self.task)

    def needs(self) -> frozenset[HistoryNeed]:
        if self.period is None or (self.period.endless and self.count == AT_LEAST_ONE):
            return frozenset()
        reach = 2 * self.period.unit.longest + DAY
        return frozenset(HistoryNeed(self.task, action, reach) for action in ACTIONS[self.what])

    def __str__(self) -> str:
        word = f"{self.what}({quoted(self.task)})" if self.task else self.what
        if self.period is not None:
            this = "today" if self.period.unit is DAY_UNIT else f"this_{self.period.unit}"
            word += f".{this}{spell_hours(self.period)}"
        return self.count.spell(word)


@dataclass(frozen=True, slots=True, eq=False)
class RecentEventCondition(CountableCondition, Condition):
    """For when there was such an event, or as many as asked, in the time up to now: in (now - length, now]."""

    what: What
    length: Duration
    task: str = ""
    count: Count = AT_LEAST_ONE

    def counted(self, count: Count) -> Self:
        return replace(self, count=count)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.what, self.length, self.task, self.count)

    def judge(self, moment: Moment) -> Verdict:
        if self.task and not moment.history.knows(self.task):
            return Verdict(UNKNOWN)
        history, now = moment.history.selections.past_of(self.task, moment.task.name), moment.now
        instants = list(merge(*(history.instants_between(action, BEGINNING, FOREVER) for action in ACTIONS[self.what])))
        holds = self._holds(instants, now)
        return Verdict(
            FOR if holds else AGAINST,
            next((at for at in self._changes(instants, now) if self._holds(instants, at) is not holds), FOREVER),
            self._since(instants, now, holds=holds),
        )

    def instants(self, moment: Moment) -> list[Instant]:
        """Return when that happened in the time up to now."""
        history, now = moment.history.selections.past_of(self.task, moment.task.name), moment.now
        return list(
            merge(*(history.instants_between(action, now - self.length + 1, now + 1) for action in ACTIONS[self.what]))
        )

    def _holds(self, instants: list[Instant], now: Instant) -> bool:
        return self.count.holds(bisect_right(instants, now) - bisect_right(instants, now - self.length))

    def _changes(self, instants: list[Instant], now: Instant) -> list[Instant]:
        """Return when the number changes after now: events grow too old, or a clock set back reaches them."""
        aging = instants[bisect_right(instants, now - self.length) :]
        return sorted([*(at + self.length for at in aging), *(at for at in aging if at > now)])

    def _since(self, instants: list[Instant], now: Instant, *, holds: bool) -> Instant:
        begin = now
        happened = instants[: bisect_right(instants, now)]
        for at in sorted({*happened, *(at + self.length for at in happened)}, reverse=True):
            if at <= now:
                if self._holds(instants, at) is not holds:
                    return begin
                begin = at
        return begin if self._holds(instants, BEGINNING) is not holds else BEGINNING

    def watches(self) -> frozenset[str]:
        return watched(self.task)

    def selections(self) -> frozenset[tuple[str, ...]]:
        return selected(self.task)

    def needs(self) -> frozenset[HistoryNeed]:
        return frozenset(HistoryNeed(self.task, action, 2 * self.length) for action in ACTIONS[self.what])

    def __str__(self) -> str:
        word = f"{self.what}({quoted(self.task)})" if self.task else self.what
        return self.count.spell(f'{word}.past("{format_duration(self.length)}")')
