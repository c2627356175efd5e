"""A condition as its alternatives: each a list of words that hold, or do not, at the same time.

    (daily | retry(3)) & ~running("b")        daily, ~running("b")
                                              retry(3), ~running("b")

And what is known of an alternative without a clock: some of its words are about the host or other tasks, which decide
them, and some are used up by the start that they cause.
"""

from __future__ import annotations

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
from rocketd.core.dataclass import dataclass
from rocketd.core.model.condition import FALSE, TRUE, All, Any, Condition, Constant, Not
from rocketd.core.model.moment import NO_TICK_GUARDS
from rocketd.core.model.verdict import AGAINST, FOR, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rocketd.core.model.moment import CalendarSpan, Moment, TickGuards
    from rocketd.core.model.verdict import Answer

_MAX_ALTERNATIVES: Final = 64
"""The largest number of alternatives."""
_OF_TASKS: Final = (EventCondition, RecentEventCondition, BootEventCondition, Running, RunningFor, RunningCount)
_USED_UP: Final = (OncePerWindow, Tick, Every, After, Retry)


class TickScope(NamedTuple):
    """What decides about a tick, by the groups joined by `&` around it that have ticks."""

    hours: tuple[Condition, ...] = ()
    guards: TickGuards = NO_TICK_GUARDS

    def within(self, group: Condition) -> TickScope:
        """Return that of what is a part of the group."""
        ticking = group.tick_group if isinstance(group, All) else None
        if ticking is None:
            return self
        return TickScope(self.hours + ticking.hours, self.guards.joined(ticking.guards))


class Literal(NamedTuple):
    """A word, and whether it must hold or must not."""

    word: Condition
    holds: bool
    scope: TickScope
    """What decides about its ticks where it is written."""

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
class _TickWord(Condition):
    """A tick word with what decides about its ticks where it is written, whatever else is in its alternative.

    In `~(cron("0 3 * * *") | ~time_of_day.after("06:00"))` the tick at 03:00 counts; in the alternative that comes of
    it, `~cron("0 3 * * *") & time_of_day.after("06:00")`, it would not.
    """

    word: Tick
    scope: TickScope

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
        hours, guards = self.scope
        return self.word.judge(moment._replace(guards=hours, tick_guards=guards, tick_line=None))

    def __str__(self) -> str:
        return str(self.word)


@dataclass(frozen=True, slots=True)
class _FixedAnswer(Condition):
    """What is assumed of a word that the host or another task decides; it stays what it is to a tick beside it."""

    answer: Answer
    calendar_spans: tuple[CalendarSpan, ...] = ()  # a field where the base has a property

    @property
    def opposite(self) -> _FixedAnswer:
        return _FixedAnswer(AGAINST if self.answer is FOR else FOR, self.calendar_spans)

    def judge(self, moment: Moment) -> Verdict:  # noqa: ARG002 - the same about every moment
        return Verdict(self.answer)

    def __str__(self) -> str:
        return str(Constant(self.answer))


def alternatives_of(condition: Condition) -> Sequence[Branch]:
    """Return its alternatives; none if there are too many."""
    found = _branches(condition, holds=True)
    return found if len(found) <= _MAX_ALTERNATIVES else ()


def _branches(condition: Condition, scope: TickScope = TickScope(), *, holds: bool) -> list[Branch]:  # noqa: B008 - immutable
    if isinstance(condition, Not):
        return _branches(condition.part, scope, holds=not holds)
    if not isinstance(condition, All | Any):
        return [(Literal(condition, holds, scope),)]
    inner = scope.within(condition)
    parts = [_branches(part, inner, holds=holds) for part in condition.parts]
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
    words = [one for one in left if one != TRUE]
    return All.of(*words) if words else TRUE


def _remaining(literal: Literal, task: str, comes: Callable[[Literal], bool]) -> Condition:
    word = literal.word
    if isinstance(word, Constant):
        return TRUE if (word.answer is FOR) is literal.holds else FALSE
    if _is_decided_by_others(literal, task):
        return TRUE if not literal.holds or comes(literal) else FALSE
    if isinstance(word, Tick) and not literal.holds:
        return Not(_TickWord(word, literal.scope))
    return literal.condition


def _is_decided_by_others(literal: Literal, task: str) -> bool:
    return isinstance(literal.word, After | Retry) or literal.is_state(task)


def as_needed(condition: Condition, branch: Branch, task: str, comes: Callable[[Literal], bool]) -> Condition:
    """Return the condition as it is written, with all that the clock and the task do not decide as `branch` needs it.

    `comes` is that of `remaining_condition`. FALSE: it cannot be so.

        (daily | after_success("x")) & ~running("b")        for the alternative of daily: daily | false
    """
    needed: dict[Condition, bool] = {}
    for literal in branch:
        if _is_decided_by_others(literal, task) and (
            needed.setdefault(literal.word, literal.holds) is not literal.holds
            or (literal.holds and not comes(literal))
        ):
            return FALSE
    return _without_needed(_assumed(condition, needed, task))


def _assumed(condition: Condition, needed: Mapping[Condition, bool], task: str) -> Condition:
    if isinstance(condition, Not):
        part = _assumed(condition.part, needed, task)
        return part.opposite if isinstance(part, _FixedAnswer) else Not(part)
    if isinstance(condition, All | Any):
        return type(condition)(tuple(_assumed(part, needed, task) for part in condition.parts))
    if not _is_decided_by_others(Literal(condition, True, TickScope()), task):  # noqa: FBT003 - it holds
        return condition
    return _FixedAnswer(FOR if needed.get(condition, False) else AGAINST, condition.calendar_spans)


def _without_needed(condition: Condition) -> Condition:
    """Return it without the parts of the outermost group that are as it needs them, and end no tick."""
    if not isinstance(condition, All | Any):
        return condition
    neutral = FOR if isinstance(condition, All) else AGAINST
    left = tuple(part for part in condition.parts if part != _FixedAnswer(neutral))
    if len(left) > 1:
        return type(condition)(left)
    return left[0] if left else Constant(neutral)
