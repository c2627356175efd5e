"""The words of the condition language: one table for the parser, "did you mean", completion and the reference page."""

from typing import Final

from rocketd.core.calendar.unit import Unit
from rocketd.core.calendar.units import UNITS
from rocketd.core.conditions.after import After, Many, Outcome
from rocketd.core.conditions.cron_time import CronTime
from rocketd.core.conditions.cron_word import cron
from rocketd.core.conditions.event_kinds import What
from rocketd.core.conditions.occurrences import EventCondition
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.language.vocabulary_dates import DATE_WORDS
from rocketd.core.language.vocabulary_host import HOST_WORDS
from rocketd.core.language.vocabulary_work_days import WORK_DAY_WORDS
from rocketd.core.language.word import ArgumentKind, Word, WordArgument
from rocketd.core.model.condition import FALSE, TRUE

_MARK: Final = WordArgument("start", ArgumentKind.MARK)
_END: Final = WordArgument("end", ArgumentKind.MARK)
_MARKS: Final = WordArgument("marks", ArgumentKind.MARK, many=True)


def _hours(name: str, about: str, example: str, phrase: str, *marks: WordArgument) -> Word:
    return Word(name, about, example, None, marks, phrase=phrase)


HOURS: Final = (
    _hours(
        "between",
        "From one time to another.",
        'daily.between("10:00", "12:00")',
        "daily between 10:00 and 12:00",
        _MARK,
        _END,
    ),
    _hours("after", "From a time to the end of the period.", 'daily.after("10:00")', "daily after 10:00", _MARK),
    _hours(
        "before", "From the beginning of the period to a time.", 'daily.before("10:00")', "daily before 10:00", _END
    ),
    _hours(
        "starting", "The period, beginning at another time.", 'daily.starting("06:00")', "daily starting 06:00", _MARK
    ),
    _hours(
        "at",
        "The minute, hour, day or month that begins at each time.",
        'daily.at("10:00", "15:00")',
        "daily at 10:00, 15:00",
        _MARKS,
    ),
    _hours("on", "The same as at.", 'weekly.on("Mon", "Thu")', "weekly on Mon, Thu", _MARKS),
)

_THIS: Final = ("this_minute", "this_hour", "this_day", "today", "this_week", "this_month", "this_quarter", "this_year")
_PAST: Final = Word(
    "past",
    "Within the given time up to now.",
    'failed.past("2 hours")',
    None,
    (WordArgument("length", ArgumentKind.DURATION),),
    phrase="has failed past 2 hours",
)
SPANS: Final = (
    *(
        Word(
            name,
            f"Since the beginning of {name.replace('_', ' ')}.",
            f"succeeded.{name}",
            follows=HOURS,
            phrase=f"has succeeded {name.replace('_', ' ')}",
        )
        for name in _THIS
    ),
    Word("this_boot", "Since the host booted.", "succeeded.this_boot", phrase="has succeeded this boot"),
    _PAST,
)

_ABOUT_UNIT: Final = {
    "week": "Monday to Sunday",
    "month": "the first day to the last",
    "quarter": "from January, April, July or October on",
    "year": "January to December",
}
_EXAMPLES: Final = {
    "second": "secondly",
    "minute": 'minutely.before("30")',
    "hour": 'hourly.at("15:00")',
    "day": 'daily.between("10:00", "12:00")',
    "week": 'weekly.on("Mon")',
    "month": 'monthly.on("last")',
    "quarter": "quarterly.on(1)",
    "year": 'yearly.on("Dec 24")',
}


_TIME_PHRASES: Final = {
    "second": "time of second before 500",
    "minute": "time of minute before 30",
    "hour": "time of hour at 15:00",
    "day": "time of day between 10:00 and 12:00",
    "week": "time of week on Mon",
    "month": "time of month on last",
    "quarter": "time of quarter on 1",
    "year": "time of year on Dec 24",
}


def _once(unit: Unit) -> Word:
    about = f"Once every {unit}" + (f", {_ABOUT_UNIT[unit.name]}." if unit.name in _ABOUT_UNIT else ".")
    return Word(unit.adverb, about, _EXAMPLES[unit.name], OncePerWindow.of(unit), None, HOURS)


def _time_of(unit: Unit) -> Word:
    hours = _EXAMPLES[unit.name].partition(".")[2] or 'before("500")'
    example = f"time_of_{unit}.{hours}"
    about = f"While the time of the {unit} is within the given hours."
    word = f"time_of_{unit}"
    return Word(word, about, example, TimeOf.of(unit), None, HOURS, _TIME_PHRASES[unit.name])


_TASK: Final = WordArgument("task", ArgumentKind.TASK)
_TASKS: Final = WordArgument("tasks", ArgumentKind.TASK, many=True)
_LATER: Final = (
    WordArgument("delay", ArgumentKind.DURATION, required=False, by_name=True),
    WordArgument("within", ArgumentKind.DURATION, required=False, by_name=True),
)
_OUTCOMES: Final[dict[Outcome, str]] = {
    "success": "succeeded",
    "fail": "failed, was terminated or crashed",
    "finish": "ended in any way",
    "missed": "missed a start",
}


