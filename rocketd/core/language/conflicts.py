"""Refuses conditions that make no sense together."""

from collections.abc import Sequence

from rocketd.core.conditions.date_bound import SinceDate, UntilDate
from rocketd.core.conditions.time_conditions import Every, OncePerWindow
from rocketd.core.errors import ConditionError
from rocketd.core.model.condition import All, Condition, all_parts


def refuse_conflict(parts: Sequence[Condition]) -> None:
    """Refuse what is surely a mistake when joined by `&`; raises ConditionError."""
    if sum(part.has_tick for part in parts) > 1:
        raise ConditionError(
            "two kinds of ticks joined by & hardly ever coincide",
            hint="join them with |, or make one of them hours: cron(…) & crontime(…), cron(…) & time_of_day.between(…)",
        )
    _refuse_empty(parts)
    _refuse_useless(parts)


def _refuse_empty(parts: Sequence[Condition]) -> None:
    begins = [part for part in parts if isinstance(part, SinceDate)]
    ends = [part for part in parts if isinstance(part, UntilDate)]
    if not begins or not ends:
        return
    begin, end = max(begins, key=lambda part: part.wall), min(ends, key=lambda part: part.wall)
    if end.wall <= begin.wall:
        raise ConditionError(f"{begin} and {end} never hold together", hint="the first date comes after the last")


def _refuse_useless(parts: Sequence[Condition]) -> None:
    windows = [part for part in parts if isinstance(part, OncePerWindow)]
    intervals = [part for part in parts if isinstance(part, Every)]
    if not windows or not intervals:
        return
    once = max(windows, key=lambda part: part.period.unit.longest)
    every = min(intervals, key=lambda part: part.interval)
    unit = once.period.unit
    if 2 * every.interval <= unit.longest:
        raise ConditionError(
            f"{every} adds nothing to {once}, which runs once a {unit}",
            hint=f"to repeat within hours write {every} & {str(once).replace(unit.adverb, f'time_of_{unit}', 1)}"
            if once.period.how != "whole"
            else f"write {every} or {once} alone, or join them with |",
        )


def refuse_unfit(condition: Condition) -> None:
    """Refuse what makes no sense anywhere in a condition that was not written as text; raises ConditionError."""
    for part in all_parts(condition):
        if isinstance(part, All):
            refuse_conflict(part.parts)
