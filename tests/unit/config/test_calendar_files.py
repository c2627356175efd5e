"""Calendars of working days: what is written in the settings and in the files, and what becomes of a mistake."""

import os
import sys
from datetime import date
from pathlib import Path

import pytest

from rocketd.config.calendar_files import MAX_BYTES, CalendarFile, read_calendar_file
from rocketd.config.calendar_lookup import coverage_warnings
from rocketd.config.date_lines import read_dates
from rocketd.config.host_queries import HostQueries
from rocketd.config.load_result import LoadResult
from rocketd.config.loader import load, recheck_host, reload
from rocketd.config.task_files import Rights
from rocketd.core.model.work_calendar import WorkCalendar, YearRange
from support.task_files import NOBODY, Folder, messages, names, outcome, root_only

TASK = '[task.a]\ncommand = ["/bin/true"]\nwhen = "{}"\n'
CHRISTMAS = date(2026, 12, 25).toordinal()


def calendar_of(loaded: LoadResult, name: str = "") -> WorkCalendar:
    return loaded.tasks[0].calendars.of(name)


def settings(folder: Folder, *paths: Path, more: str = "") -> None:
    folder.write("rocketd.toml", f"[calendar.default]\nholidays = {[str(path) for path in paths]}\n{more}")


# -- the lines


def test_dates_ranges_years_and_working_days() -> None:
    text = (
        "\ufeff# a comment\n2026-12-24 Christmas Eve # half\n\n 2026-12-30..2027-01-02\tshut\r\n12-25 Christmas Day\n"
        "+2026-12-31 stocktaking\ncovers 2026..2028\n02-29\n"
    )
    listed, problems = read_dates(text, "/x", b"")
    assert problems == ()
    days = {date.fromordinal(day).isoformat(): name for day, name in listed.days.items()}
    assert days == {
        "2026-12-24": "Christmas Eve", "2026-12-30": "shut", "2026-12-31": "shut", "2027-01-01": "shut",
        "2027-01-02": "shut",
    }  # fmt: skip
    assert listed.yearly == {(12, 25): "Christmas Day", (2, 29): ""}
    assert [date.fromordinal(day).isoformat() for day in listed.workdays] == ["2026-12-31"]
    assert listed.covers == YearRange(2026, 2028)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2026-02-29", "there is no 2026-02-29"),
        ("2026-2-9", "'2026-2-9' is not a date"),
        ("Christmas", "'Christmas' is not a date"),
        ("2026-12-24Christmas", "is not a date"),
        ("13-01", "there is no 13-01"),
        ("02-30 a day", "there is no 02-30"),
        ("2027-01-01..2026-12-24", "2026-12-24 comes before 2027-01-01"),
        ("2026-01-01..2027-01-02", "more than 366 days"),
        ("1899-12-31", "the year 1899 is not from 1900 to 2999"),
        ("3000-01-01", "the year 3000 is not from 1900 to 2999"),
        ("covers", "'' are not years"),
        ("covers 2028..2026", "2026 comes before 2028"),
        ("covers 2026\ncovers 2027", "given twice"),
        ("٢٠٢٦-12-24", "is not a date"),
    ],
)
def test_a_mistake_in_a_line_is_told_with_its_place(line: str, message: str) -> None:
    _, problems = read_dates(f"# first\n  {line}\n2026-12-24\n", "/x", b"")
    (problem,) = problems
    assert message in problem.message
    assert (problem.line, problem.column) == (3, 1) if "\n" in line else (2, 3)


def test_a_file_lists_a_bounded_number_of_dates() -> None:
    text = "".join(f"{year}-01-01..{year}-12-31\n" for year in range(1950, 2010))
    _, problems = read_dates(text, "/x", b"")
    assert [problem.message for problem in problems] == ["the file lists more than 20000 dates"]


# -- the file


def read(path: Path, *, strict: bool = True) -> CalendarFile:
    return read_calendar_file(str(path), Rights(frozenset({0, os.geteuid()}), strict), HostQueries())


def test_a_good_file_is_read(folder: Folder) -> None:
    found = read(folder.write("x.dates", "2026-12-25 Christmas Day\n"))
    assert (found.problem, found.directory) == ("", str(folder.path))
    assert found.listed is not None
    assert found.listed.name_of(CHRISTMAS) == "Christmas Day"