def _after(outcome: Outcome, many: Many) -> Word:
    def make(*tasks: str, delay: str | None = None, within: str | None = None) -> After:
        return After.of(outcome, tasks, many, delay=delay, within=within)

    who = {"": "another task has", "all": "all of these tasks have", "any": "any of these tasks has"}[many]
    name = f"after_{many}_{outcome}" if many else f"after_{outcome}"
    about = f"When {who} {_OUTCOMES[outcome].replace('was', 'been')} since this task last started."
    example = f'{name}("extract", "load")' if many else f'{name}("extract")'
    ended = {"success": "succeeded", "fail": "failed", "finish": "finished", "missed": "missed"}[outcome]
    phrase = f"after {many} tasks 'extract', 'load' {ended}" if many else f"after task 'extract' {ended}"
    several = "" if many else f"write after_all_{outcome} or after_any_{outcome} for several tasks"
    return Word(
        name, about, example, make, (_TASKS, *_LATER) if many else (_TASK, *_LATER), phrase=phrase, for_several=several
    )


_WHAT: Final[dict[What, str]] = {
    "started": "has been started",
    "succeeded": "has succeeded",
    "failed": "has failed",
    "finished": "has ended in any way",
    "terminated": "has been terminated",
    "inacted": "has found nothing to do",
    "crashed": "has been interrupted by a shutdown or a crash of rocketd or the host",
    "missed": "has missed starts, one or several in a row",
}


def _happened(what: What) -> Word:
    about = f"When this task, or the one named, {_WHAT[what]}; compared with a number, so many times."
    phrase = f"task 'extract' has {what} today"
    return Word(what, about, f'{what}("extract").today', EventCondition(what), (_TASK,), SPANS, phrase)


_AGES: Final = (
    Word(
        "more_than",
        "For at least the given time.",
        'running.more_than("10 min")',
        None,
        (WordArgument("age", ArgumentKind.DURATION),),
    ),
    Word(
        "less_than",
        "For less than the given time.",
        'running.less_than("10 min")',
        None,
        (WordArgument("age", ArgumentKind.DURATION),),
    ),
    Word(
        "between",
        "For at least the first, but less than the second time.",
        'running.between("10 min", "1 h")',
        None,
        (WordArgument("more", ArgumentKind.DURATION), WordArgument("less", ArgumentKind.DURATION)),
    ),
)
_RETRY: Final = (
    WordArgument("times", ArgumentKind.COUNT, required=False),
    WordArgument("delay", ArgumentKind.DURATION, required=False, by_name=True),
    WordArgument("factor", ArgumentKind.NUMBER, required=False, by_name=True),
    WordArgument("max_delay", ArgumentKind.DURATION, required=False, by_name=True),
    WordArgument("jitter", ArgumentKind.DURATION, required=False, by_name=True),
    WordArgument("within", ArgumentKind.DURATION, required=False, by_name=True),
)
_EVERY: Final = (
    WordArgument("interval", ArgumentKind.DURATION),
    WordArgument("based", ArgumentKind.CHOICE, required=False),
)
_CALENDAR: Final = (
    WordArgument("line", ArgumentKind.CALENDAR),
    WordArgument("within", ArgumentKind.DURATION, required=False, by_name=True),
)
_CRON: Final = (
    WordArgument("line", ArgumentKind.CRON),
    WordArgument("within", ArgumentKind.DURATION, required=False, by_name=True),
)

_TABLE: Final = (
    *map(_once, UNITS),
    *map(_time_of, UNITS),
    Word(
        "every",
        "At an interval since the last run, or its end.",
        'every("10 minutes")',
        Every.of,
        _EVERY,
        phrase="every 10 minutes",
    ),
    Word("cron", "At the times of a cron line.", 'cron("0 3 * * 1-5")', cron, _CRON, phrase="cron 0 3 * * 1-5"),
    Word(
        "calendar",
        "At the times of a calendar line, as OnCalendar= of systemd.",
        'calendar("Mon..Fri 03:00")',
        Tick.calendar,
        _CALENDAR,
        phrase="calendar Mon..Fri 03:00",
    ),
    Word(
        "crontime",
        "While it is a minute that a cron line matches.",
        'crontime("* 8-17 * * 1-5")',
        CronTime.of,
        (WordArgument("line", ArgumentKind.CRON),),
        phrase="crontime * 8-17 * * 1-5",
    ),
    Word(
        "retry",
        "When the last run failed, up to the given number of times.",
        "retry(3)",
        Retry(),
        _RETRY,
        phrase="retry 3",
    ),
    *(_after(outcome, many) for outcome in _OUTCOMES for many in ("", "all", "any")),
    *map(_happened, _WHAT),
    Word(
        "running",
        "While this task, or the one named, is running.",
        'running("extract")',
        Running(),
        (_TASK,),
        _AGES,
        phrase="task 'extract' is running",
    ),
    *DATE_WORDS,
    *WORK_DAY_WORDS,
    *HOST_WORDS,
    Word("true", "Always.", "true", TRUE),
    Word("false", "Never.", "false", FALSE),
    Word("always", "The same as true.", "always", TRUE),
    Word("never", "The same as false.", "never", FALSE),
)

WORDS: Final = {word.name: word for word in _TABLE}
"""Every word by its name."""
