"""Figures about recorded runs: what a chart shows of them."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.run import Action


@dataclass(frozen=True, slots=True)
class RunsOfStretch:
    """The runs that ended in a stretch of time with one action; of `missed`, the chances that were."""

    begin: Instant
    action: Action
    count: int
    runtime: Duration
    """Of all of them together."""


class RunSpan(NamedTuple):
    """From when to when a run was active, or chances were missed."""

    task: str
    number: int
    """0: it is not a run."""
    begin: Instant
    end: Instant | None
    """None: it has not ended."""
    action: Action


SpanPlace: TypeAlias = tuple[float, int]
"""Where in the log a page of spans begins: after this time, in seconds, and this row."""


class RunSpans(NamedTuple):
    """A page of spans."""

    spans: Sequence[RunSpan]
    next: SpanPlace | None
    """Where the next page begins; None: there is no more."""
