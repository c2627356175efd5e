"""How long the scheduler has been running, and how many passes it has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration, parse_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER, Duration
from rocketd.core.model.condition import Condition
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.model.moment import Moment

_MOST: Final = 10**9


@dataclass(frozen=True, slots=True)
class SchedulerRunning(Condition):
    """For while the scheduler has been running for `more` at least, and for less than `less`."""

    more: Duration = 0
    less: Duration | None = None
    """None: however long."""

    def __call__(self, more_than: str = "0s", less_than: str = "") -> SchedulerRunning:
        """Narrow it; raises ConditionError."""
        more, less = parse_length(more_than), parse_length(less_than) if less_than else None
        if less is not None and less <= more:
            about, hint = less_than, "less_than is the longer one of the two"
            raise ConditionError(f"it can never be less than {less_than}", hint=hint, end=len(about), about=about)
        return SchedulerRunning(more, less)

    def judge(self, moment: Moment) -> Verdict:
        began, now = moment.history.first_pass_at, moment.now
        if began is None:
            return Verdict(UNKNOWN)
        start = began + self.more
        end = FOREVER if self.less is None else began + self.less
        if now < start:
            return Verdict(AGAINST, start)
        return Verdict(FOR, end, start) if now < end else Verdict(AGAINST, FOREVER, end)

    def __str__(self) -> str:
        more = f'more_than="{format_duration(self.more)}"' if self.more else ""
        less = f'less_than="{format_duration(self.less)}"' if self.less is not None else ""
        given = ", ".join(filter(None, (more, less)))
        return f"scheduler_running({given})" if given else "scheduler_running"


@dataclass(frozen=True, slots=True)
class SchedulerCycles(Condition):
    """For while the scheduler has made more passes than `more`, and fewer than `less`.

    It is judged in each pass, and causes none: it becomes true in a pass that happens for another reason.
    """

    more: int = -1
    less: int | None = None
    """None: however many."""

    def __call__(self, more_than: int = -1, less_than: int | None = None) -> SchedulerCycles:
        """Narrow it; raises ConditionError."""
        for number in (more_than, less_than):
            if number is not None and not -1 <= number <= _MOST:
                raise ConditionError("a number of passes is 0 or more", about=number)
        if less_than is not None and less_than <= more_than + 1:
            raise ConditionError(f"no number of passes is below {less_than}", about=less_than)
        return SchedulerCycles(more_than, less_than)

    def judge(self, moment: Moment) -> Verdict:
        if moment.history.first_pass_at is None:
            return Verdict(UNKNOWN)
        cycles = moment.history.cycles
        holds = self.more < cycles and (self.less is None or cycles < self.less)
        return Verdict(FOR if holds else AGAINST, FOREVER, BEGINNING)

    @property
    def changes_each_pass(self) -> bool:
        return True

    def __str__(self) -> str:
        more = f"more_than={self.more}" if self.more >= 0 else ""
        less = f"less_than={self.less}" if self.less is not None else ""
        given = ", ".join(filter(None, (more, less)))
        return f"scheduler_cycles({given})" if given else "scheduler_cycles"
