"""When a task is expected to be due next, as far as the clock shows, and what must be observed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import FOREVER
from rocketd.core.model.condition import All, Any, Not, all_parts
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN

if TYPE_CHECKING:
    from rocketd.core.instant import Instant
    from rocketd.core.model.condition import Condition
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Verdict


class NextDue(NamedTuple):
    """What `find_next_due` finds; never both of the texts, which are conditions in their normal form."""

    at: Instant | None = None
    """When it will be due; None: only an event makes it due, or it is too far away."""
    only_if: str = ""
    """It is due then only if this is observed then."""
    at_once_if: str = ""
    """It is due as soon as this is observed, without waiting for `at`."""
    since: Instant | None = None
    """From when it counts as due, if that is known: with a splay, before `at`."""


def find_next_due(condition: Condition, moment: Moment, verdict: Verdict, steps: int) -> NextDue:
    """Look so many verdicts ahead of this one, which the condition has about the moment with every probe unknown.

    `daily.after("10:00")` at 09:00                       at 10:00
    `daily.after("10:00") & load_below(2.0)` at 09:00     at 10:00, only if `load_below(2.0)`
    the same at 10:30                                     at once if `load_below(2.0)`
    """
    sooner = undecided_probes(condition, moment, verdict)
    for _ in range(steps):
        if verdict.until >= FOREVER:
            break
        moment = moment.at(verdict.until)
        verdict = condition.judge(moment)
        if verdict.answer is FOR:
            return NextDue(moment.now, at_once_if=sooner, since=max(verdict.since, moment.task_history.armed))
        if sooner and verdict.answer is AGAINST:
            break  # whether it runs before decides about all that follows
        if not sooner and (provided := undecided_probes(condition, moment, verdict)):
            return NextDue(moment.now, provided)
    return NextDue(at_once_if=sooner)


def undecided_probes(condition: Condition, moment: Moment, verdict: Verdict) -> str:
    """Return the probes that decide, as a condition; empty if something else decides, or is unknown too."""
    if verdict.answer is not UNKNOWN:
        return ""
    left = _undecided(condition, moment)
    words = (part for part in all_parts(left) if not part.parts)
    return str(left) if all(isinstance(word, Probe) for word in words) else ""


def _undecided(condition: Condition, moment: Moment) -> Condition:
    """Return the condition without the parts whose answers are known: they do not decide, as the whole is unknown."""
    if isinstance(condition, Not):
        return ~_undecided(condition.part, condition.inner_moment(moment))
    if not isinstance(condition, All | Any):
        return condition
    inner = condition.inner_moment(moment)
    left = [_undecided(part, inner) for part in condition.parts if part.judge(inner).answer is UNKNOWN]
    return type(condition).of(*left)
