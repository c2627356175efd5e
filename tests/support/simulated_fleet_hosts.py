"""Hosts of a simulated fleet: the real scheduler, the real ownership, and whatever goes wrong between them.

Everything happens at instants of one virtual clock. Each host has a loop and a member, as the daemon has a loop and a
thread: what one tells the other arrives later, in order, and anything may happen in between.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import TypeVar, cast

from rocketd.bootstrap.fleet_ownership import FleetOwnership
from rocketd.core.instant import FOREVER, MILLISECOND, SECOND, Duration, Instant
from rocketd.core.messages.message import Message
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
from rocketd.core.model.records import Change, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.core.model.task import Overlap, Task
from rocketd.core.scheduler.ownership import Ownership
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.loop import Loop
from rocketd.daemon.pending_starts import PendingStarts
from support.simulated_fleet import SimulatedDatabase
from support.simulated_member import SimulatedMember

T = TypeVar("T")


class Killed(BaseException):
    """The daemon is killed at this step: nothing catches it."""


@dataclass
class Conditions:
    """What may go wrong, as probabilities for each exchange with the database."""

    lost_answer: float = 0.0
    """It is done, and the answer does not arrive."""
    lost_news: float = 0.0
    """The same, of a look that has found something new."""
    failed: float = 0.0
    latency: Duration = 5 * MILLISECOND
    """The longest way from the member to the loop."""


@dataclass
class SimulatedFleet:
    """All hosts, their database, and the ledger of what has really begun."""

    seed: int
    now: Instant
    lease: Duration = 10 * SECOND
    lost_after: Duration = 300 * SECOND
    conditions: Conditions = field(default_factory=Conditions)
    hosts: dict[str, "SimulatedHost"] = field(default_factory=dict)
    begun: list[tuple[Run, str, Instant]] = field(default_factory=list)
    """What has begun, on which host, and when by the virtual clock."""
    keys: set[RunKey] = field(default_factory=set)
    active: dict[RunKey, tuple[str, Instant]] = field(default_factory=dict)
    """The processes that there are: on which host, and since when."""
    mutexes: dict[RunKey, str] = field(default_factory=dict)
    """What each run that has begun holds."""
    overlaps: list[str] = field(default_factory=list)
    database_down: bool = False
    server_offset: Duration = 0
    """How far the clock of the database's server has been set."""
    random: Random = field(init=False)
    database: SimulatedDatabase = field(init=False)
    _events: list[tuple[Instant, int, str, Callable[[], None]]] = field(default_factory=list)
    _ids: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - a simulation must replay
        self.database = SimulatedDatabase(lambda: self.now + self.server_offset)

    def new_id(self, now: Instant) -> str:
        """Return an id of a run."""
        self._ids += 1
        return f"{now:x}-{self._ids}"

    def at(self, when: Instant, host: str, action: Callable[[], None]) -> None:
        """Do something at that instant; what is of a host waits while that is frozen."""
        self._ids += 1
        heappush(self._events, (max(when, self.now), self._ids, host, action))

    def run_until(self, until: Instant) -> None:
        """Let everything happen until then."""
        while self._events and self._events[0][0] <= until:
            when, number, name, action = heappop(self._events)
            self.now = max(self.now, when)
            host = self.hosts.get(name)
            if host is not None and host.frozen_until > self.now:
                heappush(self._events, (host.frozen_until, number, name, action))
                continue
            try:
                action()
            except Killed:
                assert host is not None
                host.kill()
        self.now = max(self.now, until)

    def begin(self, host: "SimulatedHost", task: Task, run: Run) -> None:
        """A process begins: this is what must never be wrong."""
        assert run.key not in self.keys, f"{run.key} begins twice"
        claimed = self.database.open_runs.get(run.run_id)
        assert claimed, f"{run.key} begins without a record"
        assert claimed[0].host == host.name, f"{run.key} begins on {host.name} without being claimed"
        same = [key for key in self.active if key[0] == run.task]
        if same and task.overlap is not Overlap.ALLOW:
            self.overlaps += [key[0] for key in same]
            for key in same:
                other, _ = self.active[key]
                assert self.hosts[other].longest_freeze > self.lost_after // 5 - 2 * SECOND, f"{run.key} beside {key}"
        self._check_mutex(task, run)
        self.begun.append((run, host.name, self.now))
        self.keys.add(run.key)
        self.active[run.key] = host.name, self.now

    def _check_mutex(self, task: Task, run: Run) -> None:
        """No two runs hold a mutex at the same time, unless a host that was frozen goes on with one."""
        if task.mutex:
            for key in [key for key in self.active if self.mutexes.get(key) == task.mutex]:
                other, _ = self.active[key]
                assert self.hosts[other].longest_freeze > self.lost_after // 5 - 2 * SECOND, f"{run.key} beside {key}"
            self.mutexes[run.key] = task.mutex


