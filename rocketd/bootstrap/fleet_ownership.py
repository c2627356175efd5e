"""This host's part in the tasks that one host of its fleet runs, on the loop's thread.

It decides nothing itself: `core.scheduler` says what may begin, what is missed and what stands by. Here is what
connects that with the member's thread, and the deadlines: when the lease is over, this host owns nothing any longer,
whatever the thread is doing; when it has not been heard of for most of `lost_after`, it stops the runs that the others
will count as lost. Both are looked at in each pass, and the loop's alarm, which also rings after a suspend, makes one
when it is time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from rocketd.bootstrap.fleet_jobs import FleetJobs
from rocketd.core.instant import FOREVER, SECOND, Duration, Instant
from rocketd.core.messages import fleet_messages
from rocketd.core.model.events import Finished, Missed, Started, task_of
from rocketd.core.model.run import Cause, Run
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Task
from rocketd.core.scheduler.ownership import JOINING, LEASE_OVER, LEAVING, MAX_CLOCK_OFFSET, Ownership
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.daemon.loop import Loop
from rocketd.daemon.pending_starts import NoClaims
from rocketd.fleet.exchange_types import Claim, Definition, Owner, OwnershipResult, TakenTask, boottime
from rocketd.fleet.member_tasks import MemberTasks
from rocketd.fleet.shared_history import SharedEvent
from rocketd.fleet.task_digest import task_digest

_LOST_OWNERSHIP = "another host owns it by now"
_NO_OWNER = "no live host owns it"
_RELOADED = "the tasks of this host have changed"
_CLOCK_SET = "the clock of this host was set"


class FleetOwnership:
    """Owns tasks: claims their starts, and knows when it must not begin any. The claims of the loop, once joined."""

    def __init__(
        self, loop: Loop, host: str, ownership: Ownership, boottime: Callable[[], Duration] = boottime
    ) -> None:
        self._loop = loop
        self._standby = loop.scheduler.standby
        self._host = host
        self._boottime = boottime
        self._ownership = ownership
        self.member: MemberTasks | None = None
        """The member's part; set before it begins."""
        self._pending: dict[str, tuple[Claim, Callable[[Sequence[Started | Missed]], None]]] = {}
        self._granted: dict[str, int] = {}
        """The terms in which runs were claimed that have not begun yet, by id."""
        self._defined: dict[str, tuple[tuple[str, str], str]] = {}
        """What each task is: what makes it another one for the fleet, and its digest."""
        self._unsettled: set[str] = set()
        """Tasks of which not all may have been recorded that was missed before this host took them over."""
        self._jobs = FleetJobs(loop)
        self._obstacle = ""
        self._steps = loop.scheduler.history.steps.count
        self._stopped_runs = False

    # -- begin and end ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take part from now on."""
        self._loop.pending_starts.claims = self
        self._loop.pass_hooks.append(self._on_pass)
        self.tasks_replaced()

    def close(self) -> None:
        """Take part no longer: this host owns nothing, and others can at once."""
        self._hand_back([*self._ownership.terms], LEAVING)
        self._lose(LEAVING if self._loop.scheduler.draining else JOINING)
        self._loop.pass_hooks.remove(self._on_pass)
        self._loop.pending_starts.claims = NoClaims()

    def tasks_replaced(self) -> None:
        """The tasks may be others: what has changed is owned anew."""
        definitions = self._definitions()
        defined = {one.name: ((one.fingerprint, one.mutex), one.digest) for one in definitions}
        gone = [name for name in self._ownership.terms if name not in defined]
        if gone:
            self._hand_back(gone, self._obstacle)
        before, self._defined = self._defined, defined
        if any(name not in before or before[name][0] != one[0] for name, one in defined.items()):
            self._lose(_RELOADED if before else JOINING)
        elif defined != before and self.member is not None:
            self.member.describe(definitions)

    def _definitions(self) -> list[Definition]:
        found = []
        for name in self._standby.names:
            task, history = self._loop.scheduler.find(name).task, self._loop.scheduler.history.of(name)
            about = task_digest(task), task.fingerprint, history.armed, history.next_number, task.mutex
            found.append(Definition(name, *about))
        return found

    # -- claims -----------------------------------------------------------------------------------------------------

    def claim(self, changes: Sequence[Started | Missed], then: Callable[[Sequence[Started | Missed]], None]) -> None:
        """Claim what belongs to tasks of the fleet; go on with all else at once."""
        shared = [one for one in changes if self._is_shared(one)]
        if len(shared) < len(changes):
            then([one for one in changes if one not in shared])
        claims = [Claim(one, self._ownership.terms.get(task_of(one), 0), self._boottime()) for one in shared]
        for claim in claims:
            self._pending[claim.run_id] = claim, then
        if claims and self.member is not None:
            self.member.claim(self._ownership.epoch, claims)

    def may_begin(self, task: Task, run: Run) -> bool:
        """Whether a run may begin that has been claimed and recorded; asked right before it does."""
        if task.run_on is not RunOn.ONE:
            return True
        term = self._granted.pop(run.run_id, None)
        return term is not None and self._ownership.may_begin(run.task, term, self._boottime())

    def _is_shared(self, change: Started | Missed) -> bool:
        scheduled = self._loop.scheduler.tasks.get(task_of(change))
        return scheduled is not None and scheduled.task.run_on is RunOn.ONE

    def on_claimed(self, epoch: int, granted: Collection[str], refused: Collection[str]) -> None:
        """Go on with what was granted; own nothing any longer if something was refused."""
        if epoch != self._ownership.epoch:
            return
        found = [self._pending.pop(run_id) for run_id in [*self._pending] if run_id in granted]
        for then in dict.fromkeys(then for _, then in found):
            claims = [claim for claim, wanted in found if wanted == then]
            self._granted |= {one.run_id: one.term for one in claims if isinstance(one.change, Started)}
            then([one.change for one in claims])
        if refused:
            self._lose(_LOST_OWNERSHIP)

    def on_unrecordable(self, epoch: int, reasons: Mapping[str, str]) -> None:
        """Hand back the tasks of which the database takes no record, by run id; all others go on."""
        if epoch != self._ownership.epoch:
            return
        found = {self._pending.pop(run_id)[0]: why for run_id, why in reasons.items() if run_id in self._pending}
        for claim, why in found.items():
            self._loop.journal.write(fleet_messages.unrecordable(claim.task, why))
            if isinstance(claim.change, Started):
                self._loop.pending_starts.refuse(claim.change.run, why)
        self._hand_back([*dict.fromkeys(claim.task for claim in found)], self._obstacle)
        self._loop.wake()

    def move(self, names: Sequence[str]) -> None:
        """Own these no longer: the fleet knows which host is to take them over."""
        self._hand_back(names, self._obstacle)
        self._loop.wake()

    # -- what the member's thread found -----------------------------------------------------------------------------

    def renewed(self, sent_at: Duration, clock_offset: Duration) -> None:
        """The fleet has heard of this host."""
        self._ownership.renew(sent_at)
        self._stopped_runs = False
        offset = f"the clock of this host is {abs(clock_offset) / SECOND:.1f} s off that of the fleet's database"
        self._set_obstacle(offset if abs(clock_offset) > MAX_CLOCK_OFFSET else "")
        self._loop.wake()  # a pass says up to when all is decided

    def _set_obstacle(self, obstacle: str) -> None:
        obstacle = LEAVING if self._loop.scheduler.draining else obstacle
        if bool(obstacle) != bool(self._obstacle):
            self._hand_back([*self._ownership.terms], obstacle)
        self._obstacle = obstacle

    def on_rebuilt(self, epoch: int, tasks: Sequence[OwnedTask], events: Sequence[SharedEvent]) -> None:
        """Know of the tasks what the fleet knows."""
        if epoch == self._ownership.epoch:
            self._standby.rebuild(tasks, [one.event for one in events], self._loop.now())
            for task in tasks:
                self._standby.stand_by(task.name, _NO_OWNER)
            self._loop.wake()

    def on_looked(self, epoch: int, look: OwnershipResult) -> None:
        """Learn what others have recorded, and decide about what this host has taken over."""
        if epoch != self._ownership.epoch:
            return
        now = self._loop.now()
        for one in look.events:
            if self._standby.learn(one.event, now, own=one.host == self._host):
                self._report(one)
            self._jobs.learn(one.event)
        active = {run.task for run in self._loop.scheduler.running_runs}
        for name, owner in look.owners.items():
            if name not in self._ownership.terms:
                self._standby.stand_by(name, self._why(owner, look.obstacle))
                if name in active and owner.alive and owner.host not in {"", self._host} and not owner.differs:
                    self._jobs.leave(name)
        if look.taken and not self._ownership.holds(self._boottime()):
            self._lose(LEASE_OVER)  # it owns them by the database, and must not believe it
            return
        self._take(look.taken, now)
        if look.obstacle and self._ownership.terms:
            self._hand_back([*self._ownership.terms], self._obstacle)
        self._watch()
        self._loop.wake()

    def _take(self, taken: Sequence[TakenTask], now: Instant) -> None:
        for one in taken:
            self._ownership.own(one.task.name, one.term)
            self._standby.take(one.task, one.undecided_since, now, self._ownership.lease)
            self._unsettled.add(one.task.name)
            self._jobs.take_over(one.task.name)
        if taken:
            self._loop.journal.write(fleet_messages.took_over([one.task.name for one in taken]))

    def _why(self, owner: Owner, obstacle: str) -> str:
        if owner.host and owner.alive and owner.host != self._host:
            differs = ", where it is another task than here" if owner.differs else ""
            return f"{owner.host} owns it{differs}"
        if owner.mutex_holder and owner.mutex_holder != self._host:
            return f"{_NO_OWNER}, and {owner.mutex_holder} owns its mutex"
        if obstacle:
            return f"{_NO_OWNER}, and this one must not: {obstacle}"
        return f"{_NO_OWNER}; it is another task here than on its last owner" if owner.differs else _NO_OWNER

    def _report(self, found: SharedEvent) -> None:
        """Say what this host has judged: nobody else does."""
        event = found.event
        if found.host == self._host and isinstance(event, Finished) and event.end.cause is Cause.DOWN:
            self._loop.publish(event)

    def _watch(self) -> None:
        if self.member is not None:
            here = self._loop.scheduler.running_runs
            owned, tasks = self._ownership.terms, self._loop.scheduler.tasks
            may_be_lost = [name for name in owned if name not in tasks or tasks[name].task.engine is None]
            self.member.watch({run.run_id for name in may_be_lost for run in self._standby.runs_elsewhere(name, here)})
            self.member.follow({one for name in owned if name in tasks for one in (name, *tasks[name].watched_tasks)})

    # -- time passes ------------------------------------------------------------------------------------------------

    def _on_pass(self, now: Instant) -> Instant:
        """Give up what must be given up; return when to look again."""
        boot, ownership = self._boottime(), self._ownership
        if self._loop.scheduler.draining and self._obstacle != LEAVING:
            self._set_obstacle(LEAVING)
        steps = self._loop.scheduler.history.steps.count
        if ownership.terms and not ownership.holds(boot):
            self._lose(LEASE_OVER)
        elif ownership.terms and steps != self._steps:
            self._lose(_CLOCK_SET)
        self._steps = steps
        self._settle()
        if self.member is not None and not self._loop.scheduler.has_unreported:
            self.member.decided(boot)
        if boot >= ownership.stops_runs_at and not self._stopped_runs:
            self._stop_runs()
        ends = [ownership.ends_at] if ownership.terms else []
        stops = [ownership.stops_runs_at] if not self._stopped_runs and self._runs_here() else []
        return min([now + max(at - boot, 1) for at in (*ends, *stops) if at < FOREVER], default=FOREVER)

    def _settle(self) -> None:
        """Tell the fleet for which tasks this host, and not the one before it, has recorded what was missed."""
        if self._unsettled and not self._loop.scheduler.has_unreported and self.member is not None:
            pending = {claim.task for claim, _ in self._pending.values()}
            if settled := self._unsettled - pending:
                self._unsettled -= settled
                self.member.settle(settled & self._ownership.terms.keys())

    def _runs_here(self) -> list[Run]:
        """Return the active runs that would be lost with this host: what is handed off goes on."""
        tasks = {name: one.task for name, one in self._loop.scheduler.tasks.items() if not one.task.engine}
        runs = self._loop.scheduler.running_runs
        return [run for run in runs if run.task in tasks and tasks[run.task].run_on is RunOn.ONE]

    def _stop_runs(self) -> None:
        """Stop what the other hosts will count as lost before long."""
        self._stopped_runs = True
        runs = self._runs_here()
        if runs:
            self._loop.journal.write(fleet_messages.stopping_runs([f"{run.task}/{run.number}" for run in runs]))
            self._loop.carry_out(self._standby.stop(runs, Cause.SHUTDOWN))

    def _hand_back(self, names: Sequence[str], obstacle: str) -> None:
        """Own these no longer, so that another host can at once."""
        boot, known = self._boottime(), [name for name in names if name in self._ownership.terms]
        self._ownership.release(known)
        for name in known:
            self._standby.stand_by(name, obstacle or _NO_OWNER)
        if self.member is not None:
            self.member.release(known, boot, obstacle)
        if known:
            self._loop.journal.write(fleet_messages.handed_back(known))

    def _lose(self, why: str) -> None:
        """Own nothing any longer, and join again."""
        lost = self._ownership.lose()
        pending, self._pending = self._pending, {}
        self._granted.clear()
        self._unsettled.clear()
        for name in self._standby.names:
            self._standby.stand_by(name, why)
        for claim, _ in pending.values():
            if isinstance(claim.change, Started):
                self._loop.pending_starts.refuse(claim.change.run, why)
        if self.member is not None:
            reach = max(self._loop.scheduler.history.reach.values(), default=0)
            self.member.begin_epoch(self._ownership.epoch, self._definitions(), reach)
        if lost:
            self._loop.journal.write(fleet_messages.lost_ownership(lost, why))
        self._loop.wake()
