"""Notes about conditions that are right: what a word of them does not mean, and what has changed."""

import pytest

from rocketd.config import load
from rocketd.config.check_report import check_text
from rocketd.config.condition_notes import notes_about
from rocketd.core.language.parser import parse
from support.task_files import Folder


def told(condition: str) -> str:
    return "\n".join(note.message for note in notes_about(parse(condition)))


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ('calendar("Sat 09:00") & monthly', "monthly is judged at each tick only"),
        ('cron("0 3 * * *") & every("36 h") & daily', 'every("1d 12h") and daily are judged at each tick only'),
        ('daily | (cron("0 3 * * *") | after_success("b")) & ~weekly', "~weekly is judged at each tick only"),
        ('cron("0 3 * * *") & ~succeeded("b").today', 'in succeeded("b").today;'),
        ('cron("0 3 * * *") & (every("2 days") | path_exists("/p"))', "is judged now, not at the tick"),
        ('cron("0 3 1-7 * 1")', "on the days 1-7 of the month, and also on each 1 of the week"),
        ('cron("0 3 13 * fri") | retry(3)', "either is enough"),
        ('calendar("Mon..Fri 10:00,12:30") & workday', "ticks at 10:00:30 and 10:12:30"),
        ('daily & iso_week("odd")', "is not every other week"),
        ('daily & cycle("14 days", since="2026-12-03")', "one day in 14"),
        ("monthly.on(1)", "lost if the host is down"),
        ('yearly.on("Dec 24 10:00")', "lost if the host is down"),
        ('every("2 days") & time_of_day.after("08:00")', "days are calendar days in"),
    ],
)
def test_what_has_changed_beside_a_tick_is_noted(condition: str, part: str) -> None:
    assert part in told(condition)


@pytest.mark.parametrize(
    "condition",
    ["monthly.after(1)", 'yearly.on("Dec")', "daily & iso_week(7)", 'daily.at("10:00")',
     'daily & cycle("10 days", since="2026-12-03")',
     'cron("0 3 * * *")', 'cron("0 3 1 * *")', 'cron("0 3 */2 * 1")', 'cron("0 3 * * 1#1")',
     'daily & every("36 h")', 'cron("0 3 * * *") & time_of_week.on("Mon")', 'every("2 days")',
     '~(cron("0 3 * * *") & daily)', 'cron("0 3 * * *") & ~failed("b").past("2 h")', 'cron("0 3 * * *") & true',
     '(cron("0 3 * * *") | after_success("b")) & ~running("b")'],
)  # fmt: skip
def test_what_has_not_changed_is_not_noted(condition: str) -> None:
    assert not told(condition)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("10:00,12:00", "write 10,12:00"),
        ("Mon 10:00,12:30", 'write calendar("10:00") | calendar("12:30")'),
        ("10:00,12", ""),
        ("10,12:00", ""),
        ("10:00:00,30", ""),
        ("*:0/15", ""),
    ],
)
def test_a_comma_of_a_calendar_line_is_between_minutes(line: str, hint: str) -> None:
    assert [note.hint for note in notes_about(parse(f"calendar('{line}')"))] == ([hint] if hint else [])


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("0 3 1-7 * 1", 'for that weekday in those days write cron("0 3 * * 1#1")'),
        ("0 3 22-28 6 sat", 'for that weekday in those days write cron("0 3 * 6 sat#4")'),
        ("0 3 1-7 * 1L", 'for days that are both write cron("0 3 1-7 * *") & time_of_week.on(…)'),
        ("0 3 13 * fri", 'for days that are both write cron("0 3 13 * *") & time_of_week.on(…)'),
        ("0 3 1-7 * mon-fri", 'for days that are both write cron("0 3 1-7 * *") & time_of_week.on(…)'),
    ],
)
def test_two_day_fields_are_noted_with_the_line_that_was_meant(line: str, hint: str) -> None:
    (note,) = notes_about(parse(f"cron('{line}')"))
    assert note.hint == hint


