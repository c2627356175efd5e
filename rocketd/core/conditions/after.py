"""Words about the ends of other tasks: `after_success` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from rocketd.core.conditions.time_conditions import ENDS, OWN
from rocketd.core.dataclass import dataclass, field
from rocketd.core.duration import format_duration, parse_length, parse_positive_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import FOREVER, MICROSECOND, Duration
from rocketd.core.model.condition import All, Any, Condition, all_parts
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.logged_events import BEFORE_ALL, Occurrence
from rocketd.core.model.run import Action
from rocketd.core.model.splay import StartWindow, splayed
from rocketd.core.model.task_patterns import check_patterns, is_pattern, refuse_pattern
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.string_literals import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.core.instant import Instant
    from rocketd.core.model.logged_events import LoggedEvent, MissedReport
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import Run
    from rocketd.core.model.task_history import TaskHistory

FAILS: Final = (Action.FAIL, Action.TERMINATE, Action.CRASH)
"""What `after_fail` waits for."""

Outcome: TypeAlias = Literal["success", "fail", "finish", "missed"]
Many: TypeAlias = Literal["", "all", "any"]

_ENDS: Final[dict[Outcome, tuple[Action, ...]]] = {
    "success": ENDS["success"],
    "fail": FAILS,
    "finish": ENDS["finish"],
    "missed": (),
}
_ALL: Final = All(())
_ANY: Final = Any(())


@dataclass(frozen=True, slots=True)
class After(Condition):
    """For when other tasks have ended so since this task's last scheduled start, and since it was armed.

    Or, with the outcome `missed`, when an interval of misses was reported first; one that grows is no new event.
    """

    outcome: Outcome
    tasks: tuple[str, ...]
    many: Many = ""
    delay: Duration = 0
    """How long after the end it begins to hold."""
    within: Duration | None = None
    """How long it holds from then on; None: until it is used."""

    has_start_window: ClassVar[bool] = True
    has_patterns: bool = field(init=False, compare=False, repr=False)
    """Whether some of the names stand for any number of tasks."""

    def __post_init__(self) -> None:
        for task in self.tasks:
            if not task:
                raise ConditionError("the name of a task is missing", about=task)
        if not self.tasks:
            raise ConditionError(f"after_{self.many}_{self.outcome} needs the name of a task")
        check_patterns(self.tasks)
        if not self.many:
            refuse_pattern(self.tasks, f"write after_any_{self.outcome} or after_all_{self.outcome}")
        object.__setattr__(self, "has_patterns", any(map(is_pattern, self.tasks)))

    @classmethod
    def of(
        cls, outcome: Outcome, tasks: tuple[str, ...], many: Many, *, delay: str | None, within: str | None
    ) -> After:
        """Read the arguments of the word; raises ConditionError."""
        later = 0 if delay is None else parse_length(delay)
        return cls(outcome, tasks, many, later, None if within is None else parse_positive_length(within))

    def judge(self, moment: Moment) -> Verdict:
        names = self.candidates(moment) if self.has_patterns else self.tasks
        if not names and self.has_patterns:
            return Verdict(AGAINST)
        return (_ANY if self.many == "any" else _ALL).join([self._judge_one(name, moment) for name in names])

    def matched(self, moment: Moment) -> list[str]:
        """Return the tasks that it is about now: never this one, nor by a pattern one that it would start in turn."""
        cycles, own = moment.history.selections.cycles, moment.task.name
        number = cycles.get(own)
        members = moment.history.selections.get(self.tasks).members
        return [
            name
            for name, since in members.items()
            if since is BEFORE_ALL or (name != own and (number is None or cycles.get(name) != number))
        ]

    def candidates(self, moment: Moment) -> list[str]:
        """Return of those the ones that decide: of any, those with an end that is not used up."""
        if self.many == "all":
            return self.matched(moment)
        selections, own = moment.history.selections, moment.task.name
        selection, number = selections.get(self.tasks), selections.cycles.get(own)
        used = moment.task_history.scheduled_position
        found = [name for name in self.tasks if not is_pattern(name)]
        for position, name in selection.newest(self.outcome, self._newest_of):
            if position <= used:
                break
            if name not in found and name != own and (number is None or selections.cycles.get(name) != number):
                found.append(name)
        return found

    def _judge_one(self, name: str, moment: Moment) -> Verdict:
        if not moment.history.knows(name):
            return Verdict(UNKNOWN)
        end = self.newest_event(name, moment)
        if end is None:
            return Verdict(AGAINST)
        ended = moment.history.steps.wall_instant(end.at, end.position)
        begin, finish = self.span_after(ended)
        if not begin <= moment.now < finish:
            return Verdict(AGAINST, begin, ended) if moment.now < begin else Verdict(AGAINST, FOREVER, finish)
        if splayed(moment):
            first = begin if self.delay or self.within else self._first_unused_end(name, ended, moment)
            start_window = StartWindow(first, finish).within_hours(moment)
            splay_end = start_window.start(
                moment,
                lambda then: self._judge_one(name, then).answer is FOR,
                lambda: start_window.missed_in_hours(moment, first),
            )
            if moment.now < splay_end.start:
                return Verdict(AGAINST, splay_end.start, first)
        return Verdict(FOR, finish, begin)

    def span_after(self, ended: Instant) -> tuple[Instant, Instant]:
        """Return from when to when it holds for an end at that instant."""
        begin = ended + self.delay
        return begin, FOREVER if self.within is None else begin + self.within

    def _first_unused_end(self, name: str, newest: Instant, moment: Moment) -> Instant:
        """Return the first such end that is not used up, as far as needed: later ends do not restart the wait."""
        if self.outcome == "missed":
            return newest
        other, own, begun = moment.history.of(name), moment.task_history, moment.task_history.armed
        if own.last_scheduled is not None:
            begun = max(begun, own.steps.wall_instant(own.last_scheduled.start, own.scheduled_position))
        return min(end for action in self._ends for end in (newest, *other.instants_between(action, begun + 1, newest)))

    def needs_within(self, splay: Duration) -> Iterator[HistoryNeed]:
        """Return which instants of the past must be kept for it, of a task with that splay."""
        names = (name for name in self.tasks if not is_pattern(name))
        return (HistoryNeed(name, action, splay) for name in names for action in self._ends)

    @property
    def _ends(self) -> tuple[Action, ...]:
        return _ENDS[self.outcome]

    def newest_event(self, name: str, moment: Moment) -> Occurrence | MissedReport | None:
        """Return the newest such end of that task, or its newest interval of misses, if it is not used up."""
        other, own = moment.history.of(name), moment.task_history
        newest = self._newest_misses(name, moment) if self.outcome == "missed" else self._newest_end(other)
        if newest is None or newest.position <= own.scheduled_position:
            return None
        if not own.since_armed(newest.at - MICROSECOND, newest.position):
            return None
        if self.has_patterns and not moment.history.selections.get(self.tasks).counts(name, newest):
            return None
        return newest

    def _newest_of(self, other: TaskHistory) -> LoggedEvent | None:
        return other.misses if self.outcome == "missed" else self._newest_end(other)

    @staticmethod
    def _newest_misses(name: str, moment: Moment) -> MissedReport | None:
        """Return the newest interval of misses; of the task itself, only of chances that it had since it was armed."""
        found, own = moment.history.of(name).misses, moment.task_history
        if found is None or name != moment.task.name:
            return found
        return found if own.steps.wall_instant(found.newest.last, found.last_position) >= own.armed else None

    def _newest_end(self, other: TaskHistory) -> Occurrence | None:
        if self.outcome == "fail":
            return other.last_failure
        ends = [other.last_events[action] for action in self._ends if action in other.last_events]
        return max(ends, key=_position, default=None)

    def causing_run(self, moment: Moment) -> Run | None:
        names = self.candidates(moment) if self.has_patterns else self.tasks
        found = [self.newest_event(name, moment) for name in names]
        newest = max((end for end in found if isinstance(end, Occurrence)), key=_position, default=None)
        return None if newest is None else newest.run

    def watches(self) -> frozenset[str]:
        return OWN.union(name for name in self.tasks if not is_pattern(name))

    def selections(self) -> frozenset[tuple[str, ...]]:
        return frozenset({self.tasks}) if self.has_patterns else frozenset()

    def __str__(self) -> str:
        many = f"{self.many}_" if self.many else ""
        given = [*map(quoted, self.tasks)]
        given += [f'delay="{format_duration(self.delay)}"'] if self.delay else []
        given += [f'within="{format_duration(self.within)}"'] if self.within is not None else []
        return f"after_{many}{self.outcome}({', '.join(given)})"


def awaited_tasks(condition: Condition) -> frozenset[str]:
    """Return the tasks for whose ends a condition waits."""
    return frozenset(name for part in all_parts(condition) if isinstance(part, After) for name in part.tasks)


def _position(occurrence: Occurrence) -> int:
    return occurrence.position
