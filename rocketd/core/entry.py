"""What the scheduler knows about one loaded task."""

from dataclasses import dataclass, field
from typing import TypeAlias

from rocketd.core.condition import Verdict
from rocketd.core.events import Missed
from rocketd.core.instant import BEGINNING, FOREVER, Instant
from rocketd.core.past import Past
from rocketd.core.probe import Probe
from rocketd.core.records import TaskState
from rocketd.core.run import Action, Trigger
from rocketd.core.task import Task
from rocketd.core.upcoming import Upcoming

ReadyKey: TypeAlias = tuple[int, Instant, str]
"""Who goes first: by priority (negated), due and name."""


@dataclass(slots=True)
class Entry:
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
    forced: Trigger | None = None
    """An occasion at which it runs whatever its condition says."""
    forced_by: str = ""
    """Which occasion that is, as a sentence."""
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

    def be_quiet_after(self, past: Past, now: Instant) -> None:
        """Count its `restart_delay` from the end of its last run, by hand or not."""
        seen = [one for action, one in past.last.items() if action is not Action.RUN]
        ends = [past.steps.really(one.at, one.position) for one in seen]
        self.quiet_until = min(max(ends), now) + self.task.restart_delay if ends else BEGINNING

    def begin_anew(self, now: Instant) -> None:
        """The clock was set: what was open by its old setting is neither used nor missed."""
        self.verdict = self.chance = self.stretch = None
        if self.lapsed is not None and self.lapsed.paused_until is not None and self.lapsed.paused_until > now:
            self.paused, self.lapsed = self.lapsed, None
