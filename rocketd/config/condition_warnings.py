"""Warnings about tasks that can be loaded, but would start again and again, or never.

Only `check` looks for them, because the answers depend on the day and take some time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.calendar.units import DAY_UNIT
from rocketd.core.conditions.after import After, Outcome
from rocketd.core.conditions.alternatives import Literal, alternatives_of
from rocketd.core.conditions.calendar_word import calendar_words
from rocketd.core.conditions.cron_time import CronTime
from rocketd.core.conditions.date_bound import UntilDate
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition
from rocketd.core.conditions.run_conditions import Retry
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.duration import format_duration
from rocketd.core.instant import FOREVER, Duration, Instant, datetime_of
from rocketd.core.model.condition import FALSE, All, Condition, Constant
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler.outlook import (
    LATE,
    FirstStart,
    FirstStartSearch,
    RepeatedStart,
    find_repeated_start,
    never_start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from rocketd.config.load_result import LoadedFile
    from rocketd.core.conditions.alternatives import Branch
    from rocketd.core.model.task import Task

T = TypeVar("T")

SEARCHES: Final = 50
"""How many searches for a first start may fail before the rest is skipped; each takes some hundredths of a second."""
_NOT_SEARCHED: Final = "this task and those after it were not checked for a first start: too many tasks never start"


class ConditionQuestions(NamedTuple):
    """The question: all tasks of a load, at an instant."""

    tasks: Mapping[str, Task]
    now: Instant
    with_restart_delay: Collection[str]
    """The tasks whose `restart_delay` is written: they may start again and again."""

    @classmethod
    def of(cls, tasks: Mapping[str, Task], now: Instant, files: Iterable[LoadedFile]) -> ConditionQuestions:
        """Ask about the tasks of these files."""
        return cls(tasks, now, {name for file in files for name in file.with_restart_delay})


def condition_warnings(questions: ConditionQuestions, reported: Collection[str]) -> list[TaskMistake]:
    """Find the tasks that would start again and again, and those that never start; but those that are `reported` of."""
    return [one for one in _warnings(questions) if one.task.name not in reported]


def _warnings(questions: ConditionQuestions) -> Iterator[TaskMistake]:
    search = FirstStartSearch(questions.now)
    firsts = _first_starts(questions, search)
    hopeless = {name for name, first in firsts.items() if first.at is None}
    unasked = [name for name, task in questions.tasks.items() if name not in firsts and task.when != FALSE]
    waiting = never_start(questions.tasks, hopeless)
    repeating = _cached(lambda task: find_repeated_start(task, questions.now))
    for name, task in questions.tasks.items():
        found, kind = _never(task, search, firsts.get(name), waiting), "never"
        if found is None and unasked[:1] == [name]:
            found = _NOT_SEARCHED, ""
        if (
            found is None
            and name not in questions.with_restart_delay
            and task.when != FALSE
            and (repeated := repeating(task))
        ):
            found, kind = _repeats(task, repeated), "repeats"
        if found is not None:
            yield TaskMistake(task, Mistake(("task", name, "when"), *found, severity="warning", kind=kind))


def _first_starts(questions: ConditionQuestions, search: FirstStartSearch) -> dict[str, FirstStart]:
    """Find when each condition first starts a task; give up after `SEARCHES` conditions that never do."""
    first_of = _cached(search.first_start)
    firsts: dict[str, FirstStart] = {}
    for name, task in questions.tasks.items():
        if search.searches < SEARCHES and task.when != FALSE:
            firsts[name] = first_of(task)
    return firsts


def _cached(ask: Callable[[Task], T]) -> Callable[[Task], T]:
    """Ask once for all tasks with the same conditions in the same zone."""
    known: dict[tuple[object, ...], T] = {}

    def questions(task: Task) -> T:
        own = task.name if task.name in task.when.watches() else ""
        hours = (task.zone_name, task.calendars)
        key = (task.when, task.stop_when, *hours, task.on is None, task.restart_delay, own)
        if key not in known:
            known[key] = ask(task)
        return known[key]

    return questions


# -- never ----------------------------------------------------------------------------------------------------------


def _never(
    task: Task, search: FirstStartSearch, first: FirstStart | None, waiting: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the message and the hint for a task that never starts, or not for years."""
    otherwise = f'so nothing but on = "{task.on}" starts the task' if task.on else "so the task never starts by itself"
    if task.name in waiting:
        return _waits_for(task.name, waiting), ""
    if first is None or (first.at is not None and first.at <= search.now + LATE) or _is_unknown(task):
        return None
    if first.at is not None:
        return f"the first start would be on {datetime_of(first.at, task.zone):%a %Y-%m-%d}", _reason(task, search)
    if first.looked_until < FOREVER:
        until = datetime_of(first.looked_until, task.zone).date()
        return f"no start was found up to {until}: this rarely holds, or never", _reason(task, search)
    return f"this never holds, {otherwise}", _reason(task, search)


