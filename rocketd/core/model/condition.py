"""A condition answers about one moment: for, against or unknown, until when that stays so, and since when it has.

Combining answers needs no polling. A verdict whose `until` has passed means only "ask again":

    All   some part against      against     since and end of the one among them that has been so longest
          else some unknown      unknown     the earliest end of all parts
          every part for         for         the earliest end; since: the latest among the parts
    Any   the dual               for/unknown/against
    Not                          the opposite; unknown stays; the same end and since

So a verdict is good as a whole until then, its `since` as well: when it is asked makes no difference to a run's due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.model.condition_parts import ConditionParts
from rocketd.core.model.splay import newest_begun
from rocketd.core.model.tick_group import TickGroup
from rocketd.core.model.tick_line import merge_lines
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rocketd.core.model.history_view import HistoryNeed
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import Run
    from rocketd.core.model.tick_line import TickLine


class Condition(ConditionParts):
    """A question about one moment. Immutable; equal to any other that asks the same.

    `str()` gives its normal form: the Python spelling, which reads back as an equal condition.
    """

    __slots__ = ()

    precedence: ClassVar[int] = 3
    """How tightly its normal form binds: 1 `|`, 2 `&`, 3 a word or `~`."""
    has_start_window: ClassVar[bool] = False
    """Whether it is a word with start windows, over which a splay spreads: it holds once the splay is over."""

    @property
    def parts(self) -> tuple[Condition, ...]:
        return ()

    def holds(self, moment: Moment) -> bool:
        """Whether it holds at that moment."""
        return self.judge(moment).answer is FOR

    def inner_moment(self, moment: Moment) -> Moment:
        """Return the moment that its parts are asked about."""
        return moment

    def asked_parts(self, moment: Moment) -> Iterator[tuple[Condition, Moment]]:
        """Return its parts, each with the moment that it is asked about."""
        inner = self.inner_moment(moment)
        return ((part, inner) for part in self.parts)

    def tick_line(self, moment: Moment) -> TickLine | None:  # noqa: ARG002 - what some kinds look at
        """Return the ticks around now, if it is one line of ticks, perhaps joined with clock-only parts."""
        return None

    @property
    def changes_each_pass(self) -> bool:
        """Whether each pass of the scheduler can change its answer; it is asked in passes that happen anyway."""
        return any(part.changes_each_pass for part in self.parts)

    def watches(self) -> frozenset[str]:
        """Names of the tasks whose events can change its answer; the empty name is the task itself."""
        return frozenset().union(*(part.watches() for part in self.parts))

    def needs(self) -> frozenset[HistoryNeed]:
        """Which instants of the past must be kept for it, beyond the newest of each action."""
        return frozenset().union(*(part.needs() for part in self.parts))

    def causing_run(self, moment: Moment) -> Run | None:
        """Return another task's run whose start or end makes this hold, if any. Asked when the answer is for."""
        for part in self.parts:
            if part.judge(moment).answer is FOR and (run := part.causing_run(moment)) is not None:
                return run
        return None

    def __and__(self, other: Condition) -> Condition:
        return All.of(self, other) if isinstance(other, Condition) else NotImplemented

    def __or__(self, other: Condition) -> Condition:
        return Any.of(self, other) if isinstance(other, Condition) else NotImplemented

    def __invert__(self) -> Condition:
        return self.part if isinstance(self, Not) else Not(self)

    def __bool__(self) -> bool:
        msg = "a condition is neither true nor false: only its verdict about a moment is"
        raise ConditionError(msg, hint="join conditions with & | ~ instead of and, or, not")


def all_parts(condition: Condition) -> Iterator[Condition]:
    """Yield the condition and every part below it, the condition itself first."""
    yield condition
    for part in condition.parts:
        yield from all_parts(part)


@dataclass(frozen=True, slots=True)
class Constant(Condition):
    """Always or never."""

    answer: Answer

    def judge(self, moment: Moment) -> Verdict:  # noqa: ARG002 - the same about every moment
        return Verdict(self.answer)

    @property
    def clock_only(self) -> bool:
        return True

    @property
    def is_scheduled(self) -> bool:
        return True

    def __str__(self) -> str:
        return "true" if self.answer is FOR else "false"


TRUE: Final = Constant(FOR)
FALSE: Final = Constant(AGAINST)


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The opposite; unknown stays unknown."""

    part: Condition

    @property
    def parts(self) -> tuple[Condition, ...]:
        return (self.part,)

    @property
    def can_tick(self) -> bool:
        return False

    @property
    def always_ticks(self) -> bool:
        return False

    def inner_moment(self, moment: Moment) -> Moment:
        return moment.negated(by_tick=bool(self.part.has_tick or moment.task.splay))

    def judge(self, moment: Moment) -> Verdict:
        answer, until, since = self.part.judge(self.inner_moment(moment))
        return Verdict(_OPPOSITE[answer], until, since)

    def __str__(self) -> str:
        return f"~{_parenthesized(self.part, 3)}"


_OPPOSITE: Final = {FOR: AGAINST, AGAINST: FOR, UNKNOWN: UNKNOWN}


@dataclass(frozen=True, slots=True)
class _Group(Condition):
    parts: tuple[Condition, ...]  # a field where the base has a property

    deciding: ClassVar[Answer]
    """The answer of one part that decides the whole."""
    sign: ClassVar[str]

    @classmethod
    def of(cls, *conditions: Condition) -> Condition:
        """Join conditions; groups of the same kind flatten, one alone is itself."""
        flat: list[Condition] = []
        for condition in conditions:
            flat.extend(condition.parts if isinstance(condition, cls) else (condition,))
        return flat[0] if len(flat) == 1 else cls(tuple(flat))

    def join(self, verdicts: Iterable[Verdict]) -> Verdict:
        """Join the parts' verdicts: see the table above."""
        deciding = self.deciding
        joined = _OPPOSITE[deciding]
        until, since = FOREVER, BEGINNING
        decided_until, decided_since = BEGINNING, FOREVER
        for answer, end, begin in verdicts:
            if answer is deciding:
                if begin < decided_since or (begin == decided_since and end > decided_until):
                    decided_until, decided_since = end, begin
            elif answer is UNKNOWN:
                joined = UNKNOWN
            until = min(until, end)
            since = max(since, begin)
        if decided_until != BEGINNING:
            return Verdict(deciding, decided_until, decided_since)
        return Verdict(joined, until, since)

    def judge(self, moment: Moment) -> Verdict:
        inner = self.inner_moment(moment)
        return self.join([part.judge(inner) for part in self.parts])

    def __str__(self) -> str:
        return f" {self.sign} ".join(_parenthesized(part, self.precedence + 1) for part in self.parts)


