"""The state of one loaded task in the scheduler."""

from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.conditions.probe import Probe
from rocketd.core.dataclass import dataclass, field
from rocketd.core.history.renamed import renamed
from rocketd.core.instant import BEGINNING, FOREVER, SECOND, Duration, Instant
from rocketd.core.model.events import Missed, Withdrawn
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Trigger
from rocketd.core.model.task import Task
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.model.verdict import UNKNOWN, Verdict
from rocketd.core.scheduler.next_due import NextDue
from rocketd.core.scheduler.running import NO_SLOT

ReadyKey: TypeAlias = tuple[int, int, Instant, str]
"""The order of due tasks: by starts that failed for lack of a resource, priority (negated), due and name."""

LONGEST_PAUSE: Final[Duration] = 30 * SECOND
"""The longest pause between two starts of a task that alone lacks a resource."""


_SHARED_ATTEMPTS: Final = 5
"""How often the start of a task may fail for lack of a resource before it counts as the only one."""
MOST_ATTEMPTS: Final = 16
"""How often a start is tried that one of the task's own limits does not allow: some six minutes."""
_REQUESTED: Final = frozenset({Trigger.HAND, Trigger.AS_SCHEDULED})


class Forced(NamedTuple):
    """A start that is requested whatever the condition says."""

    trigger: Trigger
    reason: str
    """Who or what requested it, as a sentence."""
    due: Instant | None = None
    """None: when it starts."""


class TaskSnapshot(NamedTuple):
    """The state of a task when a run of it was started: restored if the run turns out not to have begun."""

    task: Task
    verdict: Verdict | None
    open_due: Instant | None
    open_missed: Missed | None
    against_since_start: bool