def why_never(task: Task, now: Instant) -> str:
    """Return why a task never starts by itself, as a sentence; empty: it may, if all that it waits for comes."""
    search = FirstStartSearch(now)
    first = search.first_start(task)
    if first.at is not None or _is_unknown(task):
        return ""
    if first.looked_until < FOREVER:
        return f"No start was found up to {datetime_of(first.looked_until, task.zone).date()}."
    reason = _reason(task, search) or "its condition can never be true"
    return f"It never starts on its own: {reason}{'' if reason.endswith('?') else '.'}"


def _is_unknown(task: Task) -> bool:
    """Whether a calendar that it asks cannot be read, which is reported already."""
    return any(word.source(task.calendars).problem for word in calendar_words((task.when,)))


def _waits_for(name: str, waiting: Mapping[str, str]) -> str:
    chain = [name]
    while (other := waiting.get(chain[-1])) and other not in chain:
        chain.append(other)
    if other == name:
        chain_text = f": {' → '.join([*chain, name])}" if len(chain) > 1 else ""
        return f"this waits for the task itself{chain_text}, so it never starts by itself"
    return f"this waits for '{waiting[name]}', which never starts by itself"


def _reason(task: Task, search: FirstStartSearch) -> str:
    """Return which words exclude each other, as far as that can be found in a condition without alternatives."""
    alternatives = alternatives_of(task.when)
    if all(any(isinstance(one.word, Retry) and one.holds for one in branch) for branch in alternatives):
        return f"a retry follows a scheduled run, and nothing starts the first: did you mean daily | {task.when}?"
    if len(alternatives) != 1:
        return ""
    words = alternatives[0]
    for literal in words:
        if isinstance(literal.word, Constant) and (literal.word.answer is FOR) is not literal.holds:
            return f"{literal.condition} never holds"
        if literal.holds and (over := _over(literal.word, search.now, task)):
            return over
    for place, one in enumerate(words):
        for other in words[:place]:
            if search.first_start(replace(task, when=All.of(other.condition, one.condition))).at is None:
                return f"{other.condition} and {one.condition} never hold together"
    return ""


def _over(word: Condition, now: Instant, task: Task) -> str:
    """Say that a word will never hold again; empty: it may."""
    if isinstance(word, Tick) and word.ticks.next(now, task.zone) is None:
        return f"{word} has ended"
    if isinstance(word, UntilDate) and (end := word.instant(task.zone)) <= now:
        return f"{word} has ended on {datetime_of(end - 1, task.zone):%a %Y-%m-%d}"
    return ""


# -- again and again ------------------------------------------------------------------------------------------------


def _repeats(task: Task, repeated: RepeatedStart) -> tuple[str, str]:
    """Return the message and the hint for a task that each of its ends starts again."""
    alone = len(alternatives_of(task.when)) == 1
    whole = " & ".join(str(literal.condition) for literal in repeated.branch)
    states = [str(literal.condition) for literal in repeated.branch if literal.is_state(task.name)]
    if repeated.lasts < FOREVER:
        holds = f"holds for {format_duration(repeated.lasts)} at a time"
    elif states:
        holds = f"can hold for hours, as long as {' and '.join(states)} {'does' if len(states) == 1 else 'do'}"
    else:
        holds = "always holds"
    message = f"{'this' if alone else whole} {holds}, so the task would start again {_pause(task)} after each end"
    meant = str(suggestion(repeated.branch)).replace('"', "'")
    where = "" if alone else f" in place of {whole}"
    return message, f"did you mean {meant}{where}? to keep it as it is, write a restart_delay"


def _pause(task: Task) -> str:
    return format_duration(task.restart_delay)


_ENDS: Final[dict[str, Outcome]] = {"succeeded": "success", "failed": "fail", "missed": "missed"}


def suggestion(branch: Branch) -> Condition:
    """Return the condition that was probably meant: once per window, at a tick, after an event."""
    hours = [literal for literal in branch if literal.holds and isinstance(literal.word, TimeOf)]
    if hours:
        return _once(branch, min(hours, key=_length))
    for literal in branch:
        if literal.holds and isinstance(literal.word, EventCondition | RecentEventCondition) and literal.word.task:
            outcome = _ENDS.get(literal.word.what, "finish")
            return _changed(branch, literal, After(outcome, (literal.word.task,)))
        if literal.holds and isinstance(literal.word, CronTime) and len(literal.word.line.minutes) == 1:
            return _changed(branch, literal, Tick(literal.word.line))
    others = [literal.condition for literal in branch if not isinstance(literal.word, Constant)]
    used = any(isinstance(literal.word, OncePerWindow | Every | Tick) for literal in branch)
    first = Every.of("10 min") if used or not others else OncePerWindow.of(DAY_UNIT)
    return All.of(first, *others)


def _length(literal: Literal) -> Duration:
    return literal.word.period.unit.longest if isinstance(literal.word, TimeOf) else FOREVER


def _once(branch: Branch, hours: Literal) -> Condition:
    word = hours.word
    return _changed(branch, hours, OncePerWindow(word.period) if isinstance(word, TimeOf) else word)


def _changed(branch: Branch, old: Literal, new: Condition) -> Condition:
    return All.of(*(new if literal is old else literal.condition for literal in branch))
