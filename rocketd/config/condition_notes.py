"""Notes about valid conditions: what a word does not mean, and what has changed since earlier versions.

Only `check` shows them. A note asks nothing of the reader; it is not a warning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rocketd.config.cross_file_checks import TaskMistake
from rocketd.config.problems import Mistake
from rocketd.core.calendar.cron import Cron
from rocketd.core.calendar.cron_days import WEEKDAYS
from rocketd.core.calendar.oncalendar import CalendarLine, several_times
from rocketd.core.conditions.cycle import Cycle
from rocketd.core.conditions.day_word import DayWord
from rocketd.core.conditions.iso_week import IsoWeek
from rocketd.core.conditions.time_conditions import OncePerWindow, Tick
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, FOREVER
from rocketd.core.model.condition import All, Condition, Not, all_parts
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import FOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sized


_SAMPLE_TICKS = 20
_SAMPLE_INSTANT = 1_830_297_600_000_000
"""1 January 2028: from then on, so many ticks are looked at."""
_WEEKS_OF_MONTH = {"1-7": 1, "8-14": 2, "15-21": 3, "22-28": 4}
_SAMPLE_CYCLE = 2028
"""A cycle in which all marks can be looked at: a leap year, and a month and a week as any."""


class Note(NamedTuple):
    """A note about a condition."""

    message: str
    hint: str = ""


def condition_notes(tasks: Iterable[Task]) -> list[TaskMistake]:
    """Return the notes about the conditions of these tasks; equal conditions are examined once."""
    known: dict[Condition, list[Note]] = {}
    found = []
    for task in tasks:
        notes = known.get(task.when)
        if notes is None:
            notes = known[task.when] = notes_about(task.when)
        found += [TaskMistake(task, Mistake(("task", task.name, "when"), *note, severity="note")) for note in notes]
    return found


def notes_about(condition: Condition) -> list[Note]:
    """Return the notes about a condition, each once."""
    found = (note for part in _outside_of_not(condition) for look in LOOKS for note in look(part))
    return list(dict.fromkeys(found))


def _outside_of_not(condition: Condition) -> Iterator[Condition]:
    yield condition
    if not isinstance(condition, Not):
        for part in condition.parts:
            yield from _outside_of_not(part)


# -- what has changed -----------------------------------------------------------------------------------------------


def _beside_ticks(part: Condition) -> Iterator[Note]:
    """A window or an interval beside a tick, which once could start a task when no tick was."""
    group = part.tick_group if isinstance(part, All) else None
    if group is None:
        return
    scheduled = [one for one in part.parts if one.is_scheduled and not one.clock_only]
    if scheduled:
        yield Note(
            f"{_listed(scheduled)} {_are(scheduled)} judged at each tick only: what begins or ends between two ticks "
            "waits for the next one; earlier versions started the task in between",
            _EXPLAIN,
        )
    if group.guards.spans:
        yield Note(
            f"a tick lapses at the end of the time in {_listed(group.guards.spans)}; "
            "in earlier versions it stayed good until the next tick",
            'for a length of time write past("20 h")',
        )
    if broken := [hours for hours in group.hours if _hold_again(part, hours)]:
        yield Note(
            f"{_listed(broken)} must hold from the tick on without a break; "
            "earlier versions also started the task when that held again before the next tick",
            _EXPLAIN,
        )
    mixed = [one for one in group.states if not one.can_tick and (one.has_interval or one.goes_by_wall)]
    if mixed:
        yield Note(f"{_listed(mixed)} {_are(mixed)} judged now, not at the tick: time alone does not decide", _EXPLAIN)


def _hold_again(part: Condition, hours: Condition) -> bool:
    """Whether the hours end after a tick at which they hold, and hold again before the next one."""
    ticking = next(one for one in part.parts if one.can_tick)
    task = Task("", Command(()), part)
    moment = Moment(_SAMPLE_INSTANT, task, History())
    for _ in range(_SAMPLE_TICKS):
        tick, at = ticking.ticks_around(moment).next, FOREVER
        if tick >= FOREVER:
            return False
        moment = moment.at(tick)
        verdict, following = hours.judge(moment), ticking.ticks_around(moment).next
        if verdict.answer is FOR:
            at = verdict.until
        while at < following:
            verdict = hours.judge(moment.at(at))
            if verdict.answer is FOR and at > tick:
                return True
            at = verdict.until
    return False


def _whole_days(part: Condition) -> Iterator[Note]:
    """An interval of whole days beside a window or hours, which once were 24 hours each."""
    if isinstance(part, All) and part.tick_group is None and part.days_on_wall:
        days = [one for one in all_parts(part) if one.has_whole_days and not one.parts]
        yield Note(
            f"days are calendar days in {_listed(days)} here, also when the clock changes; "
            "earlier versions counted 24 hours for each",
        )


# -- what a word does not mean --------------------------------------------------------------------------------------


def _parity(part: Condition) -> Iterator[Note]:
    if isinstance(part, IsoWeek) and part.parity:
        hint = 'for every other week write cycle("2 weeks", since="2026-12-03")'
        yield Note(f"{part} is not every other week: week 53 of a year and week 1 of the next are both odd", hint)


def _days_for_weeks(part: Condition) -> Iterator[Note]:
    if isinstance(part, Cycle) and part.unit == "day" and part.number % 7 == 0:
        weeks = part.number // 7
        hint = f'for whole weeks write "{weeks} weeks"' if weeks > 1 else "for one day of each week write weekly.on(…)"
        yield Note(f"{part} means one day in {part.number}", hint)


def _short_window(part: Condition) -> Iterator[Note]:
    """A window of a day or less in a week, a month, …: it is not made up when the host is down."""
    if not isinstance(part, OncePerWindow) or part.period.how != "at" or part.period.unit.longest <= DAY:
        return
    lengths = [part.period.unit.length(mark, _SAMPLE_CYCLE) for mark in part.period.marks if mark.day]
    if lengths and max(lengths) <= DAY:
        unit = part.period.unit
        yield Note(
            f"{part} is lost if the host is down in that window",
            f"write {unit.adverb}.after(…), or use cron or calendar, whose ticks are made up for",
        )


def _either_day(part: Condition) -> Iterator[Note]:
    """A cron line with both day fields, of which one is enough: a first Monday is no `1-7 * 1`."""
    if not isinstance(part, Tick) or not isinstance(part.ticks, Cron) or not part.ticks.days.either:
        return
    *clock, day, month, weekday = part.ticks.text.split()
    week = _WEEKS_OF_MONTH.get(day) if weekday.isdecimal() or weekday in WEEKDAYS else None
    yield Note(
        f"{part} ticks on the days {day} of the month, and also on each {weekday} of the week; either is enough",
        f'for that weekday in those days write cron("{" ".join(clock)} * {month} {weekday}#{week}")'
        if week
        else f'for days that are both write cron("{" ".join(clock)} {day} {month} *") & time_of_week.on(…)',
    )


def _minutes_for_hours(part: Condition) -> Iterator[Note]:
    """A calendar line with two times: there a comma separates minutes."""
    if isinstance(part, Tick) and isinstance(part.ticks, CalendarLine):
        for word in part.ticks.text.split():
            if hint := several_times(word):
                hour, *minutes, second = re.split("[:,]", word)
                times = " and ".join(f"{hour}:{minute}:{second}" for minute in minutes)
                yield Note(f"{part} ticks at {times}: in {word} the comma is between minutes", hint)


def _line_of_another_zone(part: Condition) -> Iterator[Note]:
    """A calendar line with a zone of its own beside a word about dates, which goes by the zone of the task."""
    days = [one for one in part.parts if isinstance(one, DayWord)] if isinstance(part, All) else []
    for tick in part.parts if days else ():
        if isinstance(tick, Tick) and isinstance(tick.ticks, CalendarLine) and tick.ticks.zone is not None:
            yield Note(
                f"{_listed(days)} {_are(days)} asked about the date in the zone of the task, not in that of {tick}"
            )


_EXPLAIN = "rocketctl explain shows the next starts"


def _listed(parts: Iterable[object]) -> str:
    return " and ".join(str(part) for part in parts)


LOOKS: tuple[Callable[[Condition], Iterator[Note]], ...] = (
    _beside_ticks,
    _whole_days,
    _parity,
    _days_for_weeks,
    _short_window,
    _either_day,
    _minutes_for_hours,
    _line_of_another_zone,
)
"""What is looked for in each part."""


def _are(parts: Sized) -> str:
    return "is" if len(parts) == 1 else "are"
