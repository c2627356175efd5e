"""What is written in other dialects is told in ours, and means the same: expected are dates counted out by hand."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

import rocketd.conds
from rocketd.core.errors import ConditionError
from rocketd.core.instant import datetime_of, instant_of
from rocketd.core.language.dialects.translation import suggest_condition
from rocketd.core.language.parser import parse, read
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.forecast import starts
from rocketd.time_zones import named_zone

BEGIN = datetime(2026, 11, 24, 9, 30)  # noqa: DTZ001 - a Tuesday, on the clock of whichever zone
COUNT = 6

Days = Callable[[date], bool]
Expected = Callable[[], Iterator[datetime]]


def at(*clocks: str, days: Days = lambda _: True) -> Expected:
    """These times of day, on these days, after the beginning."""

    def found() -> Iterator[datetime]:
        for number in range(20_000):
            day = BEGIN.date() + timedelta(number)
            if days(day):
                for clock in clocks:
                    instant = datetime.combine(day, time.fromisoformat(clock))
                    if instant > BEGIN:
                        yield instant

    return found


def each(**length: float) -> Expected:
    """At once, and then at this interval."""
    return lambda: (BEGIN + number * timedelta(**length) for number in range(COUNT))


def dates(*texts: str) -> Expected:
    return lambda: iter([datetime.fromisoformat(text) for text in texts])


def on(*weekdays: int) -> Days:
    """Monday is 0."""
    return lambda day: day.weekday() in weekdays


def nth(number: int, weekday: int) -> Days:
    """The number-th such day of its month; -1: the last."""
    if number < 0:
        return lambda day: day.weekday() == weekday and (day + timedelta(7)).month != day.month
    return lambda day: day.weekday() == weekday and (day.day - 1) // 7 == number - 1


def of_month(*numbers: int) -> Days:
    return lambda day: day.day in numbers


def from_end(number: int) -> Days:
    """1 is the last day of the month."""
    return lambda day: (day + timedelta(number)).day == 1


def nearest(number: int) -> Days:
    """The working day next to that day of the month, in the same month."""

    def is_it(day: date) -> bool:
        wanted = day.replace(day=number)
        if wanted.weekday() == 5:
            wanted += timedelta(-1 if number > 1 else 2)
        elif wanted.weekday() == 6:
            wanted += timedelta(1)
        return day == wanted

    return is_it


def last_working(day: date) -> bool:
    rest = [day + timedelta(number) for number in range(1, 32)]
    return day.weekday() < 5 and all(one.weekday() > 4 for one in rest if one.month == day.month)


def from_end_of_long(day: date) -> bool:
    """The working day next to the 31st, of the months that have one."""
    return day.month in (1, 3, 5, 7, 8, 10, 12) and last_working(day)


def second_weeks(weekday: int) -> Days:
    """Every second such day, from the first on."""
    first = next(day for number in range(1, 8) if (day := BEGIN.date() + timedelta(number)).weekday() == weekday)
    return lambda day: (day - first).days % 14 == 0 and day >= first


def weeks_since_2019(weekday: int, weeks: int, offset: int) -> Days:
    """That weekday of every so many weeks, which are counted from Tuesday 1 January 2019 on, itself in week 1."""

    def is_it(day: date) -> bool:
        week = (day - date(2019, 1, 1)).days // 7 + 1
        return day.weekday() == weekday and week % weeks == offset % weeks

    return is_it


def of_rule(rule: str, start: datetime) -> Expected:
    """What dateutil makes of a recurrence, from the beginning on."""
    return lambda: (one for one in rrulestr(rule, dtstart=start) if one > BEGIN)


WORKDAYS = on(0, 1, 2, 3, 4)
QUARTERS = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 15, 30, 45))
FIVES = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(0, 60, 5))
HOURS = tuple(f"{hour:02}:00" for hour in range(24))

MIDNIGHT = at("00:00")
LINES: list[tuple[str, Expected, tuple[str, ...]]] = [
    # the first table
    ("0 0 0 L-3 * ?", at("00:00", days=from_end(4)), ()),
    ("0 0 15W * *", at("00:00", days=nearest(15)), ()),
    ("0 0 LW * *", at("00:00", days=last_working), ()),
    ("H H * * *", MIDNIGHT, ('splay = "1 day"',)),
    ("0 0 0 ? * MON *", at("00:00", days=on(0)), ()),
    ("0 2 * * 1 root /bin/x", at("02:00", days=on(0)), ('user = "root"', 'command = ["/bin/x"]')),
    ("CRON_TZ=Europe/Berlin 0 3 * * *", at("03:00"), ('timezone = "Europe/Berlin"',)),
    ("0 3 * * * Europe/Berlin", at("03:00"), ('timezone = "Europe/Berlin"',)),
    # Quartz, Spring
    ("0 15 10 ? * 2", at("10:15", days=on(0)), ()),
    ("0 15 10 ? * 2-6", at("10:15", days=WORKDAYS), ()),
    ("0 15 10 ? * 6L", at("10:15", days=nth(-1, 4)), ()),
    ("0 15 10 ? * 6#3", at("10:15", days=nth(3, 4)), ()),
    ("0 15 10 ? * L", at("10:15", days=on(5)), ()),
    ("0 15 10 ? * MON#1", at("10:15", days=nth(1, 0)), ()),
    ("0 15 10 L * ?", at("10:15", days=from_end(1)), ()),
    ("0 30 9 LW * ?", at("09:30", days=last_working), ()),
    ("0 30 9 1W * ?", at("09:30", days=nearest(1)), ()),
    ("0 0/5 14,18 * * ?", at(*(f"{h}:{m:02}" for h in (14, 18) for m in range(0, 60, 5))), ()),
    ("0 15 10 * * ? 2027", at("10:15", days=lambda day: day.year == 2027), ()),
    ("0 15 10 ? * MON-FRI 2027-2028", at("10:15", days=lambda day: day.year in (2027, 2028) and day.weekday() < 5), ()),
    ("0 15 10 ? * 6L 2027", at("10:15", days=lambda day: day.year == 2027 and nth(-1, 4)(day)), ()),
    ("0 15 10 ? JAN 6#3 2027-2090", at("10:15", days=lambda day: day.month == 1 and nth(3, 4)(day)), ()),
    ("0 15 10 1,15 * ? *", at("10:15", days=of_month(1, 15)), ()),
    # AWS
    ("0 10 * * ? *", at("10:00"), ()),
    ("cron(0 10 * * ? *)", at("10:00"), ()),
    ("cron(15 12 ? * 2-6 *)", at("12:15", days=WORKDAYS), ()),
    ("0 8 1 * ? 2027", at("08:00", days=lambda day: day.year == 2027 and day.day == 1), ()),
    ("rate(5 minutes)", each(minutes=5), ()),
    ("rate(1 hour)", each(hours=1), ()),
    ("rate(7 days)", each(days=7), ()),
    ("at(2027-11-20T13:00:00)", dates("2027-11-20T13:00"), ()),
    # Jenkins, OpenBSD
    ("H/15 * * * *", at(*QUARTERS), ('splay = "15 min"',)),
    ("H(0-29)/15 * * * *", at(*(clock for clock in QUARTERS if clock[3:] in ("00", "15"))), ('splay = "15 min"',)),
    ("H(0-29) * * * *", at(*HOURS), ('splay = "30 min"',)),
    ("H 2 * * *", at("02:00"), ('splay = "1 h"',)),
    ("H H(0-7) * * *", MIDNIGHT, ('splay = "8 h"',)),
    ("H H(9-16)/2 * * 1-5", at("09:00", "11:00", "13:00", "15:00", days=WORKDAYS), ('splay = "2 h"',)),
    ("H H * * H", at("00:00", days=on(6)), ('splay = "7 days"',)),
    ("~ 3 * * *", at("03:00"), ('splay = "1 h"',)),
    ("10~20 3 * * *", at("03:10"), ('splay = "11 min"',)),
    # of a crontab
    ("*/5 * * * *", at(*FIVES), ()),
    ("0 0 3 * * *", at("03:00"), ()),
    ("cron(*/5 * * * *)", at(*FIVES), ()),
    ("@hourly", at(*HOURS), ()),
    ("@midnight", MIDNIGHT, ()),
    ("@daily", MIDNIGHT, ()),
    ("@weekly root run-parts /etc/w", at("00:00", days=on(6)), ('user = "root"', 'command = ["run-parts", "/etc/w"]')),
    ("@every 5m", each(minutes=5), ()),
    ("@every 1h30m10s", each(hours=1, minutes=30, seconds=10), ()),
    ("0 2 * * 1 /bin/x --flag", at("02:00", days=on(0)), ('command = ["/bin/x", "--flag"]',)),
    (
        "17 2 * * * www-data php /x.php >/dev/null 2>&1",
        at("02:17"),
        ('user = "www-data"', "command = 'php /x.php >/dev/null 2>&1'", "shell = true"),
    ),
    ("5 2 * * * test -e /x && y", at("02:05"), ("command = 'test -e /x && y'", "shell = true")),
    ('5 2 * * * echo "it\'s"', at("02:05"), ('command = "echo \\"it\'s\\""', "shell = true")),
    ("TZ=UTC 0 3 * * *", at("03:00"), ('timezone = "UTC"',)),
    ("0 3 * * monday", at("03:00", days=on(0)), ()),
    ("0 3 * * Mo-Fr", at("03:00", days=WORKDAYS), ()),
    ("0 3 * * lundi,jeudi", at("03:00", days=on(0, 3)), ()),
    ("0 3 1 Dezember *", at("03:00", days=lambda day: (day.month, day.day) == (12, 1)), ()),
    ("0 3 * * weekdays", at("03:00", days=WORKDAYS), ()),
    ("0 24 * * *", MIDNIGHT, ()),
    ("*/90 * * * *", each(minutes=90), ()),
    ("0 */36 * * *", each(hours=36), ()),
    ("0 0 * * mon%2", at("00:00", days=weeks_since_2019(0, 2, 0)), ()),
    ("30 9 * * thu%4+1", at("09:30", days=weeks_since_2019(3, 4, 1)), ()),
    ("0 0 * * sun%3+2", at("00:00", days=weeks_since_2019(6, 3, 2)), ()),
    # systemd
    ("Mon..Fri 03:00", at("03:00", days=WORKDAYS), ()),
    ("*:0/15", at(*QUARTERS), ()),
    ("*-*-01 04:00", at("04:00", days=of_month(1)), ()),
    ("OnCalendar=Sat *-*-* 06:00", at("06:00", days=on(5)), ()),
    ("OnUnitActiveSec=15min", each(minutes=15), ()),
    # spans
    ("5m", each(minutes=5), ()),
    ("30 s", each(seconds=30), ()),
    ("1h 30m", each(minutes=90), ()),
    ("10 minutes", each(minutes=10), ()),
    ("PT5M", each(minutes=5), ()),
    ("every('PT1H30M')", each(minutes=90), ()),
    ("R/PT5M", each(minutes=5), ()),
    ("R5/2026-01-01T00:00:00Z/PT5M", each(minutes=5), ()),
    ("R/2026-01-01T03:00:00/P1D", at("03:00"), ()),
    ("R/2026-01-05T03:00:00/P1W", at("03:00", days=on(0)), ()),
    ("R/2026-01-01T03:20:00/PT1H", at(*(f"{hour:02}:20" for hour in range(24))), ()),
    ("RRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15", at("03:15"), ()),
    ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9", at("09:00", days=on(0, 2)), ()),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH;BYHOUR=9", at("09:00", days=second_weeks(3)), ()),
    ("FREQ=MONTHLY;BYMONTHDAY=1,15;BYHOUR=4", at("04:00", days=of_month(1, 15)), ()),
    ("FREQ=MONTHLY;BYMONTHDAY=-2;BYHOUR=4", at("04:00", days=from_end(2)), ()),
    ("FREQ=MONTHLY;BYDAY=2TU;BYHOUR=4", at("04:00", days=nth(2, 1)), ()),
    ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=4", at("04:00", days=nth(-1, 4)), ()),
    ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", at("00:00", days=lambda day: (day.month, day.day) == (12, 24)), ()),
    ("FREQ=HOURLY;BYMINUTE=20", at(*(f"{hour:02}:20" for hour in range(24))), ()),
    ("FREQ=MINUTELY;INTERVAL=15", each(minutes=15), ()),
    ("FREQ=DAILY;INTERVAL=3", each(days=3), ()),
    *(
        (f"DTSTART:{start:%Y%m%dT%H%M%S} RRULE:{rule}", of_rule(rule, start), ())
        for start in (datetime(2026, 11, 26, 9, 30), datetime(2026, 8, 2, 0, 0))  # noqa: DTZ001 - as above
        for rule in (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU",
            "FREQ=WEEKLY;INTERVAL=3",
            "FREQ=DAILY;INTERVAL=10",
            "FREQ=DAILY;INTERVAL=2;BYHOUR=10",
            "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15",
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR",
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=3;BYMONTHDAY=1",
            "FREQ=WEEKLY;BYDAY=MO;UNTIL=20271231",
        )
    ),
    ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=18", at("18:00", days=last_working), ()),
    ("rrule('FREQ=WEEKLY;BYDAY=MO;BYHOUR=9')", at("09:00", days=on(0)), ()),
    # English
    ("every day at 3:00", at("03:00"), ()),
    ("every day at 3am", at("03:00"), ()),
    ("every day at 3pm and 4:30 pm", at("15:00", "16:30"), ()),
    ("every day at noon in Europe/Berlin", at("12:00"), ('timezone = "Europe/Berlin"',)),
    ("every weekday at 6", at("06:00", days=WORKDAYS), ()),
    ("weekdays at 6:30", at("06:30", days=WORKDAYS), ()),
    ("mondays and thursdays at 9", at("09:00", days=on(0, 3)), ()),
    ("monday to wednesday at 9", at("09:00", days=on(0, 1, 2)), ()),
    ("every monday", at("00:00", days=on(0)), ()),
    ("first monday of the month", at("00:00", days=nth(1, 0)), ()),
    ("2nd Tuesday of every month at 9:30", at("09:30", days=nth(2, 1)), ()),
    ("monthly.on('2nd Tue')", at("00:00", days=nth(2, 1)), ()),
    ("monthly on last Fri", at("00:00", days=nth(-1, 4)), ()),
    ("last day of the month at 23:00", at("23:00", days=from_end(1)), ()),
    ("every month on the 15th at 4:00", at("04:00", days=of_month(15)), ()),
    ("every year on Dec 24", at("00:00", days=lambda day: (day.month, day.day) == (12, 24)), ()),
    ("every other monday", at("00:00", days=second_weeks(0)), ()),
    ("every 2 weeks on friday at 18:00", at("18:00", days=second_weeks(4)), ()),
    ("every other day at 3:00", at("03:00", days=lambda day: (day - date(2026, 11, 25)).days % 2 == 0), ()),
    ("hourly at :15", at(*(f"{hour:02}:15" for hour in range(24))), ()),
    ("every hour at :45", at(*(f"{hour:02}:45" for hour in range(24))), ()),
    ("every 15 minutes on weekdays", each(minutes=15), ()),
    ("every 12 hours", each(hours=12), ()),
    ("twice a day", each(hours=12), ()),
    ("once every 5 minutes from 8am to 6pm", each(minutes=5), ()),
    ("midnight", MIDNIGHT, ()),
    ("the 1st and 15th of each month at 6:00", at("06:00", days=of_month(1, 15)), ()),
    ("last weekday of the month", at("00:00", days=last_working), ()),
    ("first working day of the month at 7:00", at("07:00", days=nearest(1)), ()),
    ("twice daily", each(hours=12), ()),
    ("once a week on sunday at 5am", at("05:00", days=on(6)), ()),
    ("every half hour", each(minutes=30), ()),
    ("every quarter of an hour", each(minutes=15), ()),
    ("10 minutes past the hour", at(*(f"{hour:02}:10" for hour in range(24))), ()),
    ("second tuesday", at("00:00", days=nth(2, 1)), ()),
    ("second monday of the month at 9:00", at("09:00", days=nth(2, 0)), ()),
    ("fortnightly", each(days=14), ()),
    ("every fortnight on friday at 18:00", at("18:00", days=second_weeks(4)), ()),
    # Python
    ("interval(minutes=5)", each(minutes=5), ()),
    ("IntervalTrigger(hours=1, minutes=30)", each(minutes=90), ()),
    ("datetime.timedelta(weeks=2)", each(weeks=2), ()),
    ("every(minutes=5)", each(minutes=5), ()),
    ("every(5, 'minutes')", each(minutes=5), ()),
    ("cron(hour=3, minute=0)", at("03:00"), ()),
    ("cron(hour=3)", at("03:00"), ()),
    ("CronTrigger(day='last', hour=3)".replace("last", "15"), at("03:00", days=of_month(15)), ()),
    ("CronTrigger(day_of_week='mon-fri', hour=9, minute=30)", at("09:30", days=WORKDAYS), ()),
    ("CronTrigger(day_of_week='0,2-3', hour=9)", at("09:00", days=on(0, 2, 3)), ()),
    ("CronTrigger(day_of_week=6)", at("00:00", days=on(6)), ()),
    ("CronTrigger(hour='*/12', timezone='Europe/Berlin')", at("00:00", "12:00"), ('timezone = "Europe/Berlin"',)),
    ("CronTrigger(month=12, day=24)", at("00:00", days=lambda day: (day.month, day.day) == (12, 24)), ()),
    ("crontab(minute='*/15')", at(*QUARTERS), ()),
    ("crontab(hour=3, minute=30, day_of_week=0)", at("03:30", days=on(6)), ()),
    ("crontab(hour=3)", at(*(f"03:{minute:02}" for minute in range(60))), ()),
    ("crontab(minute=0, hour=0, day_of_month='1')", at("00:00", days=of_month(1)), ()),
    ("schedule.every(10).minutes.do(job)", each(minutes=10), ()),
    (r"schedule.every(10).minutes.do('\d')", each(minutes=10), ()),  # of which Python warns
    ("schedule.every(2).hours", each(hours=2), ()),
    ("every().day.at('10:30')", at("10:30"), ()),
    ("schedule.every().monday.at('09:00').do(job).tag('x')", at("09:00", days=on(0)), ()),
    ("every(2).weeks", each(weeks=2), ()),
    ("0 0 * * 1%2", at("00:00", days=weeks_since_2019(0, 2, 0)), ()),
    ("schedule: '0 3 * * *'", at("03:00"), ()),
    ("0 0 12 31W * ?", at("12:00", days=from_end_of_long), ()),
]  # fmt: skip


def advised(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        parse(text, named_zone)
    return caught.value


def suggested(hint: str) -> tuple[str, tuple[str, ...]]:
    """The first condition that a hint says to write, and the settings beside it."""
    first, *rest = re.split(r"(?:, or | and (?=\w+ = )|, (?=\w+ = ))", hint.removeprefix("write "))
    return first, tuple(one for one in rest if " = " in one)


def zone_of(settings: tuple[str, ...]) -> tzinfo:
    named = [ZoneInfo(one.split('"')[1]) for one in settings if one.startswith("timezone")]
    return named[0] if named else UTC


def begun(condition: str, zone: tzinfo, count: int) -> list[datetime]:
    task = Task("t", Command(("true",)), parse(condition, named_zone), zone=zone)
    found = starts(task, instant_of(BEGIN.replace(tzinfo=zone)), count)
    return [datetime_of(one, zone).replace(tzinfo=None) for one in found.instants]


VALID = ("every 12 hours",)
"""What is in the list though it is no mistake here."""


@pytest.mark.parametrize(("text", "expected", "settings"), LINES, ids=[text for text, _, _ in LINES])
def test_what_is_said_to_write_starts_when_the_other_would_have(
    text: str, expected: Expected, settings: tuple[str, ...]
) -> None:
    if text in VALID:
        assert begun(text, UTC, COUNT) == list(islice(expected(), COUNT))
        return
    error = advised(text)
    assert text[error.start : error.end] == text
    assert error.hint.startswith("write "), error
    condition, beside = suggested(error.hint)
    assert beside == settings
    wanted = list(islice(expected(), COUNT))
    assert begun(condition, zone_of(beside), len(wanted)) == wanted


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("*/5 * * * *", "write cron('*/5 * * * *')"),
        ("@daily", "write cron('@daily'), or daily"),
        ("Mon..Fri 03:00", "write calendar('Mon..Fri 03:00')"),
        ("every day at 3:00", "write daily at 3:00, or cron('0 3 * * *')"),
        ("every 15 minutes on weekdays", "write every 15 minutes & time of week between Mon and Fri"),
        ("weekday & daily", "write daily & time of week between Mon and Fri"),
        ("monthly.on('2nd Tue')", "write cron('0 0 * * 2#2')"),
        ("@reboot", 'write on = "boot"'),
        ("@reboot root /bin/x", 'write on = "boot", user = "root" and command = ["/bin/x"]'),
        ("OnBootSec=5min", 'write on = "boot"'),
        ("on boot", 'write on = "boot"'),
        ("@startup", 'write on = "startup"'),
        ("every reboot", 'write on = "boot"'),
        ("every day except sunday", "write daily & time of week between Mon and Sat"),
        ("every 5 min between 8:00 and 18:00", "write every 5 minutes & time of day between 8:00 and 18:00"),
        ("hourly on weekends", "write hourly & time of week on Sat, Sun"),
        ("03:00", "write daily at 3:00, or calendar('03:00')"),
        ("calendar('*/5 * * * *')", "write cron('*/5 * * * *')"),
        ("cron('Mon..Fri 03:00')", "write calendar('Mon..Fri 03:00')"),
        ("cron 0 0 12 ? * MON *", "write cron('0 12 * * MON')"),
        ("cron('0 3 * * monday')", "write cron('0 3 * * mon')"),
        ("(@daily | retry(3)) & time_of_day.after('03:00')", "write cron('@daily'), or daily"),
        ("path_exists('/x') & */5 * * * *", "write cron('*/5 * * * *')"),
        ("daily & every fortnight", "write every 2 weeks"),
        ("~(Mon 03:00)", "write calendar('Mon 03:00')"),
    ],
)
def test_the_hint_in_its_words(text: str, hint: str) -> None:
    error = advised(text)
    assert error.hint == hint
    for condition in re.split(", or ", hint.removeprefix("write ")):
        if " = " not in condition:
            parse(condition)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*/5 * * * *", "this is a cron line"),
        ("0 0 0 ? * MON *", "this is a Quartz cron line, where Sunday is 1"),
        ("0 10 * * ? *", "this is an AWS cron line, where the year comes last and Sunday is 1"),
        ("H H * * *", "H picks a number in Jenkins"),
        ("0 2 * * 1 root /bin/x", "this is a crontab line with its command"),
        ("0 3 * * * root", "this is a crontab line with its user"),
        ("*/5 8-17 * * 1-5 www-data", "this is a crontab line with its user"),
        ("0 0 3 * * mon", "this is a cron line"),
        ("OnCalendar=daily", "this is a setting of a systemd timer"),
        ("OnCalendar = Weekly", "this is a setting of a systemd timer"),
        ("CRON_TZ=UTC 0 3 * * *", "this is a cron line, with a time zone"),
        ("Mon..Fri 03:00", "this is a systemd calendar line"),
        ("every day at 3:00", "this is a schedule in English"),
        ("cron('0 3 * * monday')", "monday is not a day of the week"),
        ("every('1 month')", "a month is not a length of time"),
        ("every month", "this is a schedule in English"),
    ],
)
def test_the_message_says_what_it_is(text: str, message: str) -> None:
    assert advised(text).message == message


UNKNOWN = r"""
hourley
daily & Hourly
'daily'
(daily
3
daily at 10
every 10 mn
every mon except
daily hourly
cron('0 3 * *')
cron('15W')
FREQ=DAILY;BYHOUR=x
FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO
R/x
P
every('10 min', based='succes')
daily.between('10:00')
rate(x)
@dayly
foo bar
every 0 minutes
at 25:00
last
monthly.on('first')
yearly.on('Febuary')
cron('0 0 30 2 *')
0 0 30 2 *
every day at 3:00 or so
FREQ=WEEKLY;BYHOUR=3
FREQ=DAILY;INTERVAL=0
OnFoo=1
every 2 quarters
daily at :15
daily fortnightly
interval(minutes=x)
interval()
cron(week=3)
crontab(*rules)
every(5, unit='minutes')
timedelta(0)
schedule.every(5).do(job)
* * * * * * * *
"""


@pytest.mark.parametrize("text", UNKNOWN.strip().split("\n"))
def test_nothing_is_made_up(text: str) -> None:
    """Where it is not known what was meant, the first error stays."""
    with pytest.raises(ConditionError) as caught:
        read(text, named_zone)
    error = advised(text)
    assert (error.message, error.hint) == (caught.value.message, caught.value.hint)


def test_python_is_told_as_well() -> None:
    with pytest.raises(ConditionError) as caught:
        rocketd.conds.cron("0 0 0 ? * MON *")
    assert caught.value.hint == "write cron('0 0 * * MON')"
    with pytest.raises(ConditionError, match="longer than zero"):
        rocketd.conds.cron("0 0 * * *", within="0s")
    with pytest.raises(ConditionError) as caught:
        rocketd.conds.calendar("*/5 * * * *")
    assert caught.value.hint == "write cron('*/5 * * * *')"


PIECES = r"""
* */5 0 3 1-5 ? H H/15 H(0-7) ~ L LW L-3 15W mon%2 MON#1 2027 @daily @every @reboot root /bin/x | & ( ) ' "
cron calendar every day at 3:00 3am monday weekdays first of the month except between and 8:00 R/ PT5M P1D
FREQ= RRULE: BYDAY=MO ; CRON_TZ= Europe/Berlin UTC rate( 5 minutes Mon..Fri *-*-01 OnCalendar= :15 hourly . \ é
"""
PIECE = st.sampled_from([*PIECES.split(), " ", "\n"])


@given(st.lists(PIECE, max_size=12).map(" ".join) | st.lists(PIECE, max_size=6).map("".join))
def test_whatever_is_said_to_write_reads(text: str) -> None:
    try:
        read(text, named_zone)
    except ConditionError as error:
        told = suggest_condition(error, text, lambda condition: read(condition, named_zone))
        assert 0 <= told.start <= told.end <= len(text)
        assert told.message.isprintable()
        assert told.hint.isprintable()
        if told is not error and told.hint.startswith("write "):
            condition, settings = suggested(told.hint)
            if " = " not in condition:
                parse(condition, named_zone)
            assert condition or settings


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "0 5 * * mon" + "-" * 80 + ".",
        "0 5 * * mon" + "-a#" * 60 + "!",
        "0 5 * * mon" + "a" * 200 + "!",
        "TZ=UTC " * 20 + "x" + " UTC" * 20,
        "(" * 20_000,
        ")" * 20_000,
        "(~ " * 6_000 + "daily",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    """Each kept the reader busy for seconds, or for years: a pattern, or a search, that tried all ways to divide it."""
    with pytest.raises(ConditionError):
        parse(text)
