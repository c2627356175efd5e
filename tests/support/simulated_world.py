"""A simulated world around the real scheduler: time, processes, a store, and whatever goes wrong between them.

No thread, no file, no sleep: a year passes in seconds. The order of things is the loop's: decide, record, carry out,
and learn an end only once it is recorded. Every choice comes from one seed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.events import (
    Broken,
    Decision,
    Event,
    Finished,
    Missed,
    Spawned,
    Start,
    Started,
    Stop,
    Withdrawn,
)
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.core.model.task import Task
from rocketd.core.scheduler.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the runs of a task go."""

    takes: Duration = 1_000_000
    fails: float = 0.0
    """How likely a run is to fail."""
    longer: float = 0.0
    """How likely a run is to take up to a hundred times as long."""


class Killed(Exception):
    """The daemon was killed at this step; call `kill` and `boot`."""


@dataclass(slots=True)
class World:
    """Everything outside of the scheduler."""

    seed: int
    now: Instant
    tasks: dict[str, Task] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    max_running: int = 32
    log: list[Event] = field(default_factory=list)
    """What is recorded, in order."""
    states: dict[str, TaskState] = field(default_factory=dict)
    begun: list[Run] = field(default_factory=list)
    """The ledger: what has really been started, whatever the records say."""
    processes: dict[RunKey, Run] = field(default_factory=dict)
    alive: Instant = 0
    adopts: bool = False
    """Whether processes go on while the daemon is down, as units do."""
    booted_at: Instant | None = None
    """When the host booted; None: not known."""
    away: bool = False
    """Whether the store does not answer: what is decided or ends meanwhile waits."""
    bears: Callable[["World"], bool] = lambda _: True
    """Whether one more process can be had at the moment."""
    refuses: Callable[[Run], bool] = lambda _: False
    """Whether it is this run alone that cannot have what it takes."""
    max_starts: int | None = None
    """The most starts of a pass; the next pass comes at once if there are more."""
    fuse: int | None = None
    """How many steps of recording and carrying out are still to come before a kill; None: no kill."""
    trying: str = ""
    """Whose run is being started."""
    passes: int = 0
    fate: Callable[[Run], tuple[Duration, Action]] | None = None
    """How long a run takes and how it ends; None: by its task's behaviour and chance."""
    watch: Callable[["World"], None] = lambda _: None
    """Called after each step, to check what must always hold."""
    between_passes: Callable[["World"], None] = lambda _: None
    """Called where a pass has ended at its limit, before the next one."""
    random: Random = field(init=False)
    scheduler: Scheduler = field(init=False)
    _ends: list[tuple[Instant, int, Run, Action]] = field(default_factory=list)
    _ids: int = 0
    _misses: dict[str, int] = field(default_factory=dict)
    _writing: list[tuple[list[Event], Callable[[], None]]] = field(default_factory=list)
    _is_writing: bool = False
    _waiting: dict[RunKey, Run] = field(default_factory=dict)
    """Decided, and not recorded yet."""
    _stopped: set[RunKey] = field(default_factory=set)
    """Those of them that an operator has stopped."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - a simulation must replay
        self._new_scheduler()

    def _new_scheduler(self) -> None:
        self.scheduler = Scheduler(host="world", new_run_id=self._new_id, max_running=self.max_running)

    def _new_id(self, now: Instant) -> str:
        self._ids += 1
        return f"{now:x}-{self._ids}"

    # -- the daemon's life ------------------------------------------------------------------------------------------

    def add(self, task: Task, behaviour: Behaviour | None = None) -> None:
        """Write a task file."""
        self.tasks[task.name] = task
        self.behaviours[task.name] = behaviour or Behaviour()

    def boot(self) -> None:
        """Start the daemon: what `daemon.resume` does, with lists for files."""
        self._new_scheduler()
        scheduler = self.scheduler
        scheduler.history.booted_at = self.booted_at
        changed = scheduler.load(self.tasks.values(), self.now, self.states)
        scheduler.replay(self.log, self.open_runs, self.now, min(self.alive, self.now) if self.alive else None)
        lost = [] if self.adopts else self.open_runs
        crashed = [Finished(run, End(Action.CRASH, Cause.DOWN, max(self.alive, run.start))) for run in lost]
        if not self.adopts:
            self.processes.clear()
            self._ends.clear()
        self._burn()
        self.log += crashed
        self._keep(changed)
        for event in crashed:
            scheduler.learn(event)
        if self.alive:
            scheduler.add_downtime(self.alive, self.now)
        self.alive = self.now

    def reload(self) -> None:
        """Read the task files again."""
        tasks, scheduler = self.tasks.values(), self.scheduler
        scheduler.history.extend_needs(scheduler.missing_history(tasks))
        scheduler.recall(self.log)
        self._keep(scheduler.load(tasks, self.now, self.states))

    def kill(self) -> None:
        """Kill -9 the daemon, and stay down until `boot`; its processes are stopped when it comes back."""
        self._new_scheduler()
        self._writing.clear()
        self._waiting.clear()
        self._stopped.clear()
        self.fuse = None

    def _burn(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    @property
    def waiting(self) -> bool:
        """Whether something waits to be recorded."""
        return bool(self._writing)

    def come_back(self) -> None:
        """Let the store be there again."""
        self.away = False
        self.scheduler.admission.closed = ""
        self._write()

    def fail_to_write(self) -> None:
        """Let the store answer with an error, so that everybody knows that nothing can be recorded."""
        self.away = True
        self.scheduler.admission.closed = "the run log cannot be written"
        for run in list(self._waiting.values()):
            if run.key not in self._stopped:
                self._take_back(run, Cause.STORE)

    def _record(self, changes: list[Event], then: Callable[[], None]) -> None:
        """One transaction, and what may happen once it is safe; one after the other, as the recorder has it."""
        self._writing.append((changes, then))
        self._write()

    def _write(self) -> None:
        if self._is_writing:  # from a `then`: one group is through before the next
            return
        self._is_writing = True
        try:
            while self._writing and not self.away:
                self._write_group(*self._writing.pop(0))
        finally:
            self._is_writing = False

    def _write_group(self, changes: Iterable[Event], then: Callable[[], None]) -> None:
        self._burn()
        for change in changes:
            if isinstance(change, Missed):
                self._miss(change)
            else:
                self.log.append(change)
        self._burn()
        then()

    def _keep(self, states: Iterable[TaskState]) -> None:
        self.states.update((state.name, state) for state in states)

    @property
    def open_runs(self) -> list[Run]:
        """The recorded runs without an end."""
        ended = {event.run.key for event in self.log if isinstance(event, Finished | Withdrawn)}
        return [event.run for event in self.log if isinstance(event, Started) and event.run.key not in ended]

    # -- time passes ------------------------------------------------------------------------------------------------

    def run_until(self, until: Instant) -> None:
        """Let the daemon work until then."""
        while self.step(until):
            pass
        self._go_to(until)

    def step(self, until: Instant) -> bool:
        """Go to the next thing that happens, and let the daemon have one pass; False if nothing happens until then."""
        next_end = self._ends[0][0] if self._ends else FOREVER
        look = min(self.scheduler.next_check(), next_end)
        if self.scheduler.has_unreported:
            look = self.now
        if look > until:
            return False
        self._go_to(look)
        while self._ends and self._ends[0][0] <= self.now:
            at, _, run, action = heappop(self._ends)
            if run.key in self.processes:
                self.end(run, End(action, Cause.EXIT, at, exit_code=int(action is Action.FAIL)))
        self.carry_out(self._decide())
        while self.scheduler.is_cut:
            self.watch(self)
            self.between_passes(self)
            self.carry_out(self._decide())
        self.carry_out(self.scheduler.report_missed(self.now))
        self.passes += 1
        self.watch(self)
        return True

    def _decide(self) -> list[Decision]:
        decisions, scheduler = self.scheduler.decide(self.now, self.max_starts), self.scheduler
        done = scheduler.next_check() > self.now or scheduler.has_unreported or scheduler.is_cut
        assert done, "a pass leaves nothing undone"
        return decisions

    def set_clock(self, by: Duration) -> None:
        """Set the wall clock; what goes on takes as long as it takes."""
        self.now += by
        self._ends = [(at + by, place, run, action) for at, place, run, action in self._ends]
        self.scheduler.clock_stepped(self.now, by)
        self.alive = self.now

    def _go_to(self, instant: Instant) -> None:
        self.now = max(self.now, instant)
        if not self.away:
            self.alive = self.now

    def end(self, run: Run, end: End) -> None:
        """Let a run end: recorded first, learned then."""
        del self.processes[run.key]
        self._report(Finished(run, end))

    def _report(self, event: Finished) -> None:
        noted = self.scheduler.history.position
        self._record([event], lambda: self.scheduler.learn(event, noted))

    def carry_out(self, decisions: Iterable[Decision]) -> None:
        """Record what was decided, and do it."""
        changes: list[Event] = []
        stops: list[Stop] = []
        for decision in decisions:
            match decision:
                case Start(run):
                    changes.append(Started(run))
                    self._waiting[run.key] = run
                case Stop():
                    stops.append(decision)  # a process takes its time to end: whatever is decided here comes before
                case Missed():
                    changes.append(decision)
                case Broken(_, error):
                    raise error
        if changes:
            self._record(changes, lambda: self._begin_all(changes))
        for stop in stops:
            self._stop(stop)

    def _begin_all(self, changes: Iterable[Event]) -> None:
        for change in changes:
            if isinstance(change, Started) and change.run.key in self._waiting:
                del self._waiting[change.run.key]
                self._burn()
                self._begin(change.run)

    def _stop(self, stop: Stop) -> None:
        if stop.run.key in self.processes:
            self.end(stop.run, End(Action.TERMINATE, stop.cause, self.now, signal=15))
        elif stop.run.key in self._waiting and stop.cause is Cause.OPERATOR:
            self._stopped.add(stop.run.key)
        elif stop.run.key in self._waiting:
            assert stop.cause is not Cause.TIMEOUT, "its time is not running yet"
            self._take_back(stop.run, stop.cause)

    def _take_back(self, run: Run, cause: Cause) -> None:
        del self._waiting[run.key]
        self._withdraw(Withdrawn(run, self.now, "it is not to begin", cause))

    def _withdraw(self, event: Withdrawn) -> None:
        self.scheduler.learn(event)
        self._record([event], lambda: None)

    def _begin(self, run: Run) -> None:
        if run.key in self._stopped:
            self._stopped.discard(run.key)
            self._report(Finished(run, End(Action.TERMINATE, Cause.OPERATOR, self.now)))
            return
        self.trying = run.task
        shared = not self.bears(self)
        if shared or self.refuses(run):
            self._withdraw(Withdrawn(run, self.now, "no process is left", shared=shared))
            return
        self.begun.append(run)
        self.processes[run.key] = run
        takes, action = self.fate(run) if self.fate else self._by_behaviour(run)
        heappush(self._ends, (self.now + takes, len(self.begun), run, action))
        self.scheduler.learn(Spawned(run, len(self.begun), 1, self.now))

    def _by_behaviour(self, run: Run) -> tuple[Duration, Action]:
        behaviour = self.behaviours[run.task]
        takes = behaviour.takes
        if self.random.random() < behaviour.longer:
            takes *= self.random.randint(2, 100)
        return takes, Action.FAIL if self.random.random() < behaviour.fails else Action.SUCCESS

    def _miss(self, missed: Missed) -> None:
        place = self._misses.setdefault(missed.run_id, len(self.log))
        self.log[place : place + 1] = [missed]

    # -- what happened ----------------------------------------------------------------------------------------------

    def starts(self, task: str) -> list[Instant]:
        """When runs of that task began."""
        return [run.start for run in self.begun if run.task == task]

    def ends(self, task: str) -> list[End]:
        """How runs of that task ended, in order."""
        return [event.end for event in self.log if isinstance(event, Finished) and event.run.task == task]

    def missed(self, task: str) -> list[Missed]:
        """What was given up."""
        return [event for event in self.log if isinstance(event, Missed) and event.task == task]