def test_nothing_is_known_of_a_file_that_is_wrong(folder: Folder) -> None:
    assert "there is no such file" in read(folder.path / "gone").problem
    assert "there is no such file" in read(folder.path / "no" / "gone").problem
    assert "empty" in read(folder.write("empty", "")).problem
    assert read(folder.write("none", "# none\n")).problem == ""
    assert "x.dates:1: 'soon' is not a date" in read(folder.write("x.dates", "soon\n")).problem
    (folder.path / "link").symlink_to(folder.path / "x.dates")
    assert "symbolic link" in read(folder.path / "link").problem
    os.mkfifo(folder.path / "fifo")
    assert "not a regular file" in read(folder.path / "fifo").problem
    big = folder.write("big", "#" * (MAX_BYTES + 1))
    assert "larger than 4 MiB" in read(big).problem
    (folder.path / "latin").write_bytes(b"2026-12-25 No\xebl\n")
    assert "not UTF-8" in read(folder.path / "latin").problem


@root_only
def test_whoever_can_write_it_could_say_when_root_runs_what(folder: Folder) -> None:
    path = folder.write("x.dates", "2026-12-25\n")
    path.chmod(0o666)
    assert "writable by everybody" in read(path).problem
    path.chmod(0o644)
    os.chown(path, NOBODY, 0)
    assert "belongs to" in read(path).problem
    assert read(path, strict=False).problem == "", "check reads it with a warning"
    assert [one.severity for one in read(path, strict=False).problems] == ["warning"]
    os.chown(path, 0, 0)
    folder.path.chmod(0o777)
    assert "writable by everybody" in read(path).problem
    folder.path.chmod(0o755)
    assert read(path).problem == ""


# -- in the settings


def test_a_task_knows_the_calendars_that_its_conditions_name(folder: Folder) -> None:
    path = folder.write("x.dates", "2026-12-25 Christmas Day\n")
    settings(folder, path, more='[calendar.gulf]\nweekend = ["Fri", "Sat"]\n')
    loaded = folder.load(TASK.format(f"daily & workday & ~holiday('gulf') | daily & dates('{path}')"))
    assert messages(loaded) == []
    assert calendar_of(loaded).is_holiday(CHRISTMAS)
    assert calendar_of(loaded, "gulf").weekend == {4, 5}
    assert calendar_of(loaded, "gulf").is_holiday(CHRISTMAS) is False
    assert loaded.tasks[0].calendars.file(str(path)).is_holiday(CHRISTMAS)
    assert folder.load(TASK.format("daily")).tasks[0].calendars.named == ()


def test_a_calendar_that_is_not_there_is_an_error_with_a_hint(folder: Folder) -> None:
    settings(folder, more="[calendar.nyse]\n")
    loaded = folder.load(TASK.format("daily & workday('nyze')"))
    (problem,) = loaded.problems
    assert (problem.message, problem.hint) == ("there is no calendar 'nyze'", "did you mean nyse?")
    assert problem.source_line[problem.column - 1 :].startswith("nyze")


def test_without_settings_the_weekend_is_saturday_and_sunday(folder: Folder) -> None:
    loaded = folder.load(TASK.format("daily & workday"))
    assert messages(loaded) == []
    assert calendar_of(loaded) == WorkCalendar()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[calendar]\nweekend = []\n", "'weekend' belongs to one calendar"),
        ("calendar = 1\n", "this must be a table"),
        ('[calendar.default]\nweekend = ["Sat", "Sunday"]\n', "Sunday"),
        (
            '[calendar.default]\nweekend = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]\n',
            "a week needs a working day",
        ),
        ('[calendar.default]\nholidays = ["x.dates"]\n', "not an absolute path"),
        ('[calendar.default]\nholiday = ["/x"]\n', "[calendar.NAME] has no key 'holiday'"),
        ('[calendar."a b"]\n', "cannot be the name of a calendar"),
    ],
)
def test_mistakes_in_the_settings(folder: Folder, text: str, message: str) -> None:
    folder.write("rocketd.toml", text)
    loaded = folder.load()
    assert any(message in one for one in messages(loaded)), messages(loaded)
    assert not loaded.settings_valid


def test_only_rocketd_toml_has_calendars(folder: Folder) -> None:
    assert folder.problems("[calendar.default]\n") == ["[calendar] is only allowed in rocketd.toml"]


# -- what becomes of a mistake


