"""Words about time: once per window, inside a period, at an interval, at ticks.

Each answers with a tight end: there the answer, or from when it has held, changes, unless an event comes first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self, TypeAlias

from rocketd.core.calendar.cron import Cron
from rocketd.core.calendar.oncalendar import CalendarLine, Zones, no_zones
from rocketd.core.calendar.period import How, Period
from rocketd.core.conditions.hours import Hours, narrow, spell_hours
from rocketd.core.conditions.scheduled_at_tick import interval_steps, judge_interval_at_tick, judge_window_at_tick
from rocketd.core.conditions.splayed_time import (
    intervals_begun,
    judge_interval,
    judge_tick,
    judge_window,
    window_consumption,
)
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration, parse_positive_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, Duration, Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.consumption import window_used_until
from rocketd.core.model.run import Action
from rocketd.core.model.splay import StartWindow, splayed
from rocketd.core.model.tick_guards import answer_at, first_counting, good_until
from rocketd.core.model.tick_line import TickLine
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.calendar.steps import Steps
    from rocketd.core.calendar.ticks import Ticks
    from rocketd.core.calendar.unit import Unit, Written
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.task_history import TaskHistory

OWN: Final = frozenset({""})
"""The watched tasks of a word that is about the task itself."""


@dataclass(frozen=True, slots=True)
class OncePerWindow(Hours, Condition):
    """For inside a window, until a scheduled run that started or was due in it has been seen to its end."""

    period: Period

    has_start_window: ClassVar[bool] = True
    is_scheduled: ClassVar[bool] = True
    goes_by_wall: ClassVar[bool] = True

    @classmethod
    def of(cls, unit: Unit) -> OncePerWindow:
        """Make the word of a whole unit."""
        return cls(Period(unit))

    def narrowed(self, how: How, written: tuple[Written, ...]) -> Self:
        return replace(self, period=narrow(self.period, how, written))

    def judge(self, moment: Moment) -> Verdict:
        now, zone = moment.now, moment.task.zone
        start, end, following = window = self.period.opened_window(now, zone)
        if moment.of_tick:
            return judge_window_at_tick(window, moment, fixed=self.fixed)
        spent = window_consumption(self, window, moment)
        if now >= end:
            return Verdict(AGAINST, following, end if spent is None else min(max(spent.at, start), end))
        if spent is None:
            return judge_window(self, window, moment) if splayed(moment) else Verdict(FOR, end, start)
        if spent.at >= following:  # the clock was set back, which has not been noticed yet
            return Verdict(AGAINST, self.period.opened_window(spent.at, zone).following)
        return Verdict(AGAINST, min(following, spent.until), spent.at if start <= spent.at <= now else start)

    @property
    def fixed(self) -> bool:
        """Whether its windows are fixed times of day rather than following real time."""
        return not self.period.unit.flows

    def watches(self) -> frozenset[str]:
        return OWN

    def __str__(self) -> str:
        return self.period.unit.adverb + spell_hours(self.period)


@dataclass(frozen=True, slots=True)
class TimeOf(Hours, Condition):
    """For inside the period."""

    period: Period

    goes_by_wall: ClassVar[bool] = True

    @classmethod
    def of(cls, unit: Unit) -> TimeOf:
        """Make the word of a whole unit."""
        return cls(Period(unit))

    def narrowed(self, how: How, written: tuple[Written, ...]) -> Self:
        return replace(self, period=narrow(self.period, how, written))

    @property
    def clock_only(self) -> bool:
        return True

    def judge(self, moment: Moment) -> Verdict:
        start, end, inside = self.period.stretch(moment.now, moment.task.zone)
        return Verdict(FOR if inside else AGAINST, end, start)

    def __str__(self) -> str:
        return f"time_of_{self.period.unit}{spell_hours(self.period)}"


Based: TypeAlias = Literal["run", "success", "fail", "finish"]

ENDS: Final[dict[Based, tuple[Action, ...]]] = {
    "success": (Action.SUCCESS,),
    "fail": (Action.FAIL,),
    "finish": (Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.INACTION, Action.CRASH),
}


@dataclass(frozen=True, slots=True)
class Every(Condition):
    """For when an interval has passed since the last scheduled run, or since its end; at once where there was none."""

    interval: Duration
    based: Based = "run"

    has_start_window: ClassVar[bool] = True
    is_scheduled: ClassVar[bool] = True
    has_interval: ClassVar[bool] = True

    @classmethod
    def of(cls, interval: str, based: str = "run") -> Every:
        """Read the interval; raises ConditionError."""
        length = parse_positive_length(interval)
        for known in ("run", *ENDS):
            if based == known:
                return cls(length, known)
        raise ConditionError(f"{based} is not a base; allowed: run, success, fail, finish", about=based)

    @property
    def has_whole_days(self) -> bool:
        return self.interval % DAY == 0

    def judge(self, moment: Moment) -> Verdict:
        """Judge by the intervals since the due of the last run, or since its end.

        `every("1 h")`, last due at 10:00, asked at 10:30    against from 10:00 until 11:00
        the same, asked at 11:30                             for from 11:00 until 12:00
        the same, asked at 13:30                             for from 13:00: one run, not three
        """
        history, now = moment.task_history, moment.now
        if self.based != "run" and history.has_scheduled_run:
            return Verdict(AGAINST)
        first = self._last_due(moment) if self.based == "run" else self._ended(history)
        if moment.of_tick:
            return judge_interval_at_tick(first, self.interval, moment)
        if first is None:
            ever = Verdict(FOR)
            return judge_interval(self, BEGINNING, BEGINNING, ever, moment) if splayed(moment) else ever
        steps = interval_steps(first, self.interval, moment)
        used = self._used(steps, moment) if self.based == "run" else 0
        due = steps.at(used + 1)
        if now < due:
            return Verdict(AGAINST, due, steps.at(used))
        if self.based != "run" or moment.unattended:
            newest, until, before = due, FOREVER, due
        else:
            passed = steps.count(now)
            newest, until, before = steps.at(passed), steps.at(passed + 1), steps.at(passed - 1)
        verdict = Verdict(FOR, until, newest)
        return judge_interval(self, due, before, verdict, moment) if splayed(moment) else verdict

    @staticmethod
    def _last_due(moment: Moment) -> Instant | None:
        history, run = moment.task_history, moment.task_history.last_scheduled
        due = None if run is None else history.steps.real_instant(run.due, history.scheduled_position)
        return due if moment.counted_due is None or not moment.of_tick else max(due or BEGINNING, moment.counted_due)

    @staticmethod
    def _used(intervals: Steps, moment: Moment) -> int:
        """Return how many intervals are used: by the last run's start, with a splay those that had begun by then."""
        history, now = moment.task_history, moment.now
        run, steps, start = history.last_scheduled, history.steps, intervals.first
        if run is not None:
            start = steps.real_instant(run.start, history.scheduled_position)
        consumed = max((steps.real_instant(use.last, use.position) for use in history.consumed), default=start)
        reached = max(consumed if start <= consumed <= now else start, intervals.first)
        return intervals_begun(intervals, reached, moment) if splayed(moment) else intervals.count(reached)

    def _ended(self, history: TaskHistory) -> Instant | None:
        ends = [history.scheduled_ends[action] for action in ENDS[self.based] if action in history.scheduled_ends]
        return max((history.steps.real_instant(*end) for end in ends), default=None)

    def watches(self) -> frozenset[str]:
        return OWN

    def __str__(self) -> str:
        based = "" if self.based == "run" else f', based="{self.based}"'
        return f'every("{format_duration(self.interval)}"{based})'


