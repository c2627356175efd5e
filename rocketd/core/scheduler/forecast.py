"""Simulates the future: the real scheduler, with runs as long as usual and a clock that jumps to the next event."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.calendar.wall_clock import HIGHEST
from rocketd.core.instant import BEGINNING, FOREVER, Duration, Instant
from rocketd.core.model.events import Broken, Finished, Spawned, Start, Stop
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.scheduler.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rocketd.core.model.task import Task

PASSES: Final = 3_000
"""How many passes without a start the search makes before it gives up."""


class ExpectedRun(NamedTuple):
    """The expected length and end of a run."""

    runtime: Duration = 0
    action: Action = Action.SUCCESS


class Forecast:
    """Runs a scheduler from an instant on. It may have learned events before."""

    def __init__(
        self, scheduler: Scheduler, now: Instant, course: Callable[[Run], ExpectedRun] = lambda _: ExpectedRun()
    ) -> None:
        self.now = now
        self.complete = True
        """Whether the search is complete; if not, it is up to `now`."""
        self._scheduler = scheduler
        self._course = course
        self._ends: list[tuple[Instant, int, Run, End]] = []
        self._begun = 0

    def go_on(self, runs: Iterable[Run]) -> None:
        """Add runs that are active already; they end when they usually would."""
        for run in runs:
            self._begin(run)

    def runs(self, until: Instant = HIGHEST) -> Iterator[Run]:
        """Return the runs that begin before that instant, in the order in which they begin."""
        idle = 0
        while (look := self._look()) < until:
            if idle >= PASSES:
                self.complete = False
                return
            self.now = max(self.now, look)
            begun = self._pass()
            idle = 0 if begun or self._ends else idle + 1
            yield from begun

    def boot(self, at: Instant) -> None:
        """Let the host boot at that instant, after the runs before it: everything is judged again."""
        self.now = self._scheduler.history.booted_at = self._scheduler.history.first_pass_at = at
        self._scheduler.clock_stepped(at, 0)

    def _look(self) -> Instant:
        next_end = self._ends[0][0] if self._ends else FOREVER
        return max(min(self._scheduler.next_check(), next_end), self.now if self._begun else BEGINNING)

    def _pass(self) -> list[Run]:
        while self._ends and self._ends[0][0] <= self.now:
            _, _, run, end = heappop(self._ends)
            self._finish(run, end)
        begun = []
        for decision in self._scheduler.decide(self.now):
            match decision:
                case Start(run):
                    self._begin(run)
                    begun.append(run)
                case Stop(run, cause):
                    self._finish(run, End(Action.TERMINATE, cause, self.now))
                case Broken(error=error):
                    raise error
        return begun

    def _begin(self, run: Run) -> None:
        self._begun += 1
        self._scheduler.learn(Spawned(run, 0, 0, run.start))
        takes, action = self._course(run)
        end = End(action, Cause.EXIT, max(run.start + takes, self.now), runtime=takes)
        heappush(self._ends, (end.at, self._begun, run, end))

    def _finish(self, run: Run, end: End) -> None:
        if run.number in self._scheduler.history.of(run.task).running:
            self._scheduler.learn(Finished(run, end))


class Starts(NamedTuple):
    """When a task would start."""

    instants: list[Instant]
    complete: bool
    """False: the search was given up before as many were found; nothing starts until `looked_until`."""
    looked_until: Instant
    dues: Sequence[Instant] = ()
    """The same without the splay."""


class SimulatedHost(NamedTuple):
    """The host on which a task would start."""

    name: str = ""
    boots: Sequence[Instant] = ()
    """When it boots, after the first load."""


_ANY_HOST: Final = SimulatedHost()


def starts(task: Task, begin: Instant, count: int, until: Instant = HIGHEST, host: SimulatedHost = _ANY_HOST) -> Starts:
    """When a task would start before `until` if it had no past at `begin`, were never busy, and its runs succeeded.

    The other tasks that it asks about exist, and nothing happens to them. The host boots at `begin` as well.
    """
    scheduler = Scheduler(host=host.name, new_run_id=lambda _: "", next_steps=0)
    scheduler.history.booted_at = begin
    for other in task.when.watches():
        scheduler.history.load(other)
    scheduler.load([task], begin, {})
    forecast = Forecast(scheduler, begin)
    found: list[Run] = []
    for boot in (*sorted(boot for boot in host.boots if begin < boot < until), until):
        for run in forecast.runs(boot):
            found.append(run)
            if len(found) >= count:
                break
        if len(found) >= count or not forecast.complete or boot == until:
            break
        forecast.boot(boot)
    return Starts([run.start for run in found], forecast.complete, forecast.now, [run.due for run in found])
