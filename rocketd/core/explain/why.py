"""Why a task runs, or what it waits for: its condition part by part, and what else is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass
from rocketd.core.explain import reasons_dates, reasons_host, reasons_runs, reasons_time, reasons_work_days
from rocketd.core.explain.pending import describe_pending
from rocketd.core.explain.reasons import clock, explain_verdict, run_name, splay_share, when
from rocketd.core.explain.tree import ExplanationPart, draw
from rocketd.core.instant import Instant
from rocketd.core.instant_text import timestamp
from rocketd.core.model.condition import All, Any, Condition
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import On, Overlap, Task
from rocketd.core.model.verdict import FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.history.history import History
    from rocketd.core.scheduler.scheduler import Scheduler
    from rocketd.core.scheduler.task_state import ScheduledTask

REASONS: Final = (reasons_time, reasons_dates, reasons_work_days, reasons_runs, reasons_host)
"""The modules whose import registers the sentences of their words."""


OCCASIONS: Final = {
    On.BOOT: "the next boot",
    On.STARTUP: "the next start of rocketd",
    On.SHUTDOWN: "the shutdown of rocketd",
}
"""When a task runs besides its condition."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The state of a task's condition at a moment, and what the task waits for. `str()` draws it."""

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
        """Until when that stays so unless an event occurs; FOREVER: only an event can change it."""
        return self.tree.until

    @property
    def parts(self) -> tuple[ExplanationPart, ...]:
        """The parts of the condition; a condition that is one word is its only part."""
        joined = isinstance(self.task.when, All | Any)
        return self.tree.parts if joined else (self.tree,)

    def __str__(self) -> str:
        lines = draw(self.tree, lambda at: timestamp(at, self.task.zone))
        return "\n".join([self.waiting_for, *map(str, lines)])


def explain(condition: Condition, moment: Moment) -> ExplanationPart:
    """Judge a condition part by part. A part whose judging raises is unknown, and says so."""
    parts = tuple(explain(part, asked) for part, asked in condition.asked_parts(moment))
    try:
        verdict = condition.judge(moment)
        because = reasons_time.explain_splay(condition, moment, verdict) or explain_verdict(condition, moment, verdict)
    except Exception as error:  # noqa: BLE001 - whatever it raises is what the reader wants to know
        verdict, because = Verdict(UNKNOWN), f"evaluating it raised {type(error).__name__}: {error}"
    return ExplanationPart(str(condition), verdict.answer.value, verdict.since, verdict.until, because, parts)


def why_then(task: Task, history: History, at: Instant) -> Explanation:
    """Explain a task at an instant of which only the history is known: no slots, no mutexes, no pause."""
    moment = Moment(at, task, history)
    tree = explain(task.when, moment)
    return Explanation(task, at, tree, f"{task.name} {_active_run(task, moment) or _condition(task, tree, moment)}")


def why(scheduler: Scheduler, task: str, now: Instant, at: Instant | None = None, *, idle: str = "") -> Explanation:
    """Explain a loaded task now, or at a later instant if nothing happens until then. Raises NoSuchTask.

    `idle` says why nothing starts at all, where that is so.
    """
    entry = scheduler.find(task)
    moment = Moment(now if at is None else at, entry.task, scheduler.history)
    if entry.resumes_at <= moment.now:  # it will be armed anew then
        return moment.task_history.as_if_armed(entry.resumes_at, lambda: _explained(entry, moment, ""))
    idle = idle or ("rocketd is shutting down" if scheduler.draining else "")
    return _explained(entry, moment, "" if at is not None else idle, now=at is None)


def _explained(entry: ScheduledTask, moment: Moment, idle: str, *, now: bool = False) -> Explanation:
    tree = explain(entry.task.when, moment)
    blocked = (
        _stands_by(entry, now=now)
        or _paused(entry, moment)
        or _active_run(entry.task, moment)
        or (_blocked(entry, tree, moment, idle) if now else "")
    )
    waits = blocked or f"{_condition(entry.task, tree, moment)}{_splay(entry, moment) if now else ''}"
    return Explanation(entry.task, moment.now, tree, f"{entry.task.name} {waits}")


def _stands_by(entry: ScheduledTask, *, now: bool) -> str:
    return f"stands by on this host: {entry.standby}" if now and entry.standby else ""


def _paused(entry: ScheduledTask, moment: Moment) -> str:
    paused = entry.paused
    if paused is None or (paused.paused_until is not None and paused.paused_until <= moment.now):
        return ""
    by = f" by {paused.paused_by}" if paused.paused_by else ""
    until = "until someone resumes it" if paused.paused_until is None else f"until {clock(paused.paused_until, moment)}"
    reason = f": {paused.paused_reason}" if paused.paused_reason else ""
    return f"is paused{by} {until}{reason}"


def _active_run(task: Task, moment: Moment) -> str:
    """Return which run must end first."""
    active = list(moment.task_history.running.values())
    if not active or task.overlap in (Overlap.ALLOW, Overlap.REPLACE):
        return ""
    started = moment.task_history.spawned_at.get(active[0].number)
    if started is None:
        return f"is about to run: {run_name(active[0])} is waiting for its record to be written"
    return f"is waiting for {run_name(active[0])} to finish (running since {clock(started, moment)})"


def _blocked(entry: ScheduledTask, tree: ExplanationPart, moment: Moment, idle: str) -> str:
    """Return what keeps a task that is due from starting; empty: it is not due."""
    if entry.forced:
        state = f"but cannot start: {entry.blocked_reason}" if entry.blocked_reason else "and about to start"
        return f"is due ({entry.forced.reason}) {state}"
    if tree.holds is not FOR.value:
        return (
            f"is due; it starts {when(entry.earliest_start, moment)} (splay)" if _waits_for_splay(entry, moment) else ""
        )
    if reason := idle or entry.blocked_reason:
        due = "is due" if entry.due is None else f"has been due since {clock(entry.due, moment)}"
        return f"{due} but cannot start: {reason}"
    if entry.earliest_start > moment.now:
        return f"is due; it starts {when(entry.earliest_start, moment)} ({_delay(entry)})"
    return "is due and about to start"


def _waits_for_splay(entry: ScheduledTask, moment: Moment) -> bool:
    """Whether a splay is all that the task waits for."""
    return entry.task.splay > 0 and entry.next_due is not None and entry.next_due <= moment.now < entry.earliest_start


def _splay(entry: ScheduledTask, moment: Moment) -> str:
    """Return when a task starts that is not due yet, if its splay delays that; else empty."""
    begin, due = entry.next_start, entry.next_due
    if begin is None or due is None or not moment.now < due < begin or not entry.task.splay:
        return ""
    return f"; it starts {when(begin, moment)} (splay: {splay_share(begin - due, entry.task.splay)})"


def _delay(entry: ScheduledTask) -> str:
    return "restart_delay" if entry.earliest_start == entry.restart_after else "splay"


def _condition(task: Task, tree: ExplanationPart, moment: Moment) -> str:
    if tree.holds:
        return "would start: its condition is true"
    pending, on = describe_pending(task.when, moment), task.on
    if pending:
        return f"is waiting for {pending}{f', or for {OCCASIONS[on]}' if on else ''}"
    if on:
        return f"starts at {OCCASIONS[on]}"
    return "never starts on its own: its condition can never be true"