@dataclass(frozen=True, slots=True)
class All(_Group):
    """Every part holds. What is scheduled beside a tick is asked about the tick instead of now (tick_guards.py)."""

    precedence: ClassVar[int] = 2
    deciding: ClassVar[Answer] = AGAINST
    sign: ClassVar[str] = "&"

    guards: tuple[Condition, ...] = field(init=False, compare=False, repr=False)
    """Its clock-only parts."""
    tick_group: TickGroup[Condition] | None = field(init=False, compare=False, repr=False)
    """Its parts by what they are to a tick among them; None: there is no tick."""
    line: Condition | None = field(init=False, compare=False, repr=False)
    """Its part that ticks, if all the others are asked about the tick as well."""
    alternatives: Condition | None = field(init=False, compare=False, repr=False)
    """The same, written as alternatives of which each ticks always or never; None: it is as it should be."""
    days_on_wall: bool = field(init=False, compare=False, repr=False)
    """Whether it measures an interval of whole days on the wall, as a part beside it goes by the wall."""

    def __post_init__(self) -> None:
        group = TickGroup.of(self.parts)
        guards = tuple(part for part in self.parts if part.clock_only)
        by_wall = sum(part.goes_by_wall for part in self.parts)
        days = any(part.has_whole_days and by_wall > part.goes_by_wall for part in self.parts)
        line = group.states[0] if group is not None and len(group.states) == 1 < len(self.parts) else None
        for name, value in (("guards", guards), ("tick_group", group), ("line", line), ("days_on_wall", days)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "alternatives", self._as_alternatives(None if group is None else group.mixed))

    def _as_alternatives(self, mixed: Condition | None) -> Condition | None:
        rest = tuple(part for part in self.parts if part is not mixed)
        return None if mixed is None else Any.of(*(All.of(one, *rest) for one in mixed.parts))

    def inner_moment(self, moment: Moment) -> Moment:
        if self.days_on_wall and not moment.days_on_wall:
            moment = moment._replace(days_on_wall=True)
        if moment.tick_line is not None and self.line is None:
            moment = moment._replace(tick_line=None)
        if self.tick_group is not None:
            return self.tick_group.inner_moment(moment)
        return moment._replace(guards=moment.guards + self.guards) if self.guards and moment.task.splay else moment

    def judge(self, moment: Moment) -> Verdict:
        group = self.tick_group
        if group is None:
            return _Group.judge(self, moment)
        if self.alternatives is not None:
            by_wall = self.days_on_wall or moment.days_on_wall
            return self.alternatives.judge(moment._replace(days_on_wall=by_wall, tick_line=None))
        return self.join(group.verdicts(self.inner_moment(moment)))

    def asked_parts(self, moment: Moment) -> Iterator[tuple[Condition, Moment]]:
        inner, group = self.inner_moment(moment), self.tick_group
        about = inner if group is None else group.moment_of_scheduled(inner)
        return ((part, about if part.is_scheduled else inner) for part in self.parts)

    def tick_line(self, moment: Moment) -> TickLine | None:
        return None if self.line is None else self.line.tick_line(self.inner_moment(moment))


@dataclass(frozen=True, slots=True)
class Any(_Group):
    """At least one part holds. Several lines of ticks among them act as one: the newest of all their ticks counts."""

    precedence: ClassVar[int] = 1
    deciding: ClassVar[Answer] = FOR
    sign: ClassVar[str] = "|"

    lines: tuple[Condition, ...] = field(init=False, compare=False, repr=False)
    """Its parts that tick, if there are several."""

    @property
    def always_ticks(self) -> bool:
        return all(part.always_ticks for part in self.parts)

    def __post_init__(self) -> None:
        ticking = tuple(part for part in self.parts if part.has_tick)
        object.__setattr__(self, "lines", ticking if len(ticking) > 1 else ())

    def inner_moment(self, moment: Moment) -> Moment:
        ticks = (
            newest_begun(lambda then: merge_lines(line.tick_line(then) for line in self.lines), moment)
            if self.lines
            else None
        )
        return moment if ticks is None else moment._replace(tick_line=ticks.merged_with(moment.tick_line))


def _parenthesized(condition: Condition, least: int) -> str:
    return str(condition) if condition.precedence >= least else f"({condition})"
