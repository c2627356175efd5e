"""What a condition is asked about: a task, an instant, and the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.instant import Duration, Instant
    from rocketd.core.model.history_view import HistoryView
    from rocketd.core.model.run import Run
    from rocketd.core.model.task_history import TaskHistory
    from rocketd.core.model.tick_line import TickLine
    from rocketd.core.model.verdict import Verdict
    from rocketd.core.model.work_calendar import Calendars


class SupportsJudge(Protocol):
    """A condition, as moments know it."""

    def judge(self, moment: Moment) -> Verdict:
        """Answer about this moment."""
        ...


class TaskView(Protocol):
    """A task, as conditions see it."""

    @property
    def name(self) -> str: ...
    @property
    def when(self) -> SupportsJudge: ...
    @property
    def zone(self) -> tzinfo: ...
    @property
    def splay(self) -> Duration: ...
    @property
    def splay_each_run(self) -> bool: ...
    @property
    def crash_limit(self) -> int: ...
    @property
    def calendars(self) -> Calendars: ...


class CalendarSpan(Protocol):
    """A word that asks about today, this week and so on."""

    def span_end(self, at: Instant, zone: tzinfo) -> Instant:
        """Return when the day, the week and so on ends that is around that instant."""
        ...


class TickGuards(NamedTuple):
    """What decides about the ticks beside it, but for their hours, which are the clock-only guards of the moment."""

    scheduled: tuple[SupportsJudge, ...] = ()
    spans: tuple[CalendarSpan, ...] = ()

    def joined(self, other: TickGuards) -> TickGuards:
        """Return these and those of a group around."""
        return TickGuards(self.scheduled + other.scheduled, self.spans + other.spans)


NO_TICK_GUARDS: Final = TickGuards()


class Moment(NamedTuple):
    """What a condition is asked about: a task, now, and the past. A tuple, as several are made for each judgement."""

    now: Instant
    task: TaskView
    history: HistoryView
    run: Run | None = None
    """In `stop_when`: the run in question."""
    without_retries: bool = False
    """Judge with every `retry` against and a crash counted as done: this tells a retry from a first attempt."""
    without_probes: bool = False
    """Judge with every probe unknown: this tells whether a probe can matter."""
    unknown_dates: bool | None = None
    """What a date counts as of which nothing is known; None: it is unknown. This tells what is missed because of it."""
    without_splay: bool = False
    """Judge as if the task had no splay."""
    unattended: bool = False
    """Judge as if nothing could start: an interval that is over waits, and does not give way to the next."""
    guards: tuple[SupportsJudge, ...] = ()
    """Clock-only conditions joined by `&`: they must hold since the tick, and bound what a splay spreads over."""
    tick_guards: TickGuards = NO_TICK_GUARDS
    """What else is joined to ticks by `&`, and decides about them."""
    of_tick: bool = False
    """Whether it is about a tick: `now` is that tick, and what was due counts, not what started."""
    each_tick: bool = False
    """Whether no tick is passed over that does not count: under a `~`, as since when one counts matters there."""
    days_on_wall: bool = False
    """Whether intervals of whole days are measured on the wall: a tick, a window or a clock word stands beside."""
    counted_due: Instant | None = None
    """While missed chances are counted: the newest one, which is taken as a run for the ticks after it."""
    tick_line: TickLine | None = None
    """Where lines of ticks are joined by `|`: the ticks of all lines around now; only the newest counts."""

    @property
    def task_history(self) -> TaskHistory:
        """The history of the task itself."""
        return self.history.of(self.task.name)

    def at(self, now: Instant) -> Moment:
        """Return the same moment at another instant."""
        return self._replace(now=now)

    def negated(self, *, by_tick: bool) -> Moment:
        """Return the moment that what is under a `~` is asked about."""
        found = self._replace(without_splay=True, each_tick=True) if by_tick else self
        return found if self.unknown_dates is None else found._replace(unknown_dates=not self.unknown_dates)

    def about_tick(self, tick: Instant) -> Moment:
        """Return the moment that what is scheduled beside a tick is asked about."""
        return self._replace(
            now=tick, of_tick=True, days_on_wall=True, guards=(), tick_guards=NO_TICK_GUARDS, tick_line=None
        )
