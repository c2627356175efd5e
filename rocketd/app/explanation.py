"""Why a task runs or what it waits for, as programs read it: with datetimes, in the task's zone."""

from datetime import datetime, tzinfo
from typing import NamedTuple, Self

from rocketd.core.dataclass import dataclass
from rocketd.core.explain import tree
from rocketd.core.explain import why as core
from rocketd.core.instant import BEGINNING, FOREVER, Instant, datetime_of


class WhyPart(NamedTuple):
    """One part of a condition: its normal form, its verdict, and the reason."""

    condition: str
    holds: bool | None
    """None: unknown."""
    since: datetime | None
    """From when it has held, or not; None: always."""
    until: datetime | None
    """Until when that stays so unless an event occurs; None: only an event can change it."""
    because: str
    parts: "tuple[WhyPart, ...]" = ()


@dataclass(frozen=True, slots=True)
class Why:
    """The state of a task's condition at a moment, and what the task waits for. `str()` draws it."""

    task: str
    """Its name."""
    at: datetime
    holds: bool | None
    """Whether the condition holds; None: unknown."""
    since: datetime | None
    """From when it has held, or not; None: always."""
    until: datetime | None
    """Until when that stays so unless an event occurs; None: only an event can change it."""
    waiting_for: str
    """A sentence."""
    parts: tuple[WhyPart, ...]
    """The parts of the condition; a condition that is one word is its only part."""
    drawn: str

    @classmethod
    def of(cls, why: core.Explanation) -> Self:
        """Convert the core's explanation; instants become datetimes."""
        zone = why.task.zone
        whole = _part(why.tree, zone)
        parts = tuple(_part(part, zone) for part in why.parts)
        at = datetime_of(why.at, zone)
        return cls(why.task.name, at, whole.holds, whole.since, whole.until, why.waiting_for, parts, str(why))

    def __str__(self) -> str:
        return self.drawn


def _part(part: tree.ExplanationPart, zone: tzinfo) -> WhyPart:
    parts = tuple(_part(one, zone) for one in part.parts)
    return WhyPart(
        part.condition,
        part.holds,
        _datetime_or_none(part.since, zone),
        _datetime_or_none(part.until, zone),
        part.because,
        parts,
    )


def _datetime_or_none(instant: Instant, zone: tzinfo) -> datetime | None:
    return datetime_of(instant, zone) if BEGINNING < instant < FOREVER else None
