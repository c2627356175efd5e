"""What would run, and what is known, while the scheduler is not running: a scheduler of its own that starts nothing."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from itertools import islice
from typing import Final, TypeAlias

from rocketd.app.compiler import TaskCompiler
from rocketd.app.condition_rewriting import rewrite
from rocketd.app.function_conditions import FuncCond
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.app.startup import force_startup_runs
from rocketd.core.conditions.probe import Probe
from rocketd.core.dataclass import dataclass
from rocketd.core.instant import SECOND, Instant, datetime_of
from rocketd.core.model import task as core
from rocketd.core.model.condition import FALSE, TRUE, Condition
from rocketd.core.model.events import Spawned
from rocketd.core.model.run import Action, Run
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast
from rocketd.core.scheduler.scheduler import NEXT_STEPS, Scheduler
from rocketd.daemon.recovery import recover_scheduler

MOST: Final = 100_000
"""How many runs a simulation returns at most."""


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """A run that would start. `session.simulate()` returns them in the order in which they start."""

    task: str
    """The name of the task."""
    start: datetime
    """When it would start, in the session's zone."""
    due: datetime
    """Since when it would have been due."""
    attempt: int
    """Which try in a row, from 1."""
    reason: str
    """The part of the condition that holds."""


Assumed: TypeAlias = Mapping[Condition, bool] | bool | None
"""What is taken for true or false that must be observed; None: nothing."""


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What a simulation takes for given; see `Session.simulate`."""

    anew: bool
    """Whether nothing has run before."""
    assume: Assumed
    failing: frozenset[str]
    """The tasks whose runs fail."""


class SchedulerPreview:
    """Makes schedulers that know what the records tell of the session's tasks."""

    def __init__(self, session: SchedulerSession) -> None:
        self._session = session
        self._known: tuple[frozenset[str], Scheduler] | None = None

    def forget(self) -> None:
        """Read the records anew when they are needed next."""
        self._known = None

    def upcoming(self, now: Instant) -> Scheduler:
        """Return a scheduler that has looked at every task at this instant, and started none. Raises StoreError."""
        scheduler = self.known(now)
        scheduler.decide(now)
        return scheduler

    def known(self, now: Instant) -> Scheduler:
        """Return a scheduler with the past of the session's tasks, which are read once. Raises StoreError."""
        compiler = TaskCompiler(self._session.config)
        tasks = [compiler.compile(task) for task in self._session.tasks]
        fingerprints = frozenset(f"{task.name} {task.fingerprint}" for task in tasks)
        if self._known is None or self._known[0] != fingerprints:
            scheduler = _scheduler(0, NEXT_STEPS)
            self._recover(scheduler, tasks, now)
            self._known = (fingerprints, scheduler)
        return self._known[1]

    def _recover(self, scheduler: Scheduler, tasks: Sequence[core.Task], now: Instant) -> list[Run]:
        with self._session.storage.reading(tasks) as reader:
            if reader is None:
                scheduler.load(tasks, now, {})
                return []
            active = [one.run for one in recover_scheduler(reader, scheduler, tasks, now).open_runs]
            for run in active:  # since when, no record tells better
                scheduler.learn(Spawned(run, 0, 0, run.start))
            return active

    def simulate(self, begin: Instant, end: Instant, options: SimulationOptions) -> list[SimulatedRun]:
        """Return the runs that would start from `begin` on, and before `end`. Raises StoreError."""
        config = self._session.config
        compiler = TaskCompiler(config)
        tasks = [_assuming(compiler.compile(task), options.assume) for task in self._session.tasks]
        scheduler = _scheduler(config.max_running, next_steps=0)
        active: list[Run] = []
        if options.anew:
            scheduler.load(tasks, begin, {})
            force_startup_runs(scheduler, self._session.tasks)
        else:
            active = self._recover(scheduler, tasks, begin)
        forecast = Forecast(scheduler, begin, lambda run: _FAILS if run.task in options.failing else _SUCCEEDS)
        forecast.go_on(active)
        return [_simulated(run, compiler.zone) for run in islice(forecast.runs(end), MOST)]


_SUCCEEDS: Final = ExpectedRun(SECOND)
_FAILS: Final = ExpectedRun(SECOND, Action.FAIL)


def _simulated(run: Run, zone: tzinfo) -> SimulatedRun:
    return SimulatedRun(run.task, datetime_of(run.start, zone), datetime_of(run.due, zone), run.attempt, run.reason)


def _scheduler(max_running: int, next_steps: int) -> Scheduler:
    return Scheduler(host=platform.node(), new_run_id=lambda _: "", max_running=max_running, next_steps=next_steps)


def _assuming(task: core.Task, assume: Assumed) -> core.Task:
    """Take what must be observed for true or false; what is not named stays unknown."""
    given = assume if isinstance(assume, Mapping) else {}

    def change(word: Condition) -> Condition:
        if not isinstance(word, Probe):
            return word
        answer = next((answer for other, answer in given.items() if _is_same(word, other)), None)
        if answer is None and isinstance(assume, bool):
            answer = assume
        return word if answer is None else TRUE if answer else FALSE

    return replace(task, when=rewrite(task.when, change), stop_when=rewrite(task.stop_when, change))


def _is_same(word: Condition, other: Condition) -> bool:
    if isinstance(word, FuncCond) and isinstance(other, FuncCond):
        return word.function is other.function and (word.args, word.kwargs) == (other.args, other.kwargs)
    return word == other
