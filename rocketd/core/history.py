"""What conditions may ask about the past: learned from events, in the order of the log.

A restart is a replay: the events that still matter come from the store in log order and are learned like new ones.
Memory is bounded: per task the newest event of each action, what the schedule rests on, and as many instants as the
loaded conditions ask for (`Need`).
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from rocketd.core.events import Event, Finished, Missed, Observed, Spawned, Started
from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.need import Need
from rocketd.core.past import Occurrence, Past, nothing
from rocketd.core.run import Action, Cause, End, Run, RunKey

CRASHES_KEPT: Final = 100
"""More than any sensible `crash_limit`."""

_BAD: Final = frozenset({Action.FAIL, Action.TERMINATE, Action.CRASH})


class Observation(NamedTuple):
    """What a probe showed last."""

    value: bool | None
    since: Instant
    """From when on it has been observed so without a break."""
    good_until: Instant
    problem: str = ""


class History:
    """The pasts of all tasks, by name, and what the probes showed last."""

    def __init__(self) -> None:
        self.began: Instant | None = None
        """When the scheduler had its first pass; None: it has had none."""
        self.cycles = 0
        """How many passes it has had, the present one included."""
        self._pasts: dict[str, Past] = {}
        self._loaded: set[str] = set()
        self._reach: dict[tuple[str, Action], Duration] = {}
        self._observations: dict[str, Observation] = {}
        self._position = 0

    @property
    def position(self) -> int:
        """The place in the log of the newest event learned."""
        return self._position

    def begin_pass(self, now: Instant) -> None:
        """Count a pass of the scheduler."""
        if self.began is None:
            self.began = now
        self.cycles += 1

    def of(self, task: str) -> Past:
        """The past of that task; an empty one begins where there is none."""
        past = self._pasts.get(task)
        if past is None:
            past = self._pasts[task] = Past()
        return past

    def close(self, going: Container[RunKey]) -> list[RunKey]:
        """Of the runs that seem to go on, drop those that are not among these; they ended before what was replayed."""
        over = [run.key for past in self._pasts.values() for run in past.going.values() if run.key not in going]
        for name, number in over:
            self._pasts[name].drop(number)
        return over

    def knows(self, task: str) -> bool:
        """Whether that task is loaded. Of one that is not, nothing is known."""
        return task in self._loaded

    def load(self, task: str) -> None:
        """From now on the task is known."""
        self._loaded.add(task)

    def unload(self, task: str) -> None:
        """From now on the task is unknown; its past stays for the runs that still go on."""
        self._loaded.discard(task)

    def forget(self, task: str) -> None:
        """Drop the past of a task that is not loaded and has no run going on."""
        self._pasts.pop(task, None)

    def keep(self, needs: Iterable[Need]) -> None:
        """Keep, from now on, the instants that these conditions ask for (their task filled in), and no others."""
        self._reach.clear()
        for need in needs:
            key = (need.task, need.action)
            self._reach[key] = max(need.reach, self._reach.get(key, 0))
        for name, past in self._pasts.items():
            past.instants = {a: kept for a, kept in past.instants.items() if (name, a) in self._reach} or nothing()
        self._begin_to_keep(self._reach)

    def widen(self, reach: Mapping[tuple[str, Action], Duration]) -> None:
        """Keep these as well, until the next `keep`: for tasks that are about to come."""
        for key, length in reach.items():
            self._reach[key] = max(length, self._reach.get(key, 0))
        self._begin_to_keep(reach)

    def _begin_to_keep(self, keys: Iterable[tuple[str, Action]]) -> None:
        for name, action in keys:
            past = self.of(name)
            if action not in past.instants:
                past.instants = {**past.instants, action: [past.last[action].at] if action in past.last else []}

    def recall(self, events: Iterable[Event]) -> None:
        """Put the instants of older events, which the store has, to those that are kept; nothing else is learned."""
        found: dict[tuple[str, Action], Counter[Instant]] = defaultdict(Counter)
        for event in events:
            match event:
                case Started(run):
                    found[run.task, Action.RUN][run.start] += 1
                case Finished(run, end):
                    found[run.task, end.action][end.at] += 1
        for (name, action), instants in found.items():
            kept = self.of(name).instants.get(action)
            if kept is not None:
                kept[:] = sorted((Counter(kept) | instants).elements())

    @property
    def reach(self) -> dict[tuple[str, Action], Duration]:
        """How far back each action of each task is kept."""
        return self._reach

    def observation(self, probe: str) -> Observation | None:
        """Tell what that probe showed last; None: nothing, or it is not observed any longer."""
        return self._observations.get(probe)

    def observe(self, event: Observed) -> bool:
        """Take in what a probe shows, and say whether that is news."""
        last = self._observations.get(event.probe)
        goes_on = last is not None and last.value is event.value and event.at < last.good_until
        since = last.since if goes_on and last is not None else event.at
        self._observations[event.probe] = Observation(event.value, since, event.good_until, event.problem)
        return not goes_on

    def observe_no_more(self, probe: str) -> None:
        """Forget what that probe showed: it may have changed by the time somebody looks again."""
        self._observations.pop(probe, None)

    def stepped(self, now: Instant, by: Duration) -> None:
        """The clock was set, or the host slept: what has to be looked at again and again has not been since."""
        if self.began is not None:
            self.began = min(self.began + by, now)
        self._observations = {
            probe: seen._replace(since=min(seen.since, now))
            for probe, seen in self._observations.items()
            if seen.good_until == FOREVER
        }

    def learn(self, event: Event) -> None:
        """Take in one event. Learning the start or the end of the same run again changes nothing."""
        match event:
            case Started(run):
                self._start(run)
            case Finished(run, end):
                self._finish(run, end)
            case Missed(task):
                self._position += 1
                past = self.of(task)
                past.consumed = max(past.consumed, event.last)
            case Spawned():
                pass

    def _start(self, run: Run) -> None:
        past = self.of(run.task)
        if run.number in past.going:
            return
        self._note(past, Action.RUN, run.start, run)
        past.going = {**past.going, run.number: run}
        past.next_number = max(past.next_number, run.number + 1)
        if run.scheduled:
            self._schedule(past, run)

    def _finish(self, run: Run, end: End) -> None:
        past = self.of(run.task)
        if end.output or end.exc_text:  # no condition asks for it, and it would be kept as long as the task is
            end = replace(end, output="", exc_text="")
        begun = past.drop(run.number)
        if begun is None and run.number < past.next_number and _ended(past, run.key):
            return
        run = begun or run  # its start may have been brought back from far ahead
        self._note(past, end.action, end.at, run, end)
        if end.action in _BAD and end.cause is not Cause.SHUTDOWN:
            past.failed = past.last[end.action]
        past.next_number = max(past.next_number, run.number + 1)
        if not run.scheduled:
            return
        if past.scheduled is None or run.number > past.scheduled.number:
            self._schedule(past, run)  # its start was not among what was replayed
        if past.scheduled is not None and past.scheduled.number == run.number:
            past.scheduled_end = end
        past.scheduled_ends = {**past.scheduled_ends, end.action: end.at}
        reached = max(run.start, run.due)
        if end.action is not Action.CRASH:
            past.done = max(past.done, reached)
            past.crashes = ()
        elif end.cause is not Cause.SHUTDOWN:
            past.crashes = (*past.crashes[1 - CRASHES_KEPT :], run.start)
        if end.cause is Cause.OPERATOR:
            past.consumed = max(past.consumed, end.at)

    def _schedule(self, past: Past, run: Run) -> None:
        past.scheduled, past.scheduled_end, past.scheduled_position = run, None, self._position
        past.consumed = max(past.consumed, run.start, run.due)

    def _note(self, past: Past, action: Action, at: Instant, run: Run, end: End | None = None) -> None:
        self._position += 1
        past.last = {**past.last, action: Occurrence(at, self._position, run, end)}
        kept = past.instants.get(action)
        if kept is None:
            return
        kept.append(at)
        if len(kept) > 1 and kept[-2] > at:
            kept.sort()  # the clock was set back
        oldest = at - self._reach.get((run.task, action), FOREVER)
        if kept[0] < oldest:
            del kept[: bisect_left(kept, oldest)]


def _ended(past: Past, key: RunKey) -> bool:
    return any(seen.run.key == key for action, seen in past.last.items() if action is not Action.RUN)