@dataclass(frozen=True, slots=True)
class Tick(Condition):
    """For when the newest tick came after the task was armed and is not used up."""

    ticks: Ticks
    word: str = "cron"
    within: Duration | None = None
    """How long a tick stays good; None: until the next one."""

    has_start_window: ClassVar[bool] = True
    has_tick: ClassVar[bool] = True
    can_tick: ClassVar[bool] = True
    always_ticks: ClassVar[bool] = True
    goes_by_wall: ClassVar[bool] = True

    @classmethod
    def cron(cls, line: str, *, within: str | None = None) -> Tick:
        """Read a cron line; raises ConditionError."""
        return cls(Cron.parse(line), within=None if within is None else parse_positive_length(within))

    @classmethod
    def calendar(cls, line: str, *, within: str | None = None, zones: Zones = no_zones) -> Tick:
        """Read a calendar line; raises ConditionError."""
        return cls(
            CalendarLine.parse(line, zones), "calendar", None if within is None else parse_positive_length(within)
        )

    def judge(self, moment: Moment) -> Verdict:
        return judge_tick(self, moment) if splayed(moment) else self._judge_without_splay(moment)

    def _judge_without_splay(self, moment: Moment) -> Verdict:
        """Judge by the newest tick.

        `cron("0 * * * *")` at 10:30, used up to 10:00    against from 10:00 until 11:00: it has run
        the same, used up to 09:00                        for from 10:00 until 11:00
        the same, `& time_of_day.after("10:15")`          against from 10:00 until 11:00: the hours did not hold then
        the same, `& daily`, due today at 09:00           against from 10:00 until 00:00 tomorrow: it has run today
        """
        now, zone, history = moment.now, moment.task.zone, moment.task_history
        newest, later = self.ticks.around(now, zone)
        if moment.tick_line is not None:
            later = moment.tick_line.next
            if moment.tick_line.newest > newest:  # that of another line has come since
                return Verdict(AGAINST, later, moment.tick_line.newest)
        used = max(history.consumed_up_to, history.armed)
        if newest <= used:
            later = later if later > used else self.next(used, moment)
            return Verdict(AGAINST, self._skip(later, moment), used if used <= now else BEGINNING)
        until = window_used_until(history.consumed, newest, later, history.steps, fixed=self.ticks.fixed)
        if until > now:  # by the record, which a clock wrote that was ahead
            return Verdict(AGAINST, min(later, until), newest)
        answer = answer_at(newest, moment)
        if answer is not FOR:
            return Verdict(answer, later if answer is UNKNOWN else self._skip(later, moment), newest)
        closes = good_until(newest, moment)
        closes = closes if self.within is None else min(closes, newest + self.within)
        if now >= closes:
            return Verdict(AGAINST, self._skip(later, moment), closes)
        return Verdict(FOR, min(later, closes), newest)

    def _skip(self, tick: Instant, moment: Moment) -> Instant:
        """Return the first tick from that one on which can count. Of several lines each has done so in `tick_line`."""
        return tick if moment.tick_line is not None else self._first_counting(tick, moment)

    def _first_counting(self, tick: Instant, moment: Moment) -> Instant:
        return first_counting(tick, moment, lambda at: self.ticks.first_from(at, moment.task.zone))

    def tick_line(self, moment: Moment) -> TickLine:
        newest, following = self.ticks.around(moment.now, moment.task.zone)
        if newest == BEGINNING or answer_at(newest, moment) is not FOR:
            return TickLine(BEGINNING, self._first_counting(following, moment))
        if not splayed(moment):
            return TickLine(newest, following)
        ends = min((span.span_end(newest, moment.task.zone) for span in moment.tick_guards.spans), default=FOREVER)
        good = StartWindow(newest, ends if self.within is None else min(ends, newest + self.within))
        return TickLine(newest, following, good.within_hours(moment.at(newest)).closes, fixed=self.ticks.fixed)

    def ticks_around(self, moment: Moment) -> TickLine:
        return TickLine(*self.ticks.around(moment.now, moment.task.zone))

    def next(self, after: Instant, moment: Moment) -> Instant:
        """Return the first tick later than that instant; FOREVER: there is none."""
        tick = self.ticks.next(after, moment.task.zone)
        return FOREVER if tick is None else tick

    def watches(self) -> frozenset[str]:
        return OWN

    def __str__(self) -> str:
        within = "" if self.within is None else f', within="{format_duration(self.within)}"'
        return f'{self.word}("{self.ticks}"{within})'
