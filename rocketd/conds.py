"""The words of the condition language as Python objects.

    (daily | retry(3)) & time_of_day.between("10:00", "12:00")

Each is what the same word is in a task file; see the reference of conditions.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial, wraps
from typing import Final, ParamSpec, TypeVar

from rocketd.app.function_conditions import FuncCond, condition_of_function
from rocketd.app.validators import Span, duration_of
from rocketd.core.calendar.units import DAY_UNIT, HOUR_UNIT, MINUTE_UNIT, MONTH, QUARTER, SECOND_UNIT, WEEK_UNIT, YEAR
from rocketd.core.conditions.after import After
from rocketd.core.conditions.cron_time import CronTime
from rocketd.core.conditions.cron_word import cron as _cron
from rocketd.core.conditions.cycle import Cycle
from rocketd.core.conditions.date_bound import SinceDate, UntilDate
from rocketd.core.conditions.host_conditions import CommandSucceeds, EnvironmentIs, LoadBelow, PathExists, UnitActive
from rocketd.core.conditions.host_uptime import HostUp
from rocketd.core.conditions.iso_week import IsoWeek
from rocketd.core.conditions.occurrences import EventCondition
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.conditions.scheduler_conditions import SchedulerCycles, SchedulerRunning
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.conditions.work_days import Dates, Holiday, RolledWorkday, Workday, WorkdaysOf
from rocketd.core.duration import format_duration
from rocketd.core.errors import ConditionError
from rocketd.core.language import parser
from rocketd.core.model.condition import FALSE, TRUE, Condition
from rocketd.core.model.task_ref import TaskRef, name_of
from rocketd.core.suggestion import did_you_mean
from rocketd.time_zones import named_zone

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _advised(word: str, make: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have an error about the line of others say what does the same here."""

    @wraps(make)
    def made(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return make(*args, **kwargs)
        except ConditionError as error:
            from rocketd.core.language.dialects.translation import suggest_cron_line  # noqa: PLC0415 - only for a mistake

            line = str((*args, kwargs.get("line"))[0])
            raise suggest_cron_line(error, word, line, lambda other: parser.read(other, named_zone)) from None

    return made


true: Final = TRUE
false: Final = FALSE
always: Final = TRUE
never: Final = FALSE

secondly: Final = OncePerWindow.of(SECOND_UNIT)
minutely: Final = OncePerWindow.of(MINUTE_UNIT)
hourly: Final = OncePerWindow.of(HOUR_UNIT)
daily: Final = OncePerWindow.of(DAY_UNIT)
weekly: Final = OncePerWindow.of(WEEK_UNIT)
monthly: Final = OncePerWindow.of(MONTH)
quarterly: Final = OncePerWindow.of(QUARTER)
yearly: Final = OncePerWindow.of(YEAR)

time_of_second: Final = TimeOf.of(SECOND_UNIT)
time_of_minute: Final = TimeOf.of(MINUTE_UNIT)
time_of_hour: Final = TimeOf.of(HOUR_UNIT)
time_of_day: Final = TimeOf.of(DAY_UNIT)
time_of_week: Final = TimeOf.of(WEEK_UNIT)
time_of_month: Final = TimeOf.of(MONTH)
time_of_quarter: Final = TimeOf.of(QUARTER)
time_of_year: Final = TimeOf.of(YEAR)

cycle: Final = Cycle.of
iso_week: Final = IsoWeek.of
since: Final = SinceDate.of
until: Final = UntilDate.of
workday: Final = Workday()
holiday: Final = Holiday()
dates: Final = Dates.of
workday_of_week: Final = WorkdaysOf(WEEK_UNIT)
workday_of_month: Final = WorkdaysOf(MONTH)
workday_of_quarter: Final = WorkdaysOf(QUARTER)
workday_of_year: Final = WorkdaysOf(YEAR)
workday_at: Final = RolledWorkday.of
calendar: Final = _advised("calendar", partial(Tick.calendar, zones=named_zone))
retry: Final = Retry()
running: Final = Running()

path_exists: Final = PathExists.of
unit_active: Final = UnitActive.of
load_below: Final = LoadBelow.of
command_succeeds: Final = CommandSucceeds.of
env: Final = EnvironmentIs.of
host_up: Final = HostUp.of
scheduler_running: Final = SchedulerRunning()
scheduler_cycles: Final = SchedulerCycles()

started: Final = EventCondition("started")
succeeded: Final = EventCondition("succeeded")
failed: Final = EventCondition("failed")
finished: Final = EventCondition("finished")
terminated: Final = EventCondition("terminated")
inacted: Final = EventCondition("inacted")
crashed: Final = EventCondition("crashed")
missed: Final = EventCondition("missed")


def every(past: str | timedelta, based: str = "run") -> Every:
    """For once in each interval `past`: text such as "10 min", or a timedelta. Raises ConditionError."""
    return Every.of(format_duration(duration_of(past)) if isinstance(past, timedelta) else past, based)


def cron(line: str | None = None, *, within: str | None = None, **fields: str) -> Tick | Every:
    """For once after each tick of a cron line: `cron("*/5 * * * *")`, or `cron(minute="*/5")`. Raises ConditionError.

    `fields` are minute, hour, day_of_month, month and day_of_week.
    """
    return _advised("cron", _cron)(_line("cron", line, fields), within=within)


def crontime(line: str | None = None, **fields: str) -> CronTime:
    """For during each minute that a cron line matches, which is written as for `cron`. Raises ConditionError."""
    return _advised("crontime", CronTime.of)(_line("crontime", line, fields))


_CRON_FIELDS: Final = ("minute", "hour", "day_of_month", "month", "day_of_week")


def _line(word: str, line: str | None, fields: Mapping[str, str]) -> str:
    if unknown := [name for name in fields if name not in _CRON_FIELDS]:
        raise ConditionError(f"{word} has no field {unknown[0]}", hint=did_you_mean(unknown[0], _CRON_FIELDS))
    if (line is None) == (not fields):
        raise ConditionError(f"{word} needs either a line or fields", hint=f'as in {word}("*/5 * * * *")')
    return " ".join(str(fields.get(name, "*")) for name in _CRON_FIELDS) if line is None else line


def condition(*, every: Span = 1) -> Callable[[Callable[..., object]], FuncCond]:
    """Make a condition of a function (decorator), as `Rocketd.cond` does, where no application is at hand."""
    return lambda function: condition_of_function(function, duration_of(every))


def parse(text: str) -> Condition:
    """Read a condition as task files have it: `daily & time_of_day.after("20:00")`.

    Raises ConditionError, which underlines what is wrong and suggests what may be meant.
    """
    return parser.parse(text, named_zone)


def after_success(task: TaskRef, *, delay: str | None = None, within: str | None = None) -> After:
    """For when that task has succeeded since this one started last."""
    return After.of("success", (name_of(task),), "", delay=delay, within=within)


def after_fail(task: TaskRef, *, delay: str | None = None, within: str | None = None) -> After:
    """For when that task has failed, been terminated or crashed since this one started last."""
    return After.of("fail", (name_of(task),), "", delay=delay, within=within)


def after_finish(task: TaskRef, *, delay: str | None = None, within: str | None = None) -> After:
    """For when that task has ended in any way since this one started last."""
    return After.of("finish", (name_of(task),), "", delay=delay, within=within)


def after_missed(task: TaskRef, *, delay: str | None = None, within: str | None = None) -> After:
    """For when that task has missed a start since this one started last."""
    return After.of("missed", (name_of(task),), "", delay=delay, within=within)


def after_all_success(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when all of these tasks have succeeded since this one started last."""
    return After.of("success", _names(tasks), "all", delay=delay, within=within)


def after_all_fail(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when all of these tasks have failed, been terminated or crashed since this one started last."""
    return After.of("fail", _names(tasks), "all", delay=delay, within=within)


def after_all_finish(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when all of these tasks have ended in any way since this one started last."""
    return After.of("finish", _names(tasks), "all", delay=delay, within=within)


def after_all_missed(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when all of these tasks have missed a start since this one started last."""
    return After.of("missed", _names(tasks), "all", delay=delay, within=within)


def after_any_success(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when any of these tasks has succeeded since this one started last."""
    return After.of("success", _names(tasks), "any", delay=delay, within=within)


def after_any_fail(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when any of these tasks has failed, been terminated or crashed since this one started last."""
    return After.of("fail", _names(tasks), "any", delay=delay, within=within)


def after_any_finish(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when any of these tasks has ended in any way since this one started last."""
    return After.of("finish", _names(tasks), "any", delay=delay, within=within)


def after_any_missed(*tasks: TaskRef, delay: str | None = None, within: str | None = None) -> After:
    """For when any of these tasks has missed a start since this one started last."""
    return After.of("missed", _names(tasks), "any", delay=delay, within=within)


def _names(tasks: tuple[TaskRef, ...]) -> tuple[str, ...]:
    return tuple(map(name_of, tasks))