def test_nothing_is_known_while_a_file_is_broken_and_its_tasks_stay(folder: Folder) -> None:
    path = folder.write("x.dates", "2026-12-25\n")
    settings(folder, path)
    loaded = folder.load(TASK.format("daily & workday"))
    assert calendar_of(loaded).is_workday(CHRISTMAS) is False
    folder.write("x.dates", "2026-12-25\nsoon\n")
    for again in (reload(loaded), recheck_host(loaded), load([folder.path])):
        assert (names(again), calendar_of(again).is_workday(CHRISTMAS)) == (["a"], None)
        (problem,) = again.problems
        assert (problem.file, problem.line, problem.severity) == (str(path), 2, "error")
        assert not again.valid


def test_a_change_of_a_file_is_seen_without_a_reload_and_edits_wait_for_one(folder: Folder) -> None:
    path = folder.write("x.dates", "2026-12-24\n")
    settings(folder, path)
    loaded = folder.load(TASK.format("daily & workday"))
    assert recheck_host(loaded) == loaded
    folder.write("x.dates", "2026-12-25\n")
    folder.write("tasks.toml", TASK.format("weekly & workday"))
    again = recheck_host(loaded)
    assert calendar_of(again).is_workday(CHRISTMAS) is False
    assert str(again.tasks[0].when) == "daily & workday"
    assert again.tasks[0].fingerprint == loaded.tasks[0].fingerprint
    assert str(reload(again).tasks[0].when) == "weekly & workday"


def test_tasks_of_a_broken_file_stay_and_know_the_calendars_of_now(folder: Folder) -> None:
    path = folder.write("x.dates", "2026-12-24\n")
    settings(folder, path, more="[calendar.nyse]\n")
    loaded = folder.load(TASK.format("daily & workday & workday('nyse')"))
    folder.write("tasks.toml", "broken")
    folder.write("x.dates", "2026-12-25\n")
    kept = reload(loaded)
    assert (names(kept), outcome(kept, "tasks.toml")) == (["a"], "kept")
    assert calendar_of(kept).is_workday(CHRISTMAS) is False
    settings(folder, path)
    assert "there is no calendar 'nyse'" in calendar_of(reload(kept), "nyse").problem


def test_a_file_that_is_missing_is_looked_for_again(folder: Folder) -> None:
    settings(folder, folder.path / "late.dates")
    loaded = folder.load(TASK.format("daily & workday"))
    assert loaded.is_transient
    assert "there is no such file" in calendar_of(loaded).problem
    folder.write("late.dates", "2026-12-25\n")
    again = recheck_host(loaded)
    assert (messages(again), calendar_of(again).is_workday(CHRISTMAS)) == ([], False)


def test_settings_that_never_were_good_do_not_make_every_weekday_a_working_day(folder: Folder) -> None:
    folder.write("rocketd.toml", "[calendar.default]\nholidays = 1\n")
    loaded = folder.load(TASK.format("daily & workday"))
    assert calendar_of(loaded).is_workday(CHRISTMAS) is None
    assert calendar_of(recheck_host(loaded)).is_workday(CHRISTMAS) is None
    settings(folder, folder.write("x.dates", "2026-12-25\n"))
    good = reload(loaded)
    assert calendar_of(good).is_workday(CHRISTMAS) is False
    folder.write("rocketd.toml", "[calendar.default]\nholidays = 1\n")
    kept = reload(good)
    assert calendar_of(kept).is_workday(CHRISTMAS) is False, "the last good ones count"
    assert outcome(kept, "rocketd.toml") == "kept"


def test_another_weekend_reaches_the_tasks_at_a_reload(folder: Folder) -> None:
    settings(folder)
    loaded = folder.load(TASK.format("daily & workday"))
    folder.write("rocketd.toml", '[calendar.default]\nweekend = ["Fri"]\n')
    assert calendar_of(recheck_host(loaded)).weekend == {5, 6}
    assert calendar_of(reload(loaded)).weekend == {4}


def test_a_file_that_covers_few_years_is_warned_of_in_time(folder: Folder) -> None:
    covers = read(folder.write("x.dates", "covers 2026..2026\n2026-12-25\n"))
    open_ended = read(folder.write("y.dates", "2026-12-25\n"))
    yearly = read(folder.write("z.dates", "12-25\n"))

    def warned(today: date) -> list[str]:
        return [one.message for one in coverage_warnings((covers, open_ended, yearly), today)]

    assert warned(date(2026, 11, 1)) == []
    assert warned(date(2026, 11, 2)) == ["nothing is known of 2027"]
    assert warned(date(2026, 12, 26)) == [
        "nothing is known of 2027",
        "the last date is 2026-12-25, and the file does not say which years it covers",
    ]


