"""How long runs have been active, and how many are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.conditions.comparison import AT_LEAST_ONE, Count, CountableCondition
from rocketd.core.conditions.task_names import selected, watched
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration
from rocketd.core.instant import BEGINNING, FOREVER, Duration, Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.string_literals import quoted

if TYPE_CHECKING:
    from collections.abc import Collection

    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import Run


def spell_running(task: str) -> str:
    """Spell the word that asks about this task, or about the one named."""
    return f"running({quoted(task)})" if task else "running"


def runs_in_question(task: str, moment: Moment) -> Collection[Run] | None:
    """Return the runs in question: the active ones, or in `stop_when` the one that is asked about; None: unknown."""
    if not task and moment.run is not None:
        return (moment.run,)
    if task and not moment.history.knows(task):
        return None
    return [run for run, _ in moment.history.selections.past_of(task, moment.task.name).active()]


def _joined(spans: list[tuple[Instant, Instant]]) -> list[tuple[Instant, Instant]]:
    """Join spans that meet, given in the order of their starts."""
    joined: list[tuple[Instant, Instant]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


@dataclass(frozen=True, slots=True)
class RunningFor(Condition):
    """For while a run is active that has been so for `more` at least, and for less than `less`.

    It is active since it got its process; one that was started and waits for its record is as young as a run can be.
    """

    task: str
    more: Duration = 0
    less: Duration | None = None
    """None: however long."""

    def judge(self, moment: Moment) -> Verdict:
        runs, now = runs_in_question(self.task, moment), moment.now
        if runs is None:
            return Verdict(UNKNOWN)
        active = moment.history.selections.past_of(self.task, moment.task.name).active()
        begun = {run.key: at for run, at in active}
        stretches = _joined(sorted(self._span(run, begun.get(run.key)) for run in runs))
        for start, end in stretches:
            if start <= now < end:
                return Verdict(FOR, end, start)
        begin = min((start for start, _ in stretches if start > now), default=FOREVER)
        return Verdict(AGAINST, begin, max((end for _, end in stretches if end <= now), default=BEGINNING))

    def _span(self, run: Run, begun: Instant | None) -> tuple[Instant, Instant]:
        if begun is None:
            return FOREVER if self.more else run.start, FOREVER
        return begun + self.more, FOREVER if self.less is None else begun + self.less

    def watches(self) -> frozenset[str]:
        return watched(self.task)

    def selections(self) -> frozenset[tuple[str, ...]]:
        return selected(self.task)

    def __str__(self) -> str:
        more, less = format_duration(self.more), format_duration(self.less or 0)
        if self.less is None:
            return f'{spell_running(self.task)}.more_than("{more}")'
        if not self.more:
            return f'{spell_running(self.task)}.less_than("{less}")'
        return f'{spell_running(self.task)}.between("{more}", "{less}")'


@dataclass(frozen=True, slots=True, eq=False)
class RunningCount(CountableCondition, Condition):
    """For when so many runs are active."""

    task: str
    count: Count = AT_LEAST_ONE

    def counted(self, count: Count) -> RunningCount:
        return RunningCount(self.task, count)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.task, self.count)

    def judge(self, moment: Moment) -> Verdict:
        if self.task and not moment.history.knows(self.task):
            return Verdict(UNKNOWN)
        runs = [run for run, _ in moment.history.selections.past_of(self.task, moment.task.name).active()]
        holds = self.count.holds(len(runs))
        newest = max((run.start for run in runs), default=BEGINNING)
        return Verdict(FOR if holds else AGAINST, FOREVER, newest if newest <= moment.now else BEGINNING)

    def watches(self) -> frozenset[str]:
        return watched(self.task)

    def selections(self) -> frozenset[tuple[str, ...]]:
        return selected(self.task)

    def __str__(self) -> str:
        return f"({spell_running(self.task)} {self.count.comparison} {self.count.number})"