@dataclass(slots=True)
class ScheduledTask:
    """One loaded task: its last verdict, and what followed. Only the scheduler changes it."""

    task: Task
    standby: str = ""
    """Why another host, or none, decides about it: it is learned about, and not judged; empty: this host decides."""
    paused: TaskState | None = None
    """Its state while an operator has paused it."""
    expired_pause: TaskState | None = None
    """The pause that ended by itself: it is in force again if the clock is set back."""
    verdict: Verdict | None = None
    check_at: Instant = FOREVER
    """When it must be judged again at the latest."""
    due: Instant | None = None
    """Since when it is due and may start; None: it is not."""
    earliest_start: Instant = BEGINNING
    """When it may start at the earliest: its due, its splay and its `restart_delay`."""
    blocked: str = ""
    """Why a due task could not start when it had its turn: a mutex, still running, paused."""
    next_start: Instant | None = None
    """When it will be due next, as far as can be known now; None: nothing but an event makes it due, or too far off."""
    next_due: Instant | None = None
    """When it will be due, without its splay; None: as `next_start`, or not known."""
    next_if: str = ""
    """What must be observed at `next_start` for it to be due then, as a condition; empty: nothing need be."""
    now_if: str = ""
    """What makes it due as soon as it is observed, as a condition; empty: it waits for something else."""
    open_due: Instant | None = None
    """The due of a tick or window that is open and has not been used."""
    forced: Forced | None = None
    """It is due whatever its condition says."""
    later_forced: tuple[Forced, ...] = ()
    """Later requests, in order: no request is lost."""
    against_since_start: bool = False
    """For `replace` and `allow`: whether a verdict since its last start was against."""
    restart_after: Instant = BEGINNING
    """The end of its `restart_delay`."""
    open_missed: Missed | None = None
    """The newest missed event, while it can be extended."""
    ready: ReadyKey | None = None
    """Its place among those that are due."""
    watched_tasks: frozenset[str] = field(default_factory=frozenset)
    """The other tasks that its conditions ask about."""
    watched_patterns: frozenset[tuple[str, ...]] = frozenset()
    """The names, patterns among them, that its conditions ask about."""
    failed_starts: int = 0
    """How often in a row its start has failed for lack of a resource, of the host or within the limits of its user."""
    last_failed_start: Withdrawn | None = None
    """The newest of these failures."""
    successes: int = 0
    """How many runs of whatever task had begun by then."""
    unknown_dates: str = ""
    """Why a tick or window that is open may not be used: nothing is known of its date; empty: that is not why."""
    asks_calendars: bool = False
    """Whether its condition asks about working days, holidays or listed dates."""
    asks_run_age: bool = False
    """Whether its conditions ask how long runs have been active."""
    asks_misses: bool = False
    """Whether its conditions ask what was missed."""
    probes: frozenset[Probe] = field(default_factory=frozenset)
    """All probes of its conditions, whether or not they matter now."""

    def rename(self, name: str) -> None:
        """Give the task another name."""
        self.task = replace(self.task, name=name)
        self.paused, self.expired_pause = (
            None if state is None else replace(state, name=name) for state in (self.paused, self.expired_pause)
        )
        self.open_missed = renamed(self.open_missed, name)
        self.last_failed_start = renamed(self.last_failed_start, name)

    def set_unknown(self) -> None:
        """Note that nothing is known of it until its next event: its condition is broken."""
        self.verdict, self.check_at = Verdict(UNKNOWN), FOREVER
        self.set_next(NextDue())

    def set_next(self, found: NextDue) -> None:
        """Note when it is expected to be due next."""
        self.next_start, self.next_if, self.now_if = found.at, found.only_if, found.at_once_if
        self.next_due = found.since

    @property
    def blocked_reason(self) -> str:
        """Why a task that is due has not started; empty if it is not due."""
        return self.blocked or (NO_SLOT if self.ready else "")

    @property
    def resumes_at(self) -> Instant:
        """When its pause ends by itself; FOREVER: it is not paused, or until an operator resumes it."""
        paused = self.paused
        return FOREVER if paused is None or paused.paused_until is None else paused.paused_until

    def delay_restart(self, task_history: TaskHistory, now: Instant) -> None:
        """Restart its `restart_delay` at the end of its last run, by hand or not."""
        seen = [one for action, one in task_history.last_events.items() if action is not Action.RUN]
        ends = [task_history.steps.real_instant(one.at, one.position) for one in seen]
        self.restart_after = min(max(ends), now) + self.task.restart_delay if ends else BEGINNING

    def reset(self, now: Instant) -> None:
        """Reset it after a step of the clock: what was open by the old setting is neither used nor missed."""
        self.verdict = self.open_due = self.open_missed = None
        if (
            self.expired_pause is not None
            and self.expired_pause.paused_until is not None
            and self.expired_pause.paused_until > now
        ):
            self.paused, self.expired_pause = self.expired_pause, None

    def begin_anew(self) -> None:
        """Forget what was judged and asked for: another host decides about it, or has done so."""
        self.verdict = self.open_due = self.open_missed = self.forced = None
        self.later_forced, self.against_since_start = (), False

    @property
    def snapshot(self) -> TaskSnapshot:
        """Its present state, to be restored."""
        return TaskSnapshot(self.task, self.verdict, self.open_due, self.open_missed, self.against_since_start)

    def restore(self, snapshot: TaskSnapshot, now: Instant) -> None:
        """Restore a snapshot: what was open then is open again, or has closed meanwhile."""
        if snapshot.task is not self.task:  # edited meanwhile, which begins anew
            return
        self.against_since_start, self.open_missed = snapshot.against_since_start, snapshot.open_missed
        if snapshot.open_due is not None and snapshot.verdict is not None:
            self.open_due = snapshot.open_due
            self.verdict = snapshot.verdict._replace(until=max(snapshot.verdict.until, now))

    def force(self, forced: Forced) -> None:
        """Make it due whatever its condition says, until it has started once."""
        if self.forced is None:
            self.forced = forced
        else:
            self.later_forced += (forced,)

    @property
    def is_requested(self) -> bool:
        """Whether an operator, or a program, has asked for a run of it that has not started yet."""
        return self.forced is not None and self.forced.trigger in _REQUESTED

    def cancel_requests(self) -> bool:
        """Cancel requested runs that have not started; return whether there were any."""
        asked_for = self.is_requested
        if asked_for:
            self.forced, self.later_forced = None, ()
        return asked_for

    def note_start(self, trigger: Trigger) -> None:
        """Remove the request that a start fulfils; a scheduled run does not fulfil one made by hand."""
        if self.forced is not None and self.forced.trigger is Trigger.HAND and trigger is not Trigger.HAND:
            return
        self.forced, *later = self.later_forced or (None,)
        self.later_forced = tuple(later)

    def note_failed_start(self, withdrawn: Withdrawn, successes: int) -> None:
        """Note that a start of it has failed for lack of a resource."""
        self.failed_starts, self.last_failed_start, self.successes = self.failed_starts + 1, withdrawn, successes

    def gives_up(self, withdrawn: Withdrawn) -> bool:
        """Return whether this start, which has just failed, was the last attempt, so that the run has failed."""
        return withdrawn.own_limit and self.failed_starts + 1 >= MOST_ATTEMPTS

    @property
    def reports_failed_start(self) -> bool:
        """Whether the newest failed start is worth a warning: the first, the 16th, the 32nd and so on."""
        count = self.failed_starts
        return count == 1 or (count >= MOST_ATTEMPTS and count & (count - 1) == 0)

    def next_attempt_at(self, successes: int) -> Instant:
        """Return when its start may be tried again.

        If it is the host that lacks something, the host's own pauses are enough; but a task that has failed so again
        and again while others started needs more than there is.
        """
        failed = self.last_failed_start
        if failed is None or (failed.shared and successes == self.successes):
            return BEGINNING
        alone = self.failed_starts - (_SHARED_ATTEMPTS if failed.shared else 0)
        return failed.at + min(SECOND << min(alone - 1, 10), LONGEST_PAUSE) if alone > 0 else BEGINNING

    def shift_pause(self, by: Duration) -> None:
        """Shift the pause after a failed start with a step of the clock: it is elapsed time."""
        if self.last_failed_start is not None:
            self.last_failed_start = replace(self.last_failed_start, at=self.last_failed_start.at + by)

    def clear_failed_starts(self) -> None:
        """Note that a run of it has begun and ended."""
        self.failed_starts, self.last_failed_start = 0, None
