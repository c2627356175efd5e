"""A condition that is masked: its task starts only when it is asked for, for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.dataclass import dataclass
from rocketd.core.model.condition import Condition
from rocketd.core.model.verdict import AGAINST, Verdict

if TYPE_CHECKING:
    from rocketd.core.model.history_view import HistoryNeed
    from rocketd.core.model.moment import Moment


@dataclass(frozen=True, slots=True)
class MaskedCondition(Condition):
    """Never holds, but counts as the condition in whose place it stands: the task stays armed, and its past is kept."""

    condition: Condition

    @property
    def clock_only(self) -> bool:
        return True

    @property
    def is_scheduled(self) -> bool:
        return True

    def judge(self, moment: Moment) -> Verdict:  # noqa: ARG002 - the same about every moment
        return Verdict(AGAINST)

    def needs(self) -> frozenset[HistoryNeed]:
        return self.condition.needs()

    def __str__(self) -> str:
        return str(self.condition)


def unmasked(condition: Condition) -> Condition:
    """Return the condition that may be masked."""
    return condition.condition if isinstance(condition, MaskedCondition) else condition
