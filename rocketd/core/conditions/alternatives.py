"""A condition as its alternatives: each a list of words that hold, or do not, at the same time.

    (daily | retry(3)) & ~running("b")        daily, ~running("b")
                                              retry(3), ~running("b")

And what is known of an alternative without a clock: some of its words are about the host or other tasks, which decide
them, and some are used up by the start that they cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, product
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.conditions.after import After
from rocketd.core.conditions.host_uptime import BootEventCondition, HostUp
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition
from rocketd.core.conditions.probe import Probe
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.conditions.running import RunningCount, RunningFor
from rocketd.core.conditions.scheduler_conditions import SchedulerCycles, SchedulerRunning
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick
from rocketd.core.model.condition import FALSE, TRUE, All, Any, Condition, Constant, Not
from rocketd.core.model.moment import NO_TICK_GUARDS
from rocketd.core.model.verdict import FOR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Verdict

_MAX_ALTERNATIVES: Final = 64
"""The largest number of alternatives."""
_OF_TASKS: Final = (EventCondition, RecentEventCondition, BootEventCondition, Running, RunningFor, RunningCount)
_USED_UP: Final = (OncePerWindow, Tick, Every, After, Retry)


class Literal(NamedTuple):
    """A word, and whether it must hold or must not."""

    word: Condition
    holds: bool
    guards: tuple[Condition, ...] = ()
    """The clock-only parts beside it where it is written: at a tick they must have held as well."""
    apart: bool = False
    """Whether it is written as an alternative of the words beside it, which none of them asks about its ticks."""

    @property
    def condition(self) -> Condition:
        """As a condition."""
        return self.word if self.holds else Not(self.word)

    def is_state(self, task: str) -> bool:
        """Whether the host or other tasks decide it, and no start of this task changes it."""
        if isinstance(self.word, _OF_TASKS):
            return bool(self.others(task) or self.word.selections())
        return isinstance(self.word, Probe | SchedulerRunning | SchedulerCycles | HostUp)

    def others(self, task: str) -> frozenset[str]:
        """The other tasks that it is about."""
        return self.word.watches() - {"", task}

    @property
    def is_used_up(self) -> bool:
        """Whether the start that it causes ends it."""
        return self.holds and isinstance(self.word, _USED_UP)


Branch = tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class _GuardScope(Condition):
    """A word with the guards that it has where it is written, whatever else is in its alternative.

    In `~(cron("0 3 * * *") | ~time_of_day.after("06:00"))` the tick at 03:00 counts; in the alternative that comes of
    it, `~cron("0 3 * * *") & time_of_day.after("06:00")`, it would not.
    """

    word: Condition
    guards: tuple[Condition, ...]

    @property
    def parts(self) -> tuple[Condition, ...]:
        return (self.word,)

    @property
    def can_tick(self) -> bool:
        """No word beside it is asked about its ticks."""
        return False

    @property
    def is_scheduled(self) -> bool:
        """It is not asked about the ticks of others."""
        return False

    def judge(self, moment: Moment) -> Verdict:
        return self.word.judge(moment._replace(guards=self.guards, tick_guards=NO_TICK_GUARDS, tick_line=None))

    def __str__(self) -> str:
        return str(self.word)


def alternatives_of(condition: Condition) -> Sequence[Branch]:
    """Return its alternatives; none if there are too many."""
    found = _branches(condition, holds=True)
    return found if len(found) <= _MAX_ALTERNATIVES else ()


def _branches(
    condition: Condition, guards: tuple[Condition, ...] = (), *, holds: bool, apart: bool = False
) -> list[Branch]:
    if isinstance(condition, Not):
        return _branches(condition.part, guards, holds=not holds, apart=apart)
    if not isinstance(condition, All | Any):
        return [(Literal(condition, holds, guards, apart),)]
    if isinstance(condition, All):
        guards += condition.guards
    apart = isinstance(condition, Any) and not holds
    parts = [_branches(part, guards, holds=holds, apart=apart) for part in condition.parts]
    if isinstance(condition, Any) is holds:
        return [*chain.from_iterable(parts)][: _MAX_ALTERNATIVES + 1]
    count = 1
    for part in parts:
        count *= len(part)
        if count > _MAX_ALTERNATIVES:
            return [()] * (_MAX_ALTERNATIVES + 1)
    return [tuple(chain.from_iterable(choice)) for choice in product(*parts)]


def remaining_condition(branch: Branch, task: str, comes: Callable[[Literal], bool]) -> Condition:
    """Return what is left of an alternative to the clock and to the task itself, if all else is as it needs it.

    `comes` returns whether the event it awaits, of another task or after a failure, can come.
    """
    left = [_remaining(literal, task, comes) for literal in branch]
    if FALSE in left:
        return FALSE
    hours = {one for one in left if one.clock_only and one != TRUE}
    clock = [_in_place(one, literal, hours) for one, literal in zip(left, branch, strict=True) if one != TRUE]
    return All.of(*clock) if clock else TRUE


def _in_place(left: Condition, literal: Literal, hours: set[Condition]) -> Condition:
    """Return it with the guards that it has where it is written, if those of its alternative are others."""
    if left.clock_only or (not literal.apart and {*literal.guards} - {TRUE} == hours):
        return left
    guarded = _GuardScope(literal.word, literal.guards)
    return guarded if literal.holds else Not(guarded)


def _remaining(literal: Literal, task: str, comes: Callable[[Literal], bool]) -> Condition:
    word = literal.word
    if isinstance(word, Constant):
        return TRUE if (word.answer is FOR) is literal.holds else FALSE
    if isinstance(word, After | Retry) or literal.is_state(task):
        return TRUE if not literal.holds or comes(literal) else FALSE
    return literal.condition
