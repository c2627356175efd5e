"""Working days while the scheduler runs: what a change of a calendar does, and what is missed as nothing is known."""

from dataclasses import replace
from datetime import date

from rocketd.core.instant import DAY
from rocketd.core.model.work_calendar import Calendars, DateList, WorkCalendar, YearRange
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour, World


def listed(*days: str, covers: YearRange | None = None) -> Calendars:
    dates = {date.fromisoformat(day).toordinal(): "" for day in days}
    return Calendars(
        (("", WorkCalendar(lists=(DateList("/x", repr((days, covers)).encode(), dates, covers=covers),))),)
    )


def with_calendars(when: str, calendars: Calendars, start: str = "2026-12-23 09:30") -> World:
    made = world(replace(task("a", when), calendars=calendars), start=start)
    made.boot()
    return made


def change(made: World, calendars: Calendars) -> None:
    made.tasks["a"] = replace(made.tasks["a"], calendars=calendars)
    made.reload()


def days(made: World) -> list[int]:
    return [start // DAY - at("2026-12-01") // DAY + 1 for start in made.starts("a")]


def test_a_change_of_a_calendar_counts_at_once_and_arms_nothing() -> None:
    made = with_calendars("cron('0 10 * * *') & workday", listed("2026-12-24"))
    made.run_until(at("2026-12-24 11:00"))
    armed = made.states["a"].armed_at
    assert days(made) == [23]
    change(made, listed())
    made.run_until(at("2026-12-24 12:00"))
    assert days(made) == [23, 24], "the tick of 10:00 counts now"
    assert made.states["a"].armed_at == armed


def test_a_day_that_becomes_a_holiday_takes_the_chance_away_and_undoes_no_start() -> None:
    made = world(
        replace(task("a", "cron('0 10 * * *') & workday"), mutex="m", calendars=listed()),
        replace(task("b", "cron('55 9 * * *')"), mutex="m"),
        start="2026-12-23 09:30",
    )
    made.behaviours["b"] = Behaviour(takes=DAY // 24)
    made.boot()
    made.run_until(at("2026-12-23 10:10"))
    assert started(made) == ["b/1"]
    change(made, listed("2026-12-23"))
    made.run_until(at("2026-12-23 12:00"))
    (missed,) = made.missed("a")
    assert (missed.first, missed.reason) == (at("2026-12-23 10:00"), "the calendar has changed")
    change(made, listed())
    made.run_until(at("2026-12-24 12:00"))
    assert days(made)[-1] == 24


def test_a_change_that_leaves_the_chance_open_misses_nothing() -> None:
    made = world(
        replace(task("a", "cron('0 10 * * *') & workday"), mutex="m", calendars=listed()),
        replace(task("b", "cron('55 9 * * *')"), mutex="m"),
        start="2026-12-23 09:30",
    )
    made.behaviours["b"] = Behaviour(takes=DAY // 24)
    made.boot()
    made.run_until(at("2026-12-23 10:10"))
    change(made, listed("2026-12-25"))
    made.run_until(at("2026-12-23 11:30"))
    assert made.missed("a") == []
    assert days(made) == [23]


def test_ticks_of_which_nothing_is_known_are_missed_and_said_so() -> None:
    known = listed(covers=YearRange(2026, 2026))
    made = with_calendars("cron('0 10 * * *') & workday", known, start="2026-12-31 09:30")
    made.run_until(at("2027-01-06 09:00"))
    assert days(made) == [31]
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count, missed.reason) == (
        at("2027-01-01 10:00"), at("2027-01-04 10:00"), 2, "nothing is known of 2027",
    )  # fmt: skip


def test_a_tick_of_which_nothing_was_known_is_made_up_once_it_is() -> None:
    broken = Calendars((("", WorkCalendar(problem="/x: there is no such file")),))
    made = with_calendars("cron('0 10 * * *') & workday", broken)
    made.run_until(at("2026-12-24 13:00"))
    assert not made.begun
    assert [(one.first, one.reason) for one in made.missed("a")] == [
        (at("2026-12-23 10:00"), "/x: there is no such file")
    ]
    change(made, listed())
    made.run_until(at("2026-12-24 14:00"))
    assert days(made) == [24]
    assert made.begun[0].due == at("2026-12-24 10:00")


def test_what_is_not_wanted_on_any_day_is_not_missed() -> None:
    broken = Calendars((("", WorkCalendar(problem="/x: there is no such file")),))
    made = with_calendars("cron('0 10 * * *') & workday & time_of_week.on('Sun')", broken)
    made.run_until(at("2026-12-26 12:00"))
    assert made.missed("a") == []
    made = with_calendars("cron('0 10 * * *') & ~holiday & ~(workday & running('b'))", broken)
    made.run_until(at("2026-12-24 12:00"))
    assert len(made.missed("a")) == 1, "also where a date is wanted not to be one"


def test_a_window_of_a_working_day_is_gone_with_the_day() -> None:
    made = with_calendars("daily.after('10:00') & workday", listed("2026-12-25"), start="2026-12-24 09:30")
    made.kill()
    made.now = at("2026-12-28 09:00")
    made.boot()
    made.run_until(at("2026-12-28 23:00"))
    assert days(made) == [28]
    assert [(one.first, one.count) for one in made.missed("a")] == [(at("2026-12-24 10:00"), 1)]