@pytest.mark.parametrize(
    ("lines", "years"),
    [
        ("covers 2026..2027\n2025-12-25\n2026-12-25\n2028-01-01\n", "2025, 2028"),
        ("covers 2026..2026\n2026-12-24..2027-01-01\n", "2027"),
        ("covers 2026..2026\n+2027-01-02\n", "2027"),
        ("covers 2026..2027\n2026-12-24..2027-01-01\n12-25\n", ""),
    ],
)
def test_dates_that_a_file_says_it_does_not_cover_are_warned_of(folder: Folder, lines: str, years: str) -> None:
    found = [one.message for one in coverage_warnings((read(folder.write("x.dates", lines)),), date(2026, 1, 1))]
    assert found == ([f"dates of {years} do not count: the file covers other years"] if years else [])


# -- iCalendar

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Christmas
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20260501
RRULE:FREQ=YEARLY;UNTIL=20290601T000000Z
EXDATE;VALUE=DATE:20270501
SUMMARY:Labour Day
END:VEVENT
BEGIN:VEVENT
UID:2
RECURRENCE-ID;VALUE=DATE:20280501
DTSTART;VALUE=DATE:20280502
SUMMARY:Labour Day, moved
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20260606
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
UID:4
DTSTART:20260101T100000Z
SUMMARY:a meeting
END:VEVENT
END:VCALENDAR
"""


def test_all_day_events_are_dates(folder: Folder) -> None:
    pytest.importorskip("icalendar")
    found = read(folder.write("x.ics", ICS.replace("\n", "\r\n")))
    assert found.listed is not None
    days = {date.fromordinal(day).isoformat(): name for day, name in sorted(found.listed.days.items())}
    assert days == {
        "2026-05-01": "Labour Day", "2026-12-24": "Christmas", "2026-12-25": "Christmas", "2026-12-26": "Christmas",
        "2028-05-02": "Labour Day, moved", "2029-05-01": "Labour Day",
    }  # fmt: skip
    assert [one.message for one in found.problems] == ["1 event with a time does not count: only whole days do"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("FREQ=YEARLY", "FREQ=SECONDLY", "recurs more often than daily"),
        ("BEGIN:VCALENDAR", "BEGIN:SOMETHING", "not iCalendar"),
        ("DTSTART;VALUE=DATE:20261224\n", "", "has no DTSTART"),
        ("20261224", "soon", "the DTSTART of the event 'Christmas' cannot be read"),
        ("20261224", "20260229", "the DTSTART of the event 'Christmas' cannot be read"),
        ("20261227", "2026122", "the DTEND of the event 'Christmas' cannot be read"),
        (
            "RRULE:FREQ=YEARLY;UNTIL=20290601T000000Z",
            "RRULE:yearly",
            "the RRULE of the event 'Labour Day' cannot be read",
        ),
        ("EXDATE;VALUE=DATE:20270501", "EXDATE;VALUE=DATE:never", "the EXDATE of the event 'Labour Day' cannot be"),
        (
            "RRULE:FREQ=YEARLY;UNTIL=20290601T000000Z",
            "RRULE FREQ=YEARLY",
            "the RRULE of the event 'Labour Day' cannot be",
        ),
        ("SUMMARY:a meeting", "X-NOTE;VALUE=DATE:never", ""),
        (ICS, "hello\n", "not iCalendar"),
        ("FREQ=YEARLY", "FREQ=DAILY;UNTIL=21000101", ""),
    ],
)
def test_what_cannot_be_read_as_icalendar_is_unknown(folder: Folder, old: str, new: str, message: str) -> None:
    pytest.importorskip("icalendar")
    found = read(folder.write("x.ics", ICS.replace(old, new)))
    assert message in found.problem
    assert bool(found.problem) or found.listed is not None


def test_without_the_library_a_calendar_file_is_a_problem(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icalendar", None)
    found = read(folder.write("x.ics", ICS))
    assert "icalendar, which is not installed" in found.problem
    assert "rocketd[ics]" in found.problems[0].hint
