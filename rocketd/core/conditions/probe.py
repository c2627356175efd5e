"""Conditions about what the core cannot know: a file, a unit, a user's function. They read the last observation.

    Probe              a condition that holds according to its last observation
    relevant_probes    which of a condition's probes can matter now, and until when

The observer reports `Observed`, made by `observed`. A probe that is no longer observed is unknown.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.condition import All, Any, Condition, all_parts
from rocketd.core.model.events import Observed
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.model.moment import Moment

OVERDUE: int = 3
"""After this many intervals an observation is no longer valid."""


class Probe(Condition):
    """For or against, as last observed; unknown if that failed, is overdue, or has not happened yet.

    Its normal form is its name: equal probes are observed once for all tasks.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def interval(self) -> Duration | None:
        """How often it is observed; None: its observer is notified of every change instead."""

    def judge(self, moment: Moment) -> Verdict:
        seen = None if moment.without_probes else moment.history.observation(str(self))
        if seen is None or seen.value is None or moment.now >= seen.good_until:
            return Verdict(UNKNOWN)
        if moment.now < seen.since:
            return Verdict(UNKNOWN, seen.since)  # the moment is before the observation
        return Verdict(FOR if seen.value else AGAINST, seen.good_until, seen.since)


def observed(probe: Probe, value: bool | None, at: Instant, problem: str = "") -> Observed:  # noqa: FBT001 - a value
    """Return the event; `value` None, with a problem: it could not be observed."""
    good_until = FOREVER if probe.interval is None else at + OVERDUE * probe.interval
    return Observed(str(probe), value, at, good_until, problem)


def probes_of(condition: Condition) -> frozenset[Probe]:
    """Every probe in the tree."""
    return frozenset(part for part in all_parts(condition) if isinstance(part, Probe))


class RelevantProbes(NamedTuple):
    """The probes that can matter, and until when these are the ones, unless an event occurs."""

    probes: frozenset[Probe] = frozenset()
    until: Instant = FOREVER

    def union(self, other: RelevantProbes) -> RelevantProbes:
        """Return both together."""
        return RelevantProbes(self.probes | other.probes, min(self.until, other.until))


def relevant_probes(condition: Condition, moment: Moment) -> RelevantProbes:
    """Return those of its probes that can change its answer: none if the other parts have decided.

    A later part matters only while those before it have not decided, as in Python's `and` and `or`.
    """
    blind = condition.judge(moment._replace(without_probes=True))
    if blind.answer is not UNKNOWN:
        return RelevantProbes(until=blind.until)
    if isinstance(condition, Probe):
        return RelevantProbes(frozenset({condition}))
    found, inner = RelevantProbes(), condition.inner_moment(moment)
    for part in condition.parts:
        found = found.union(relevant_probes(part, inner))
        verdict = part.judge(inner)
        if isinstance(condition, All | Any) and verdict.answer is condition.deciding:
            return found._replace(until=min(found.until, verdict.until))
    return found
