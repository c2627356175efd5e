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

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.model.splay import newest_begun
from rocketd.core.model.tick_line import merge_lines
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rocketd.core.model.history_view import HistoryNeed
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import Run
    from rocketd.core.model.tick_line import TickLine


class Condition(ABC):
    """A question about one moment. Immutable; equal to any other that asks the same.

    `str()` gives its normal form: the Python spelling, which reads back as an equal condition.
    """

    __slots__ = ()

    precedence: ClassVar[int] = 3
    """How tightly its normal form binds: 1 `|`, 2 `&`, 3 a word or `~`."""
    has_start_window: ClassVar[bool] = False
    """Whether it is a word with start windows, over which a splay spreads: it holds once the splay is over."""

    @abstractmethod
    def judge(self, moment: Moment) -> Verdict:
        """Answer about this moment. Never raises, never looks at anything but the moment."""

    def holds(self, moment: Moment) -> bool:
        """Whether it holds at that moment."""
        return self.judge(moment).answer is FOR

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions it is made of."""
        return ()

    def inner_moment(self, moment: Moment) -> Moment:
        """Return the moment that its parts are asked about."""
        return moment

    @property
    def clock_only(self) -> bool:
        """Whether its answer rests on the clock alone: no past, no probe."""
        return bool(self.parts) and all(part.clock_only for part in self.parts)

    @property
    def has_tick(self) -> bool:
        """Whether a tick word is part of it."""
        return any(part.has_tick for part in self.parts)

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

    def inner_moment(self, moment: Moment) -> Moment:
        return moment._replace(without_splay=True) if moment.task.splay else moment

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
    """Every part holds. Clock-only parts beside a tick must have held at the tick as well."""

    precedence: ClassVar[int] = 2
    deciding: ClassVar[Answer] = AGAINST
    sign: ClassVar[str] = "&"

    guards: tuple[Condition, ...] = field(init=False, compare=False, repr=False)
    """Its clock-only parts."""
    ticks: bool = field(init=False, compare=False, repr=False)
    """Whether there is a tick beside them."""
    line: Condition | None = field(init=False, compare=False, repr=False)
    """Its part that ticks, if all the others are guards."""

    def __post_init__(self) -> None:
        guards = tuple(part for part in self.parts if part.clock_only)
        others = [part for part in self.parts if not part.clock_only]
        ticks = bool(guards) and self.has_tick
        object.__setattr__(self, "guards", guards)
        object.__setattr__(self, "ticks", ticks)
        object.__setattr__(self, "line", others[0] if ticks and len(others) == 1 else None)

    def inner_moment(self, moment: Moment) -> Moment:
        if moment.tick_line is not None and self.line is None:
            moment = moment._replace(tick_line=None)
        asked = self.ticks or (self.guards and moment.task.splay)
        return moment._replace(guards=moment.guards + self.guards) if asked else moment

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
