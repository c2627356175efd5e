"""Why a task runs, or what it waits for: its condition part by part, and what else is in the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rocketd.core.explain import reasons_host, reasons_runs, reasons_time
from rocketd.core.explain.pending import describe_pending
from rocketd.core.explain.reasons import explain_verdict, name, spell_splay, when
from rocketd.core.explain.tree import ExplanationPart, draw
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.model.condition import All, Any, Condition
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import On, Overlap, Task
from rocketd.core.model.verdict import FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.history.history import History
    from rocketd.core.scheduler.scheduler import Scheduler
    from rocketd.core.scheduler.task_state import ScheduledTask

TELLERS: Final = (reasons_time, reasons_runs, reasons_host)
"""Who knows what the verdicts of which words rest on."""


OCCASIONS: Final = {
    On.BOOT: "the next boot",
    On.STARTUP: "the next start of the daemon",
    On.SHUTDOWN: "the stop of the daemon",
}
"""When a task runs besides its condition."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a task's condition says about a moment, and what the task waits for. `str()` draws it."""

    task: Task
    at: Instant
    tree: ExplanationPart
    waiting_for: str
    """A sentence."""

    @property
    def holds(self) -> bool | None:
        """Whether the condition holds; None: unknown."""
        return self.tree.holds

    @property
    def since(self) -> Instant:
        """From when it has held, or not; BEGINNING: always."""
        return self.tree.since

    @property
    def until(self) -> Instant:
        """Until when that stays so, if nothing happens; FOREVER: only an event can change it."""
        return self.tree.until

    @property
    def parts(self) -> tuple[ExplanationPart, ...]:
        """What the condition is joined of; a condition that is one word is its own only part."""
        joined = isinstance(self.task.when, All | Any)
        return self.tree.parts if joined else (self.tree,)

    def __str__(self) -> str:
        lines = draw(self.tree, lambda at: datetime_of(at, self.task.zone).isoformat(sep=" ", timespec="seconds"))
        return "\n".join([self.waiting_for, *map(str, lines)])


def explain(condition: Condition, moment: Moment) -> ExplanationPart:
    """Judge a condition part by part. A part whose judging raises is unknown, and says so."""
    inner = condition.inner_moment(moment)
    parts = tuple(explain(part, inner) for part in condition.parts)
    try:
        verdict = condition.judge(moment)
        because = reasons_time.tell_splay(condition, moment, verdict) or explain_verdict(condition, moment, verdict)
    except Exception as error:  # noqa: BLE001 - whatever it raises is what the reader wants to know
        verdict, because = Verdict(UNKNOWN), f"asking it raised {type(error).__name__}: {error}"
    return ExplanationPart(str(condition), verdict.answer.value, verdict.since, verdict.until, because, parts)


def why_then(task: Task, history: History, at: Instant) -> Explanation:
    """Explain a task at an instant of which nothing but the past is known: no slots, no mutexes, no pause."""
    moment = Moment(at, task, history)
    tree = explain(task.when, moment)
    return Explanation(task, at, tree, f"{task.name} {_going(task, moment) or _condition(task, tree, moment)}")


def why(scheduler: Scheduler, task: str, now: Instant, at: Instant | None = None, *, idle: str = "") -> Explanation:
    """Explain a loaded task now, or at a later instant if nothing happens until then. Raises NoSuchTask.

    `idle` says why nothing starts at all, where that is so.
    """
    entry = scheduler.find(task)
    moment = Moment(now if at is None else at, entry.task, scheduler.history)
    if entry.resumes_at <= moment.now:  # it will be armed anew then
        return moment.task_history.as_if_armed(entry.resumes_at, lambda: _told(entry, moment, ""))
    idle = idle or ("the daemon is stopping" if scheduler.draining else "")
    return _told(entry, moment, "" if at is not None else idle, now=at is None)


def _told(entry: ScheduledTask, moment: Moment, idle: str, *, now: bool = False) -> Explanation:
    tree = explain(entry.task.when, moment)
    hindered = (
        _paused(entry, moment) or _going(entry.task, moment) or (_hindered(entry, tree, moment, idle) if now else "")
    )
    waits = hindered or f"{_condition(entry.task, tree, moment)}{_splay(entry, moment) if now else ''}"
    return Explanation(entry.task, moment.now, tree, f"{entry.task.name} {waits}")


def _paused(entry: ScheduledTask, moment: Moment) -> str:
    paused = entry.paused
    if paused is None or (paused.paused_until is not None and paused.paused_until <= moment.now):
        return ""
    until = "until it is resumed" if paused.paused_until is None else f"until {_clock(paused.paused_until, moment)}"
    said = f": {paused.paused_reason}" if paused.paused_reason else ""
    return f"is paused {until}{f' by {paused.paused_by}' if paused.paused_by else ''}{said}"


def _going(task: Task, moment: Moment) -> str:
    """Say which run must end first."""
    going = list(moment.task_history.running.values())
    if not going or task.overlap in (Overlap.ALLOW, Overlap.REPLACE):
        return ""
    begun = moment.task_history.spawned_at.get(going[0].number)
    if begun is None:
        return f"is about to run: {name(going[0])} waits for its record to be written"
    return f"waits for the end of {name(going[0])}, which is running since {_clock(begun, moment)}"


def _hindered(entry: ScheduledTask, tree: ExplanationPart, moment: Moment, idle: str) -> str:
    """Say what keeps a task that is due from starting."""
    if entry.forced:
        waits = f"waits: {entry.blocked_reason}" if entry.blocked_reason else "about to start"
        return f"is due {entry.forced.reason} and {waits}"
    if tree.holds is not FOR.value:
        return (
            f"is due and starts {when(entry.earliest_start, moment)}, after its splay" if _waits(entry, moment) else ""
        )
    if hindrance := idle or entry.blocked_reason:
        due = "" if entry.due is None else f" since {_clock(entry.due, moment)}"
        return f"is due{due} and waits: {hindrance}"
    if entry.earliest_start > moment.now:
        return f"is due and starts {when(entry.earliest_start, moment)}, after {_pause(entry)}"
    return "is due and about to start"


def _waits(entry: ScheduledTask, moment: Moment) -> bool:
    """Whether a splay is all that it waits for."""
    return entry.task.splay > 0 and entry.next_due is not None and entry.next_due <= moment.now < entry.earliest_start


def _splay(entry: ScheduledTask, moment: Moment) -> str:
    """Say when a task starts that is not due yet, if that is later by its splay; else empty."""
    begin, due = entry.next_start, entry.next_due
    if begin is None or due is None or not moment.now < due < begin or not entry.task.splay:
        return ""
    return f"; it starts {when(begin, moment)}, splay {spell_splay(begin - due, entry.task.splay)}"


def _pause(entry: ScheduledTask) -> str:
    return "its restart_delay" if entry.earliest_start == entry.restart_after else "its splay"


def _condition(task: Task, tree: ExplanationPart, moment: Moment) -> str:
    if tree.holds:
        return "would start: its condition holds"
    told, on = describe_pending(task.when, moment), task.on
    if told:
        return f"waits for {told}{f', or for {OCCASIONS[on]}' if on else ''}"
    if on:
        return f"starts at {OCCASIONS[on]}"
    return "never starts by itself: its condition cannot hold"


def _clock(instant: Instant, moment: Moment) -> str:
    return when(instant, moment).removeprefix("at ")