class SimulatedHost:
    """One host: its loop and its store; the daemon on it may be killed and started again."""

    def __init__(self, fleet: SimulatedFleet, name: str, tasks: Sequence[Task], offset: Duration = 0) -> None:
        self.fleet, self.name, self.tasks, self.offset = fleet, name, list(tasks), offset
        fleet.hosts[name] = self
        self.log: list[Event] = []
        self.states: dict[str, TaskState] = {}
        self.takes: Callable[[Run], tuple[Duration, Action]] = lambda _: (SECOND, Action.SUCCESS)
        self.frozen_until: Instant = 0
        self.longest_freeze: Duration = 0
        self.cut_off = False
        self.fuse: int | None = None
        self.alive: Instant = 0
        self.generation = 0
        self.up = False
        self.scheduler: Scheduler
        self.pending_starts: PendingStarts
        self.member: SimulatedMember
        self.ownership: FleetOwnership
        self.processes: dict[RunKey, Run] = {}
        self.sent = 0

    # -- life -------------------------------------------------------------------------------------------------------

    def now(self) -> Instant:
        """Read its wall clock."""
        return self.fleet.now + self.offset

    def boottime(self) -> Duration:
        """Read its boot-time clock."""
        return self.fleet.now

    def boot(self) -> None:
        """Start the daemon: what the recovery does, then join."""
        self.up, self.generation = True, self.generation + 1
        self.pass_hooks: list[Callable[[Instant], Instant]] = []
        self._pass_at: Instant = FOREVER
        self._pass_number = 0
        scheduler = self.scheduler = Scheduler(host=self.name, new_run_id=self.fleet.new_id)
        self.pending_starts = PendingStarts(self)  # type: ignore[arg-type]  # what it needs of a loop
        changed = scheduler.load(self.tasks, self.now(), self.states)
        self.states.update((state.name, state) for state in changed)
        ended = {event.run.key for event in self.log if isinstance(event, Finished | Withdrawn)}
        left = [event.run for event in self.log if isinstance(event, Started) and event.run.key not in ended]
        scheduler.replay(self.log, left, self.now(), min(self.alive, self.now()) if self.alive else None)
        for run in left:
            crash = Finished(run, End(Action.CRASH, Cause.DOWN, max(self.alive, run.start), message="recovered"))
            self.log.append(crash)
            scheduler.learn(crash)
        if self.alive:
            scheduler.add_downtime(self.alive, self.now())
        ownership = Ownership(self.fleet.lease, self.fleet.lost_after)
        self.ownership = FleetOwnership(cast("Loop", self), self.name, ownership, self.boottime)
        self.member = SimulatedMember(self, f"{self.name}-{self.generation}")
        self.ownership.member = self.member.tasks
        self.ownership.start()
        self.member.wake()
        self.wake()

    def kill(self) -> None:
        """Kill -9 the daemon; its processes go with it, as the service manager has it."""
        self.up, self.fuse = False, None
        self.generation += 1
        for key in self.processes:
            self.fleet.active.pop(key, None)
        self.processes.clear()

    def freeze(self, length: Duration, *, children: bool) -> None:
        """Stop the daemon for so long; perhaps its processes as well."""
        self.frozen_until = self.fleet.now + length
        self.longest_freeze = max(self.longest_freeze, length)
        self._children_frozen = children

    def drain(self) -> None:
        """SIGTERM: hand back, let runs end, leave."""
        self.scheduler.trust_clock()
        self.scheduler.drain()
        self.wake()

    def post(self, action: Callable[[], None]) -> None:
        """Have the member tell the loop."""
        generation = self.generation
        latency = self.fleet.random.randint(0, self.fleet.conditions.latency)
        self._posted = max(getattr(self, "_posted", 0), self.fleet.now + latency)
        self.fleet.at(self._posted, self.name, lambda: action() if generation == self.generation else None)

    def burn(self) -> None:
        """Die here, perhaps."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    # -- the loop ---------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have a pass soon."""
        self._pass_soon(self.fleet.now)

    def _pass_soon(self, when: Instant) -> None:
        if when < self._pass_at:
            self._pass_at = when
            self._pass_number += 1
            key = self.generation, self._pass_number
            self.fleet.at(
                when, self.name, lambda: self._pass() if key == (self.generation, self._pass_number) else None
            )

    def _pass(self) -> None:
        self._pass_at = FOREVER
        now = self.now()
        self.alive = now
        self.carry_out(self.scheduler.decide(now))
        wakeups = [hook(now) for hook in self.pass_hooks]
        while self.scheduler.has_unreported:
            self.carry_out(self.scheduler.report_missed(now))
        next_pass = min([self.scheduler.next_check(), *wakeups])
        if next_pass < FOREVER:
            self._pass_soon(max(next_pass - self.offset, self.fleet.now + 1))
        if self.scheduler.draining and not self.processes and not len(self.pending_starts) and not self.member.left:
            self.ownership.close()
            self.member.leave()

    def leave_run(self, run: Run) -> bool:  # noqa: ARG002 - none is in an engine
        """Its runs are processes of its own, which no other host can follow."""
        return False

    def carry_out(self, decisions: Iterable[Decision]) -> None:
        """As the loop does."""
        changes: list[Started | Missed] = []
        for decision in decisions:
            match decision:
                case Start(run):
                    changes.append(Started(run))
                    self.pending_starts.add(self.scheduler.find(run.task).task, run)
                case Missed():
                    changes.append(decision)
                case Stop(run, cause):
                    if not self.pending_starts.stop(run, cause):
                        self.stop(run, cause)
                case Broken(_, error):
                    raise error
        if changes:
            self.pending_starts.claim(changes)

    def record(self, changes: Sequence[Change], on_done: Callable[[], None] = lambda: None) -> None:
        """Record at once; the member sends it later."""
        if not changes:
            return
        self.burn()
        for change in changes:
            if isinstance(change, Started | Finished | Withdrawn | Missed):
                self.log.append(change)
        self.burn()
        on_done()
        self.member.wake()

    def handle_event(self, event: Spawned | Finished | Withdrawn) -> None:
        """An event of the executor."""
        if isinstance(event, Finished):
            self.record([event], lambda: self.scheduler.learn(event))
        elif isinstance(event, Withdrawn):
            self.pending_starts.handle_withdrawn(event)
        else:
            self.scheduler.learn(event)
        self.wake()

    def publish(self, event: Event) -> None:
        """Nobody listens."""

    def write(self, message: Message) -> bool:  # noqa: ARG002 - as a journal has it
        """Nobody reads."""
        return True

    @property
    def journal(self) -> "SimulatedHost":
        return self

    @property
    def clock(self) -> "SimulatedHost":
        return self

    @property
    def error_policy(self) -> "SimulatedHost":
        return self

    def in_setup(self, run: Run, error: Exception) -> None:  # noqa: ARG002 - as the policy has it
        """What cannot be started breaks what must hold."""
        raise error

    @property
    def executor(self) -> "SimulatedHost":
        return self

    # -- the executor -----------------------------------------------------------------------------------------------

    def batch(self) -> AbstractContextManager[None]:
        """Start several."""
        return nullcontext()

    def start(self, task: Task, run: Run) -> None:
        """Start a process."""
        self.burn()
        self.fleet.begin(self, task, run)
        self.processes[run.key] = run
        takes, action = self.takes(run)
        self._end_at(run, self.fleet.now + takes, End(action, Cause.EXIT, 0, exit_code=int(action is Action.FAIL)))
        self.handle_event(Spawned(run, 1, 1, self.now()))

    def _end_at(self, run: Run, when: Instant, end: End) -> None:
        generation = self.generation

        def over() -> None:
            if generation == self.generation and run.key in self.processes:
                if self.frozen_until > self.fleet.now and getattr(self, "_children_frozen", False):
                    self.fleet.at(self.frozen_until, "", over)
                    return
                self.fleet.active.pop(run.key, None)
                self.fleet.at(self.fleet.now, self.name, heard)

        def heard() -> None:
            if generation == self.generation and self.processes.pop(run.key, None) is not None:
                ended = End(end.action, end.cause, self.now(), exit_code=end.exit_code)
                self.handle_event(Finished(run, ended))

        self.fleet.at(when, "", over)

    def stop(self, run: Run, cause: Cause) -> None:
        """Stop a process: it is gone at once."""
        if run.key in self.processes:
            action = Action.CRASH if cause is Cause.SHUTDOWN else Action.TERMINATE
            self._end_at(run, self.fleet.now, End(action, cause, 0))
