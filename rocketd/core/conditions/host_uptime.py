"""How long the host has been up, and what has happened since it booted."""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from typing import TYPE_CHECKING, Final, Self

from rocketd.core.conditions.comparison import AT_LEAST_ONE, Count, CountableCondition
from rocketd.core.conditions.task_names import selected, watched
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration, parse_positive_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import DAY, FOREVER, Duration
from rocketd.core.model.condition import Condition
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.string_literals import quoted

if TYPE_CHECKING:
    from rocketd.core.conditions.event_kinds import What
    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import Action

_COUNTED: Final[Duration] = 400 * DAY
"""How far back runs of this boot are counted."""


@dataclass(frozen=True, slots=True)
class HostUp(Condition):
    """For while the host has been up for `more` at least, and for less than `less`; suspends count."""

    more: Duration = 0
    less: Duration | None = None
    """None: however long."""

    @classmethod
    def of(cls, more_than: str = "", less_than: str = "") -> HostUp:
        """Read the arguments of the word; raises ConditionError."""
        if not more_than and not less_than:
            raise ConditionError("host_up needs more_than or less_than", hint='write host_up(less_than="10 min")')
        more = parse_positive_length(more_than) if more_than else 0
        less = parse_positive_length(less_than) if less_than else None
        if less is not None and less <= more:
            message, hint = f"it can never be less than {less_than}", "less_than is the longer one of the two"
            raise ConditionError(message, hint=hint, end=len(less_than), about=less_than)
        return cls(more, less)

    def judge(self, moment: Moment) -> Verdict:
        booted = moment.history.booted_at
        if booted is None:
            return Verdict(UNKNOWN)
        start, end = booted + self.more, FOREVER if self.less is None else booted + self.less
        if moment.now < start:
            return Verdict(AGAINST, start)
        return Verdict(FOR, end, start) if moment.now < end else Verdict(AGAINST, FOREVER, end)

    def __str__(self) -> str:
        more = f'more_than="{format_duration(self.more)}"' if self.more else ""
        less = f'less_than="{format_duration(self.less)}"' if self.less is not None else ""
        return f"host_up({', '.join(filter(None, (more, less)))})"


@dataclass(frozen=True, slots=True, eq=False)
class BootEventCondition(CountableCondition, Condition):
    """For when there was such an event, or as many as asked, since the host booted."""

    what: What
    actions: tuple[Action, ...]
    task: str = ""
    count: Count = AT_LEAST_ONE

    def counted(self, count: Count) -> Self:
        return replace(self, count=count)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.what, self.task, self.count)

    def judge(self, moment: Moment) -> Verdict:
        booted = moment.history.booted_at
        if booted is None or (self.task and not moment.history.knows(self.task)):
            return Verdict(UNKNOWN)
        instants = self.instants(moment)
        holds, made = self.count.holds(len(instants)), len(instants)
        while made and self.count.holds(made - 1) is holds:
            made -= 1
        return Verdict(FOR if holds else AGAINST, FOREVER, instants[made - 1] if made else booted)

    def instants(self, moment: Moment) -> list[Instant]:
        """Return when that happened in this boot."""
        booted = moment.history.booted_at or 0
        history = moment.history.selections.past_of(self.task, moment.task.name)
        return list(merge(*(history.instants_between(action, booted, moment.now + 1) for action in self.actions)))

    def watches(self) -> frozenset[str]:
        return watched(self.task)

    def selections(self) -> frozenset[tuple[str, ...]]:
        return selected(self.task)

    def needs(self) -> frozenset[HistoryNeed]:
        if self.count == AT_LEAST_ONE:
            return frozenset()
        return frozenset(HistoryNeed(self.task, action, _COUNTED) for action in self.actions)

    def __str__(self) -> str:
        word = f"{self.what}({quoted(self.task)})" if self.task else self.what
        return self.count.spell(f"{word}.this_boot")
