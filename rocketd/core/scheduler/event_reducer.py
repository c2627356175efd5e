"""Events come up: what was done changes the past, what goes on, and who must be judged again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rocketd.core.history.history import History
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.consumption import NEAR
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, Run, RunKey, Trigger
from rocketd.core.scheduler.missed import MissedInterval, MissedRuns
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.registry import TaskRegistry
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import Forced, Standing

_ON_OCCASION: Final = frozenset(Trigger) - {Trigger.SCHEDULE, Trigger.RETRY}
"""What makes a task due whatever its condition says."""
LATE: Final[Duration] = SECOND
"""A clock that is set by no more than this is as one that somebody looks at late."""


@dataclass(frozen=True, slots=True)
class EventReducer:
    """Learns one event at a time: new ones, and at start those that the store kept."""

    history: History
    roster: TaskRegistry
    agenda: Queues
    going: RunningRuns
    misses: MissedRuns
    standings: dict[RunKey, Standing] = field(default_factory=dict)
    """Of the runs that go on: where their tasks stood before."""

    def learn(self, event: Event) -> None:
        """Take in what was done."""
        if self.misses and isinstance(event, Started | Finished | Withdrawn):
            self.roster.settle(event.run.task)
        self.history.learn(event)
        match event:
            case Started(run):
                self._begin(run)
                self.roster.concern(run.task)
            case Finished(run, end):
                self._end(run, end.action)
                self.roster.concern(run.task)
            case Spawned(run):
                self.going.spawned(run.key, event.at)
                self.roster.spawned(run.task)
            case Withdrawn(run):
                self._withdraw(event)
                self.roster.concern(run.task)
            case Missed():
                pass

    def _begin(self, run: Run) -> None:
        entry = self.roster.entries.get(run.task)
        if entry is not None:
            self.going.begin(run, entry.task)
            self.standings[run.key] = entry.standing
            entry.started(run.trigger)
            entry.chance = entry.stretch = None
            entry.against_since_start = False
            self.agenda.withdraw(entry)

    def _end(self, run: Run, action: Action) -> None:
        self._let_go(run.key)
        entry, past = self.roster.entries.get(run.task), self.history.of(run.task)
        if entry is not None and (seen := past.last.get(action)) is not None:
            ended = past.steps.really(seen.at, seen.position)
            entry.quiet_until = max(entry.quiet_until, ended + entry.task.restart_delay)

    def _let_go(self, key: RunKey) -> Standing | None:
        for waiter in self.going.end(key):
            self.agenda.stir(waiter)
        return self.standings.pop(key, None)

    def _withdraw(self, event: Withdrawn) -> None:
        """Have its task stand where it did. What no condition asked for is due until it runs."""
        run, standing = event.run, self._let_go(event.run.key)
        entry = self.roster.entries.get(run.task)
        if entry is None:
            return
        if run.trigger in _ON_OCCASION:
            entry.force(Forced(run.trigger, run.reason, None if run.trigger is Trigger.HAND else run.due))
        elif standing is not None:
            entry.stand_again(standing, event.at)
            entry.blocked = event.reason  # it is what the chance is missed for, if it has closed meanwhile

    def replay(
        self, events: Iterable[Event], going: Iterable[Run], now: Instant, latest: Instant | None = None
    ) -> list[str]:
        """Learn a past in log order, its runs without an end being `going`; name who had instants far ahead."""
        events = list(events)
        self.history.begin_replay(len(events), now if latest is None else min(latest, now))
        for event in events:
            self.learn(event)
        self.history.end_replay()
        for key in self.history.close({run.key for run in going}):
            self._let_go(key)
        for name, entry in self.roster.entries.items():
            entry.forced, entry.forced_later = None, ()  # what was asked for before is not asked for now
            entry.be_quiet_after(self.history.of(name), now)
        return self._ahead(now)

    def stepped(self, now: Instant, by: Duration, slept: Duration) -> list[str]:
        """Move elapsed time along with the clock, have everything judged again; name who has instants far ahead."""
        self.going.shift(by + slept)
        self.misses.shift(self.roster.entries, by)
        self.history.stepped(now, by, slept)
        for name, entry in self.roster.entries.items():
            entry.quiet_until = min(entry.quiet_until + by + slept, now + entry.task.restart_delay)
            if abs(by) > LATE:
                entry.begin_anew(now)
                self.standings.clear()
            if slept:
                self.misses.unobserved(name, MissedInterval(now - slept, now, "nobody looked"))
            self.agenda.stir(name)
        return self._ahead(now) if by < 0 else []

    def _ahead(self, now: Instant) -> list[str]:
        latest = {name: [seen.at for seen in self.history.of(name).last.values()] for name in self.roster.entries}
        return [name for name, instants in latest.items() if max(instants, default=now) > now + NEAR]