@pytest.mark.parametrize(
    ("condition", "noted"),
    [
        ('cron("30 2 * * *") & time_of_day.between("20:00", "04:00")', True),
        ('cron("0 9 * * *") & time_of_day.between("08:00", "18:00")', True),  # the hour before the next tick
        ('(cron("0 9 * * *") | cron("0 12 * * *")) & time_of_day.between("08:00", "18:00")', True),
        ('cron("0 8 * * *") & time_of_day.between("08:00", "18:00")', False),
        ('cron("*/5 * * * *") & time_of_day.between("08:00", "18:00")', False),
        ('cron("0 23 * * *") & time_of_week.between("Mon", "Fri")', False),
        ('cron("0 3 * * *") & time_of_day.after("04:00")', False),
    ],
)
def test_hours_that_come_again_before_the_next_tick_are_noted(condition: str, noted: bool) -> None:  # noqa: FBT001
    found = [note.message for note in notes_about(parse(condition))]
    assert any("without a break" in message for message in found) is noted


def test_notes_are_told_beside_problems_and_are_none(folder: Folder) -> None:
    folder.write("tasks.toml", """[task.a]\ncommand = ["/bin/true"]\nwhen = 'cron("0 3 * * *") & weekly'\n""")
    loaded = load([folder.path], at=1_795_521_600_000_000)
    assert loaded.valid
    lines = check_text(loaded).splitlines()
    assert lines[0].startswith(f"{folder.path}/tasks.toml:3:8: note: task 'a': weekly is judged at each tick only")
    assert lines[-1] == "1 task, no problems, 1 note"


def test_a_pattern_that_no_other_task_matches_is_warned_of(folder: Folder) -> None:
    text = """[task.a]\ncommand = ["/bin/true"]\nwhen = 'after_any_fail("tag:db", "x-*", "a*", "!a-*")'\n"""
    assert folder.load(text).problems == ()
    folder.write("tasks.toml", text)
    found = [problem.message for problem in load([folder.path], at=1_795_521_600_000_000).problems]
    assert sorted(found) == [f"no other task matches '{pattern}'" for pattern in ("a*", "tag:db", "x-*")]
    folder.write("more.toml", """[task.x-1]\ncommand = ["/bin/true"]\ntags = ["db"]\n""")
    folder.write("and.toml", """[task.a1]\ncommand = ["/bin/true"]\n""")
    assert not load([folder.path], at=1_795_521_600_000_000).problems


def test_tasks_that_a_pattern_leaves_out_are_named(folder: Folder) -> None:
    folder.write(
        "tasks.toml",
        """
[task.tell]
command = ["/bin/true"]
when = 'after_any_fail("*")'
[task.report]
command = ["/bin/true"]
when = 'after_any_fail("*")'
[task.other]
command = ["/bin/true"]
""",
    )
    found = load([folder.path], at=1_795_521_600_000_000).problems
    assert [(one.severity, one.message) for one in found] == [
        ("note", "its patterns do not count report, as each run of one would start the other"),
        ("note", "its patterns do not count tell, as each run of one would start the other"),
    ]


def test_a_date_that_is_over_is_told(folder: Folder) -> None:
    folder.write("tasks.toml", """[task.a]\ncommand = ["/bin/true"]\nwhen = 'daily & until("2026-01-31")'\n""")
    (problem,) = load([folder.path], at=1_795_521_600_000_000).problems
    assert problem.hint == 'until("2026-01-31") has ended on Sat 2026-01-31'


def test_a_line_of_another_zone_beside_dates_is_told(folder: Folder) -> None:
    folder.write(
        "tasks.toml",
        """[task.a]\ncommand = ["/bin/true"]\nwhen = 'calendar("23:00 America/New_York") & workday & ~running("b")'\n"""
        """[task.b]\ncommand = ["/bin/true"]\nwhen = 'calendar("23:00") & workday'\n""",
    )
    (problem,) = load([folder.path], at=1_795_521_600_000_000).problems
    assert problem.task == "a"
    assert problem.message.startswith("workday is asked about the date in the zone of the task")
