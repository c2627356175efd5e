"""When a task is expected to be due next, as far as the clock tells, and what must be observed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import FOREVER
from rocketd.core.model.condition import All, Any, Not, walk
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN

if TYPE_CHECKING:
    from rocketd.core.instant import Instant
    from rocketd.core.model.condition import Condition
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Verdict


class Upcoming(NamedTuple):
    """What `upcoming` finds; never both of the texts, which are conditions in their normal form."""

    at: Instant | None = None
    """When it will be due; None: nothing but an event makes it due, or it is too far off."""
    provided: str = ""
    """It is due then only if this is observed then."""
    sooner: str = ""
    """It is due as soon as this is observed, without waiting for `at`."""
    since: Instant | None = None
    """From when it counts as due, if that is known: with a splay, before `at`."""


def upcoming(condition: Condition, moment: Moment, verdict: Verdict, steps: int) -> Upcoming:
    """Look so many verdicts ahead of this one, which the condition has about the moment with every probe unknown."""
    sooner = left_open(condition, moment, verdict)
    for _ in range(steps):
        if verdict.until >= FOREVER:
            break
        moment = moment.at(verdict.until)
        verdict = condition.judge(moment)
        if verdict.answer is FOR:
            return Upcoming(moment.now, sooner=sooner, since=max(verdict.since, moment.past.armed))
        if sooner and verdict.answer is AGAINST:
            break  # whether it runs before decides about all that follows
        if not sooner and (provided := left_open(condition, moment, verdict)):
            return Upcoming(moment.now, provided)
    return Upcoming(sooner=sooner)


def left_open(condition: Condition, moment: Moment, verdict: Verdict) -> str:
    """Spell what is left to what is observed; empty if something else decides, or is unknown as well."""
    if verdict.answer is not UNKNOWN:
        return ""
    left = _undecided(condition, moment)
    words = (part for part in walk(left) if not part.parts)
    return str(left) if all(isinstance(word, Probe) for word in words) else ""


def _undecided(condition: Condition, moment: Moment) -> Condition:
    """Leave out the parts whose answers are known: they do not decide, or the whole would not be unknown."""
    if isinstance(condition, Not):
        return ~_undecided(condition.part, condition.inner(moment))
    if not isinstance(condition, All | Any):
        return condition
    inner = condition.inner(moment)
    left = [_undecided(part, inner) for part in condition.parts if part.judge(inner).answer is UNKNOWN]
    return type(condition).of(*left)
