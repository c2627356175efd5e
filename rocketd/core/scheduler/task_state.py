"""What the scheduler knows about one loaded task."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import BEGINNING, FOREVER, SECOND, Duration, Instant
from rocketd.core.model.events import Missed, Withdrawn
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Trigger
from rocketd.core.model.task import Task
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.model.verdict import Verdict
from rocketd.core.scheduler.next_due import Upcoming

ReadyKey: TypeAlias = tuple[int, int, Instant, str]
"""Who goes first: by how often its start has failed for want of anything, priority (negated), due and name."""

LONGEST_PAUSE: Final[Duration] = 30 * SECOND
"""Between two starts of a task that alone lacks something."""


_ASKED_FOR: Final = frozenset({Trigger.HAND, Trigger.AS_SCHEDULED})


class Forced(NamedTuple):
    """An occasion at which a task runs whatever its condition says."""

    trigger: Trigger
    reason: str
    """Which occasion that is, as a sentence."""
    due: Instant | None = None
    """None: when it starts."""


class Standing(NamedTuple):
    """Where a task stood when a run of it was started: it stands there again if the run turns out not to have begun."""

    task: Task
    verdict: Verdict | None
    chance: Instant | None
    stretch: Missed | None
    against_since_start: bool


@dataclass(slots=True)
class ScheduledTask:
    """One loaded task: what its condition last said, and what came of it. Only the scheduler changes it."""

    task: Task
    paused: TaskState | None = None
    """Its state while an operator has paused it."""
    lapsed: TaskState | None = None
    """The pause that ended by itself: it is in force again if the clock is set back."""
    verdict: Verdict | None = None
    look_at: Instant = FOREVER
    """When it must be judged again at the latest."""
    due: Instant | None = None
    """Since when it is due and may start; None: it is not."""
    begin: Instant = BEGINNING
    """When it may start at the earliest: its due, its splay and its `restart_delay`."""
    blocked: str = ""
    """Why a due task could not start when it had its turn: a mutex, still running, paused."""
    next: Instant | None = None
    """When it will be due next, as far as can be known now; None: nothing but an event makes it due, or too far off."""
    next_due: Instant | None = None
    """Of when it will be due, without its splay; None: as `next`, or not known."""
    next_if: str = ""
    """What must be observed at `next` for it to be due then, as a condition; empty: nothing need be."""
    now_if: str = ""
    """What makes it due as soon as it is observed, as a condition; empty: it waits for something else."""
    chance: Instant | None = None
    """The due of a tick or window that is open and has not been used."""
    forced: Forced | None = None
    """It is due whatever its condition says."""
    forced_later: tuple[Forced, ...] = ()
    """For what it is due after that: what operators have asked for is not lost."""
    against_since_start: bool = False
    """For `replace` and `allow`: whether a judgement since its last start said against."""
    quiet_until: Instant = BEGINNING
    """The end of its `restart_delay`."""
    stretch: Missed | None = None
    """The missed stretch that is going on."""
    ready: ReadyKey | None = None
    """Its place among those that are due."""
    watched: frozenset[str] = field(default_factory=frozenset)
    """The other tasks whose events concern it."""
    setbacks: int = 0
    """How often in a row its start has failed for want of what the host, or its user's limits, must give."""
    setback: Withdrawn | None = None
    """The newest of these."""
    successes: int = 0
    """How many runs of whatever task had begun by then."""
    times_runs: bool = False
    """Whether its conditions ask about runs only once they have begun."""
    probes: frozenset[Probe] = field(default_factory=frozenset)
    """All that its conditions ask about, whether or not they matter now."""

    def expect(self, found: Upcoming) -> None:
        """Note when it will be due next."""
        self.next, self.next_if, self.now_if = found.at, found.provided, found.sooner
        self.next_due = found.since

    @property
    def hindrance(self) -> str:
        """Why a task that is due has not started; empty if it is not due."""
        return self.blocked or ("no slot is free" if self.ready else "")

    @property
    def resumes_at(self) -> Instant:
        """When its pause ends by itself; FOREVER: it is not paused, or until an operator resumes it."""
        paused = self.paused
        return FOREVER if paused is None or paused.paused_until is None else paused.paused_until

    def be_quiet_after(self, past: TaskHistory, now: Instant) -> None:
        """Count its `restart_delay` from the end of its last run, by hand or not."""
        seen = [one for action, one in past.last.items() if action is not Action.RUN]
        ends = [past.steps.really(one.at, one.position) for one in seen]
        self.quiet_until = min(max(ends), now) + self.task.restart_delay if ends else BEGINNING

    def begin_anew(self, now: Instant) -> None:
        """The clock was set: what was open by its old setting is neither used nor missed."""
        self.verdict = self.chance = self.stretch = None
        if self.lapsed is not None and self.lapsed.paused_until is not None and self.lapsed.paused_until > now:
            self.paused, self.lapsed = self.lapsed, None

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return Standing(self.task, self.verdict, self.chance, self.stretch, self.against_since_start)

    def stand_again(self, standing: Standing, now: Instant) -> None:
        """Stand where it stood: what was open then is open, or has closed while nobody could know that it was."""
        if standing.task is not self.task:  # edited meanwhile, which begins anew
            return
        self.against_since_start, self.stretch = standing.against_since_start, standing.stretch
        if standing.chance is not None and standing.verdict is not None:
            self.chance = standing.chance
            self.verdict = standing.verdict._replace(until=max(standing.verdict.until, now))

    def force(self, forced: Forced) -> None:
        """Make it due whatever its condition says, until it has started once."""
        if self.forced is None:
            self.forced = forced
        else:
            self.forced_later += (forced,)

    @property
    def is_asked_for(self) -> bool:
        """Whether an operator, or a program, has asked for a run of it that has not started yet."""
        return self.forced is not None and self.forced.trigger in _ASKED_FOR

    def give_up(self) -> bool:
        """Forget what was asked for and has not started; says whether there was such."""
        asked_for = self.is_asked_for
        if asked_for:
            self.forced, self.forced_later = None, ()
        return asked_for

    def started(self, trigger: Trigger) -> None:
        """It has started, which is what it was due for; what somebody asked for by hand is another run than its own."""
        if self.forced is not None and self.forced.trigger is Trigger.HAND and trigger is not Trigger.HAND:
            return
        self.forced, *later = self.forced_later or (None,)
        self.forced_later = tuple(later)

    def set_back(self, withdrawn: Withdrawn, successes: int) -> None:
        """A start of it has failed for want of something."""
        self.setbacks, self.setback, self.successes = self.setbacks + 1, withdrawn, successes

    def pauses_until(self, successes: int) -> Instant:
        """When its start may be tried again, if others have begun since: then it is not the host that is at fault."""
        if self.setback is None or (self.setback.shared and successes == self.successes):
            return BEGINNING
        return self.setback.at + min(SECOND << min(self.setbacks - 1, 10), LONGEST_PAUSE)

    def lacks_nothing(self) -> None:
        """A run of it has begun, and ended."""
        self.setbacks, self.setback = 0, None
