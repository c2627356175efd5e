"""What became of the runs that were open when the daemon went down: decided from what their executor knows of them.

its executor knows that it is active       it goes on, and its end will be reported
its executor knows how it ended            that is its end, as of then
no executor knows it                       `crash`: nobody saw its end, and what is left of it is stopped
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Instant
from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, End, RunKey

Ending: TypeAlias = Finished | Withdrawn


@dataclass(frozen=True, slots=True)
class OpenRuns:
    """The runs that were open, sorted by what becomes of them."""

    active: Sequence[OpenRun]
    ended: Sequence[Ending]
    """Those whose end is known."""
    lost: Sequence[OpenRun]


def sorted_open_runs(runs: Sequence[OpenRun], known: Mapping[RunKey, Ending | None]) -> OpenRuns:
    """Sort the open runs; `known` has those that an executor knows: with their ends, or None while they are active."""
    active = [one for one in runs if one.run.key in known and known[one.run.key] is None]
    ends = [(one, known.get(one.run.key)) for one in runs]
    return OpenRuns(
        active=active,
        ended=[_not_before(one, end) for one, end in ends if end is not None],
        lost=[one for one in runs if one.run.key not in known],
    )


def crash_of(run: OpenRun, down_since: Instant) -> Finished:
    """Return the end of a run that nobody saw; `down_since` is when the daemon was last alive."""
    message = "rocketd or the host went down before its end was known"
    return Finished(run.run, End(Action.CRASH, Cause.DOWN, max(down_since, run.run.start), message=message))


def _not_before(run: OpenRun, ending: Ending) -> Ending:
    """No end is before its start, whatever a clock showed."""
    if isinstance(ending, Withdrawn):
        return replace(ending, run=run.run, at=max(ending.at, run.run.start))
    return Finished(run.run, replace(ending.end, at=max(ending.end.at, run.run.start)))
