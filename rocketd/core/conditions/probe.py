"""Conditions about what the core cannot know: a file, a unit, a user's function. The shell observes, they ask the past.

    Probe      a condition that holds as was observed last
    wanted     which of a condition's probes can matter now, and until when that is so

The observer reports `Observed`, made by `observed`. What is not observed any longer is unknown.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.condition import All, Any, Condition, walk
from rocketd.core.model.events import Observed
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.model.moment import Moment

OVERDUE: int = 3
"""After so many intervals an observation is not good any longer."""


class Probe(Condition):
    """For or against as was observed last; unknown where that failed, is overdue, or has not happened yet.

    Its normal form is its name: equal probes are observed once, for all tasks.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def interval(self) -> Duration | None:
        """How often it is observed; None: not at intervals, its observer is notified of every change."""

    def judge(self, moment: Moment) -> Verdict:
        seen = None if moment.without_probes else moment.history.observation(str(self))
        if seen is None or seen.value is None or moment.now >= seen.good_until:
            return Verdict(UNKNOWN)
        if moment.now < seen.since:
            return Verdict(UNKNOWN, seen.since)  # asked about a time before it was observed
        return Verdict(FOR if seen.value else AGAINST, seen.good_until, seen.since)


def observed(probe: Probe, value: bool | None, at: Instant, problem: str = "") -> Observed:  # noqa: FBT001 - a value
    """Make the event; `value` None, with a problem, says that it could not be observed."""
    good_until = FOREVER if probe.interval is None else at + OVERDUE * probe.interval
    return Observed(str(probe), value, at, good_until, problem)


def probes_of(condition: Condition) -> frozenset[Probe]:
    """Every probe in the tree."""
    return frozenset(part for part in walk(condition) if isinstance(part, Probe))


class WantedProbes(NamedTuple):
    """Which probes can matter, and until when it is these, if nothing happens."""

    probes: frozenset[Probe] = frozenset()
    until: Instant = FOREVER

    def union(self, other: WantedProbes) -> WantedProbes:
        """Return both together."""
        return WantedProbes(self.probes | other.probes, min(self.until, other.until))


def wanted_probes(condition: Condition, moment: Moment) -> WantedProbes:
    """Of its probes, those that can change its answer: none where the other parts have decided.

    Of several, a later one matters only while those before it leave something to decide, as in Python's `and`, `or`.
    """
    blind = condition.judge(moment._replace(without_probes=True))
    if blind.answer is not UNKNOWN:
        return WantedProbes(until=blind.until)
    if isinstance(condition, Probe):
        return WantedProbes(frozenset({condition}))
    found, inner = WantedProbes(), condition.inner_moment(moment)
    for part in condition.parts:
        found = found.union(wanted_probes(part, inner))
        verdict = part.judge(inner)
        if isinstance(condition, All | Any) and verdict.answer is condition.deciding:
            return found._replace(until=min(found.until, verdict.until))
    return found
