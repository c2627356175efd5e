"""Events come up: what was done changes the past, what goes on, and who must be judged again."""

from collections.abc import Iterable
from dataclasses import dataclass

from rocketd.core.agenda import Agenda
from rocketd.core.events import Event, Finished, Missed, Spawned, Started
from rocketd.core.far_ahead import bring_back, count_from, not_far_ahead
from rocketd.core.going import Going
from rocketd.core.history import History
from rocketd.core.instant import Duration, Instant
from rocketd.core.missed import Misses, Span
from rocketd.core.roster import Roster
from rocketd.core.run import Run


@dataclass(frozen=True, slots=True)
class Learner:
    """Learns one event at a time: new ones, and at start those that the store kept."""

    history: History
    roster: Roster
    agenda: Agenda
    going: Going
    misses: Misses

    def learn(self, event: Event) -> None:
        """Take in what was done."""
        if self.misses and isinstance(event, Started | Finished):
            self.roster.settle(event.run.task)
        self.history.learn(event)
        match event:
            case Started(run):
                self._begin(run)
                self.roster.concern(run.task)
            case Finished(run, end):
                self._end(run, end.at)
                self.roster.concern(run.task)
            case Missed() | Spawned():
                pass

    def _begin(self, run: Run) -> None:
        entry = self.roster.entries.get(run.task)
        if entry is not None:
            self.going.begin(run, entry.task)
            entry.forced = entry.chance = entry.stretch = None
            entry.against_since_start = False
            self.agenda.withdraw(entry)

    def _end(self, run: Run, at: Instant) -> None:
        for waiter in self.going.end(run.key):
            self.agenda.stir(waiter)
        entry = self.roster.entries.get(run.task)
        if entry is not None:
            entry.quiet_until = max(entry.quiet_until, at + entry.task.restart_delay)

    def replay(self, events: Iterable[Event], going: Iterable[Run], now: Instant) -> list[str]:
        """Learn a past in log order, its runs without an end being `going`; name who had instants far ahead."""
        ahead: dict[str, None] = {}
        for event in events:
            fitted = not_far_ahead(event, now)
            if fitted is not event:
                ahead[event.task if isinstance(event, Missed) else event.run.task] = None
            self.learn(fitted)
        for key in self.history.close({run.key for run in going}):
            self.going.end(key)
        for name, entry in self.roster.entries.items():
            count_from(self.history.of(name), now)
            entry.be_quiet_after(self.history.of(name), now)
        return list(ahead)

    def stepped(self, now: Instant, by: Duration) -> list[str]:
        """Move elapsed time along with the clock, have everything judged again; name who had instants far ahead."""
        self.going.shift(by)
        self.history.stepped(now, by)
        for name, entry in self.roster.entries.items():
            entry.quiet_until = min(entry.quiet_until + by, now + entry.task.restart_delay)
            self.agenda.stir(name)
            if by > 0:
                self.misses.unobserved(name, Span(now - by, now, "nobody looked"))
        ahead = [name for name in self.roster.entries if bring_back(self.history.of(name), now)]
        for name in self.roster.entries:
            count_from(self.history.of(name), now)
        for name in ahead:
            self.roster.entries[name].stretch = None  # it would go on from an instant that never was
        return ahead
