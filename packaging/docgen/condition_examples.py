"""What the examples of the language give, found by running them: the reference page shows it.

The scene: a task is first loaded on Tuesday 24 November 2026 at 09:30 UTC. Beside it `extract` runs every day at 02:00
and `load` at 03:00, each for 25 minutes; both end in the way that the example asks about. Where it asks for what was
missed, neither starts, and that is recorded 25 minutes later. Christmas and New Year's Day are holidays, and
freeze.dates lists the days from 24 December to 1 January.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta, tzinfo
from itertools import islice
from typing import Final, NamedTuple

from rocketd.core.calendar.time_point import parse_time_point
from rocketd.core.conditions.comparison import CountableCondition
from rocketd.core.conditions.running import RunningFor
from rocketd.core.history.history import History
from rocketd.core.instant import BEGINNING, DAY, FOREVER, HOUR, MINUTE, Instant, datetime_of
from rocketd.core.language.parser import parse
from rocketd.core.language.vocabulary import WORDS
from rocketd.core.language.word import ArgumentKind, Word
from rocketd.core.model.condition import FALSE, Condition, Constant
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Start, Started
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import FOR, UNKNOWN
from rocketd.core.model.work_calendar import Calendars, DateList, WorkCalendar
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast, starts
from rocketd.core.scheduler.scheduler import Scheduler

BEGIN: Final[Instant] = parse_time_point("2026-11-24 09:30", 0, UTC)
TAKES: Final = 25 * MINUTE
SHOWN: Final = 3
MOST: Final = 60
"""More starts than an example has in two days."""
_FAR: Final = 800 * DAY
"""How far ahead it is looked for what an example gives."""
_HOURS: Final = {"extract": 2 * HOUR, "load": 3 * HOUR}

_HOLIDAYS: Final = {date(2026, 12, 25): "Christmas Day", date(2026, 12, 26): "", date(2027, 1, 1): "New Year's Day"}
_FREEZE: Final = [date(2026, 12, 24) + timedelta(days=more) for more in range(9)]
_CALENDARS: Final = Calendars(
    (("", WorkCalendar(lists=(DateList("", b"1", {day.toordinal(): name for day, name in _HOLIDAYS.items()}),))),),
    (
        (
            "/etc/rocketd/freeze.dates",
            WorkCalendar(frozenset(), (DateList("", b"2", {day.toordinal(): "" for day in _FREEZE}),)),
        ),
    ),
)
"""The default calendar has these holidays, and the file of the example these dates."""

_RETRIED: Final = "daily | retry(3)"
_ENDINGS: Final = {
    "fail": Action.FAIL,
    "terminated": Action.TERMINATE,
    "inacted": Action.INACTION,
    "crashed": Action.CRASH,
    "missed": Action.MISSED,
}


class Example(NamedTuple):
    """An example, and how the runs in it end."""

    text: str
    ending: Action = Action.SUCCESS


def scene(word: Word) -> Example:
    """Set the scene for the example of a word."""
    if word.name == "retry":
        return Example(_RETRIED, Action.FAIL)
    ending = next((action for name, action in _ENDINGS.items() if name in word.example), Action.SUCCESS)
    name, dot, rest = word.example.partition(".")
    about_itself = dot and name in WORDS and any(one.kind is ArgumentKind.TASK for one in WORDS[name].arguments or ())
    return Example(f'{name}("extract").{rest}' if about_itself else word.example, ending)


def told(scene: Example) -> str:
    """Say when a task with this condition starts; of one that holds for a while, from when to when it holds."""
    condition = parse(scene.text)
    if isinstance(condition, Constant):
        return "always" if condition.answer is FOR else "never"
    if _unknown(condition):
        return "what is observed"
    if condition.clock_only or isinstance(condition, CountableCondition | RunningFor):
        return "; ".join(_span(start, end) for start, end in islice(_spans(scene, condition), 2))
    return ", ".join(map(_time, islice(_starts(scene, condition), SHOWN)))


def _unknown(condition: Condition) -> bool:
    history = History()
    for name in _HOURS:
        history.load(name)
    return condition.judge(Moment(BEGIN, _task("it", condition), history)).answer is UNKNOWN


def _starts(scene: Example, condition: Condition) -> Iterator[Instant]:
    if scene.ending is Action.MISSED:
        yield from _starts_after_events(scene, condition)
        return
    scheduler = Scheduler(host="", new_run_id=lambda _: "", next_steps=0)
    others = [_task(name, parse(f'daily.at("{at // HOUR:02d}:00")')) for name, at in _HOURS.items()]
    scheduler.load([_task("it", condition), *others], BEGIN, {})
    takes = dict.fromkeys(_HOURS, TAKES)
    forecast = Forecast(scheduler, BEGIN, lambda run: ExpectedRun(takes.get(run.task, 0), scene.ending))
    yield from (run.start for run in forecast.runs(BEGIN + _FAR) if run.task == "it")


def _starts_after_events(scene: Example, condition: Condition) -> Iterator[Instant]:
    """Tell when it starts as what happens beside it is learned, and nothing else starts by itself."""
    scheduler = Scheduler(host="", new_run_id=lambda _: "", next_steps=0)
    scheduler.load([_task("it", condition), *(_task(name, FALSE) for name in _HOURS)], BEGIN, {})
    for instant, event in _events(scene.ending):
        if instant > BEGIN + _FAR:
            return
        scheduler.learn(event)
        for decision in scheduler.decide(instant):
            if isinstance(decision, Start):
                yield instant
                scheduler.learn(Finished(decision.run, End(Action.SUCCESS, Cause.EXIT, instant)))


def _task(name: str, condition: Condition) -> Task:
    return Task(name, Command(("/bin/true",)), condition, calendars=_CALENDARS)


def _spans(scene: Example, condition: Condition) -> Iterator[tuple[Instant, Instant]]:
    """Tell from when to when it holds, as what happens beside it is learned."""
    history, task = History(), _task("it", condition)
    for name in ("it", *_HOURS):
        history.load(name)
    history.set_needs(condition.needs())
    events, now, since = _events(scene.ending), BEGIN, FOREVER
    instant, event = next(events)
    while now < BEGIN + _FAR:
        while instant <= now:
            history.learn(event)
            instant, event = next(events)
        verdict = condition.judge(Moment(now, task, history))
        if verdict.answer is FOR and since == FOREVER:
            since = now if verdict.since == BEGINNING else max(verdict.since, BEGIN)
        elif verdict.answer is not FOR and since < FOREVER:
            yield since, now
            since = FOREVER
        now = min(verdict.until, instant if condition.watches() else FOREVER)
    if since < FOREVER:
        yield since, FOREVER


def _events(ending: Action) -> Iterator[tuple[Instant, Event]]:
    midnight, number = BEGIN // DAY * DAY, 0
    while True:
        midnight, number = midnight + DAY, number + 1
        for name, at in _HOURS.items():
            start = midnight + at
            if ending is Action.MISSED:
                yield start + TAKES, Missed(name, str(number), start + TAKES, start, start, 1, "")
                continue
            run = Run(name, number, "", 1, start, start, Trigger.SCHEDULE, "")
            yield start, Started(run)
            yield start, Spawned(run, 0, 0, start)
            yield start + TAKES, Finished(run, End(ending, Cause.EXIT, start + TAKES))


def _span(start: Instant, end: Instant) -> str:
    return f"from {_time(start)} on" if end == FOREVER else f"{_time(start)} to {_time(end, start)}"


def _time(instant: Instant, beside: Instant | None = None) -> str:
    """Write an instant as short as it is plain: what is beside it need not be said again."""
    at = datetime_of(instant)
    clock = f"{at:%H:%M}" + (f":{at:%S}" if at.second or at.microsecond else "")
    clock += f".{at.microsecond // 1000:03d}" if at.microsecond else ""
    if beside is not None and datetime_of(beside).date() == at.date():
        return clock
    year = "" if at.year == datetime_of(BEGIN).year else f" {at.year}"
    return f"{at:%a} {at.day} {at:%b}{year} {clock}"


CHANGES: Final = ("2026-03-29", "2026-10-25")
"""The days on which the clock is changed in Europe."""
CHANGED: Final = (
    "daily",
    'daily.at("02:30")',
    'cron("30 2 * * *")',
    'calendar("02:30")',
    'hourly & time_of_day.between("01:00", "04:00")',
    'cron("30 * * * *") & time_of_day.between("01:00", "04:00")',
    'every("1 h") & time_of_day.between("01:00", "04:00")',
)
"""Conditions whose starts on those days are shown."""


def on_day(text: str, day: str, zone: tzinfo) -> str:
    """Tell when a task with this condition starts on that day, first loaded at noon before it."""
    noon, midnight, end = (
        parse_time_point(point, 0, zone) for point in (f"{_before(day)} 12:00", day, f"{day} 23:59:59")
    )
    task = Task("it", Command(("/bin/true",)), parse(text), zone=zone)
    found = (at for at in starts(task, noon, MOST).instants if midnight <= at < end)
    return ", ".join(f"{datetime_of(at, zone):%H:%M %Z}" for at in found)


def _before(day: str) -> date:
    return date.fromisoformat(day) - timedelta(days=1)
