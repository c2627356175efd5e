"""What conditions that count the scheduler's cycles ask of it: `shut_cond=scheduler_cycles(more_than=3)`.

A cycle is a pass, and with nothing due there is none. So an application makes a pass each tenth of a second, as
Rocketry does all the time, until it has made as many as its conditions ask for.
"""

from collections.abc import Iterable
from typing import Final

from rocketd.core.conditions.scheduler_conditions import SchedulerCycles
from rocketd.core.instant import FOREVER, SECOND, Duration, Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.task import Task

CYCLE: Final[Duration] = SECOND // 10


class CountedCycles:
    """How many cycles the conditions of these tasks ask for."""

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._most = max((_most(each) for task in tasks for each in (task.when, task.stop_when)), default=0)

    def next_pass(self, now: Instant, cycles: int) -> Instant:
        """Return when the next pass has to be, after so many cycles."""
        return now + CYCLE if cycles < self._most else FOREVER


def _most(condition: Condition) -> int:
    """Return after how many cycles the answer of a condition no longer changes with them."""
    if isinstance(condition, SchedulerCycles):
        return max(condition.more + 1, condition.less or 0)
    return max(map(_most, condition.parts), default=0)
