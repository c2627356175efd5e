"""The history of one task: what `History` has learned about it, in as little memory as possible."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar, cast

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import BEGINNING, FOREVER, MICROSECOND, Duration, Instant
from rocketd.core.model.clock_steps import NEVER_SET, PRESENT, ClockSteps
from rocketd.core.model.consumption import Consumed, add_consumed, consumed_until
from rocketd.core.model.events import Missed
from rocketd.core.model.logged_events import BEFORE_ALL, LoggedEvent, LoggedInstant, MissedReport, Occurrence
from rocketd.core.model.recorded_instants import RecordedInstants
from rocketd.core.model.run import Action, End, Run, RunKey

K = TypeVar("K")
V = TypeVar("V")
_EMPTY: Final[Mapping[object, object]] = MappingProxyType({})


def empty_mapping() -> Mapping[K, V]:
    """One for all: of many thousand tasks most have nothing of most kinds, and an empty dict takes 64 bytes."""
    return cast("Mapping[K, V]", _EMPTY)


class Baseline(NamedTuple):
    """The history as if none of the active runs had begun: what their starts have changed, as it was before."""

    consumed: tuple[Consumed, ...]
    last_start: Occurrence | None
    """The newest start."""
    last_scheduled: Run | None
    scheduled_end: End | None
    scheduled_end_position: int
    scheduled_position: int
    running_starts: Mapping[int, Occurrence]
    """The starts of the active runs, by number."""


@dataclass(slots=True)
class TaskHistory:
    """The history of one task. Only `History.learn` and the scheduler change it: by other collections, never in them.

    Instants are as they were recorded, except those of active runs; `steps` converts them to the present setting.
    """

    steps: ClockSteps = NEVER_SET
    armed_at: Instant = BEGINNING
    """From when on its ticks count."""
    armed_position: int = 0
    member_since: Mapping[str, LoggedInstant] = field(default_factory=empty_mapping)
    """Since when it is loaded (under the empty name), and has each of its tags: patterns count what came later."""
    next_number: int = 1
    running: Mapping[int, Run] = field(default_factory=empty_mapping)
    """The active runs, by number: started and not ended. Their instants are by the present setting of the clock."""
    spawned_at: Mapping[int, Instant] = field(default_factory=empty_mapping)
    """When those of them got their process that have one, by number; as adjusted as `running`."""
    baseline: Baseline | None = None
    """None: no run is active."""
    start_positions: Mapping[int, int] = field(default_factory=empty_mapping)
    """The positions of their starts in the log, by number."""
    last_events: Mapping[Action, Occurrence] = field(default_factory=empty_mapping)
    """The newest event of each action, runs by hand included."""
    last_scheduled: Run | None = None
    """The newest scheduled run."""
    scheduled_end: End | None = None
    """How that run ended; None while it is going on."""
    scheduled_end_position: int = 0
    scheduled_ends: Mapping[Action, LoggedInstant] = field(default_factory=empty_mapping)
    """When scheduled runs last ended, by the action of the end."""
    last_failure: Occurrence | None = None
    """The newest end in fail, terminate or crash, stops of the daemon itself not counted."""
    scheduled_position: int = BEGINNING
    """Where in the log its start stands; BEGINNING: there was none."""
    consumed: tuple[Consumed, ...] = ()
    """Ticks and intervals that are used: by a scheduled run's start or due, an operator's stop, or a miss."""
    completed: tuple[Consumed, ...] = ()
    """Of the scheduled runs that ended otherwise than by a crash: their windows are used."""
    completed_dues: tuple[Consumed, ...] = ()
    """Their dues alone: the windows in which they were due."""
    last_missed: Consumed | None = None
    """The interval that was reported as missed last."""
    misses: MissedReport | None = None
    """The interval of misses that began last; None: there was none."""
    crashes: Sequence[LoggedInstant] = ()
    """The newest starts of the scheduled runs that crashed, stops of the daemon itself not counted."""
    recorded_instants: Mapping[Action, RecordedInstants] = field(default_factory=empty_mapping)
    """For the actions that loaded conditions count: when they happened."""

    def arm(self, at: Instant, position: int = PRESENT) -> None:
        """Count its ticks from then on."""
        self.armed_at, self.armed_position = at, position

    @property
    def armed(self) -> Instant:
        """From when on its ticks count, by the present setting of the clock."""
        return self.steps.wall_instant(self.armed_at, self.armed_position)

    def since_armed(self, at: Instant, position: int) -> bool:
        """Whether that happened at or after the instant at which the task was armed."""
        return self._is_since(at, position, self.armed_at, self.armed_position)

    def _is_since(self, at: Instant, position: int, begin: Instant, begin_position: int) -> bool:
        if max(position, begin_position) <= 0:
            return at >= begin
        return self.steps.real_instant(at, position) >= self.steps.real_instant(begin, begin_position)

    def is_after(self, event: LoggedEvent, since: LoggedInstant) -> bool:
        """Whether that happened after that instant."""
        return since is BEFORE_ALL or self._is_since(event.at - MICROSECOND, event.position, *since)

    def instants_after(self, action: Action, since: LoggedInstant) -> list[Instant]:
        """Return when that happened after that instant, ascending, as far as it is kept."""
        begin = BEGINNING if since is BEFORE_ALL else self.steps.wall_instant(*since) + 1
        return self.instants_between(action, begin, FOREVER)

    def consume(self, first: Instant, last: Instant, position: int = PRESENT) -> None:
        """Mark ticks and intervals from `first` to `last` as used, whatever becomes of the active runs."""
        use = Consumed(first, last, position)
        self.consumed = add_consumed(self.consumed, use, self.steps)
        if self.baseline is not None:
            self.baseline = self.baseline._replace(consumed=add_consumed(self.baseline.consumed, use, self.steps))

    def report_missed(self, event: Missed, position: int, reach: Duration) -> None:
        """Apply a report of an interval of misses: of a new one, or of the newest, which has grown."""
        self.consume(event.first, event.last, position)
        self.last_missed = Consumed(event.first, event.last, position)
        before, kept = self.misses, self.recorded_instants.get(Action.MISSED)
        goes_on = before is not None and event.continues(before.newest)
        if kept is not None:
            if before is not None and goes_on:
                kept.remove(before.newest.at)
            kept.add(event.at, position, reach)
        begun = before if before is not None and goes_on else MissedReport(event.first_reported, position, event, 0)
        self.misses = begun._replace(newest=event, last_position=position)

    def add_running(self, run: Run, position: int) -> None:
        """Add an active run. It may turn out never to have begun, which `withdraw` makes good."""
        settled = self.baseline or Baseline(
            self.consumed,
            self.last_events.get(Action.RUN),
            self.last_scheduled,
            self.scheduled_end,
            self.scheduled_end_position,
            self.scheduled_position,
            empty_mapping(),
        )
        started = Occurrence(run.start, position, run)
        self.baseline = settled._replace(running_starts={**settled.running_starts, run.number: started})
        self.running, self.start_positions = (
            {**self.running, run.number: run},
            {**self.start_positions, run.number: position},
        )
        self._apply_start(started)

    def _apply_start(self, started: Occurrence) -> None:
        """Apply a start. The schedule takes no notice of runs by hand."""
        run, position = started.run, started.position
        if self.last_events.get(Action.RUN, started).position <= position:
            self.last_events = {**self.last_events, Action.RUN: started}
        if run.scheduled:
            self.consumed = add_consumed(self.consumed, _consumed_by(started), self.steps)
            if position >= self.scheduled_position:
                self.last_scheduled, self.scheduled_end, self.scheduled_position = run, None, position

    @property
    def consumed_up_to(self) -> Instant:
        """Up to when ticks are used in any case."""
        return consumed_until(self.consumed, self.steps)

    @property
    def consumed_dues(self) -> tuple[Consumed, ...]:
        """Up to when ticks and intervals are used also where a splay delays them: by the newest due, and a miss."""
        run = self.last_scheduled
        by_run = () if run is None else (Consumed(run.due, run.due, self.scheduled_position),)
        return by_run if self.last_missed is None else (*by_run, self.last_missed)

    def remove_running(self, number: int) -> Run | None:
        """Remove an active run and return it; None if it was not active."""
        dropped = self.running.get(number)
        if dropped is not None:
            self.running = _without(self.running, number)
            self.start_positions = _without(self.start_positions, number)
            self.spawned_at = _without(self.spawned_at, number)
        return dropped

    def confirm(self, run: Run, end: End | None = None, position: int = 0) -> None:
        """Count a run that was removed for good, with its end and the position of that in the log; None: not known."""
        settled = self.baseline
        if settled is None or not self.running:
            self.baseline = None
            return
        started = settled.running_starts.get(run.number, Occurrence(run.start, position, run))
        settled = settled._replace(running_starts=_without(settled.running_starts, run.number))
        if settled.last_start is None or started.position > settled.last_start.position:
            settled = settled._replace(last_start=started)
        if started.run.scheduled:
            settled = settled._replace(consumed=add_consumed(settled.consumed, _consumed_by(started), self.steps))
            if started.position > settled.scheduled_position:
                settled = settled._replace(
                    last_scheduled=started.run,
                    scheduled_end=end,
                    scheduled_end_position=position,
                    scheduled_position=started.position,
                )
        self.baseline = settled

    def withdraw(self, number: int) -> None:
        """Restore the history to what it would be without that run, which was removed."""
        settled = self.baseline
        if settled is None:
            return
        started = _without(settled.running_starts, number)
        self.consumed, newest, self.last_scheduled, self.scheduled_end, self.scheduled_end_position, *_ = settled
        self.scheduled_position = settled.scheduled_position
        self.last_events = (
            _without(self.last_events, Action.RUN) if newest is None else {**self.last_events, Action.RUN: newest}
        )
        self.baseline = settled._replace(running_starts=started) if self.running else None
        for one in started.values():
            self._apply_start(one)

    def without_pending(self, ask: Callable[[], V]) -> V:
        """Return what `ask` answers as if the runs that have no process yet had not been started."""
        before = self.running, self.last_events, self.recorded_instants
        self._hide_pending([run for number, run in self.running.items() if number not in self.spawned_at])
        try:
            return ask()
        finally:
            self.running, self.last_events, self.recorded_instants = before

    def _hide_pending(self, pending: Sequence[Run]) -> None:
        numbers, newest = {run.number for run in pending}, self.last_events.get(Action.RUN)
        self.running = {number: run for number, run in self.running.items() if number not in numbers}
        if newest is not None and newest.run.number in numbers:
            earlier = self.baseline and [self.baseline.last_start, *self.baseline.running_starts.values()]
            known = [one for one in earlier or () if one is not None and one.run.number not in numbers]
            self.last_events = {**_without(self.last_events, Action.RUN), **({Action.RUN: known[-1]} if known else {})}
        if numbers and (kept := self.recorded_instants.get(Action.RUN)) is not None:
            hidden = kept.without({run.start for run in pending})
            self.recorded_instants = {**self.recorded_instants, Action.RUN: hidden}

    def as_if_armed(self, at: Instant, ask: Callable[[], V]) -> V:
        """Return what `ask` answers as if the task had been armed at that instant."""
        before = self.armed_at, self.armed_position
        self.arm(at)
        try:
            return ask()
        finally:
            self.arm(*before)

    def has_seen_end(self, key: RunKey) -> bool:
        """Whether the end of that run is the newest of its kind."""
        return any(seen.run.key == key for action, seen in self.last_events.items() if action is not Action.RUN)

    def active(self) -> list[tuple[Run, Instant | None]]:
        """Return its active runs, and when each got its process."""
        return [(run, self.spawned_at.get(number)) for number, run in self.running.items()] if self.running else []

    @property
    def has_scheduled_run(self) -> bool:
        """Whether a scheduled run is active."""
        return any(run.scheduled for run in self.running.values())

    def count(self, action: Action, start: Instant, end: Instant) -> int:
        """Count the events of that action in [start, end). Only as far back as the loaded conditions need."""
        return len(self.instants_between(action, start, end))

    def instants_between(self, action: Action, start: Instant, end: Instant) -> list[Instant]:
        """Return when that happened in [start, end), ascending. Only as far back as the loaded conditions need."""
        kept = self.recorded_instants.get(action)
        if kept is not None:
            return kept.between(start, end)
        newest = self.last_instant(action)
        return [newest] if newest is not None and start <= newest < end else []

    def newest(self, action: Action) -> LoggedInstant | None:
        """Return when that happened last, as it was recorded; None: never."""
        if action is Action.MISSED:
            last = self.misses
            return None if last is None else LoggedInstant(last.newest.at, last.last_position)
        seen = self.last_events.get(action)
        return None if seen is None else LoggedInstant(seen.at, seen.position)

    def last_instant(self, action: Action) -> Instant | None:
        """Return when that happened last, by the wall clock; None: never."""
        newest = self.last_events.get(action) or self.newest(action)
        return None if newest is None else self.steps.wall_instant(newest.at, newest.position)


def _consumed_by(started: Occurrence) -> Consumed:
    """The stretch of wall-clock time that a scheduled run uses up."""
    run = started.run
    return Consumed(min(run.start, run.due), max(run.start, run.due), started.position)


def _without(kept: Mapping[K, V], key: K) -> Mapping[K, V]:
    return {other: value for other, value in kept.items() if other != key} or empty_mapping()
