"""Tasks that would start again and again, or never: what `check` warns of, at noon of Tue 2026-11-24 UTC."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rocketd.config import condition_warnings, load
from rocketd.config.check_report import check_text
from rocketd.config.condition_warnings import suggestion
from rocketd.core.instant import DAY, FOREVER, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import FALSE
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.forecast import Forecast, starts
from rocketd.core.scheduler.outlook import LATE, FirstStartSearch, find_repeated_start, immediate_starts
from rocketd.core.scheduler.scheduler import Scheduler
from support.evaluation import CASES
from support.task_files import Folder

NOON = 1_795_521_600_000_000


def written(name: str, when: str, rest: str = "") -> str:
    return f'[task.{name}]\ncommand = ["/bin/true"]\ntimezone = "UTC"\nwhen = """{when}"""\n{rest}\n'


def told(folder: Folder, text: str) -> dict[str, tuple[str, str]]:
    """The warnings about these tasks: message and hint by the task's name."""
    folder.write("tasks.toml", text)
    loaded = load([folder.path], at=NOON)
    assert loaded.valid
    warnings = (problem for problem in loaded.problems if problem.severity == "warning")
    return {problem.task: (problem.message, problem.hint) for problem in warnings}


def one(folder: Folder, when: str, rest: str = "") -> tuple[str, str]:
    others = "".join(written(name, "false") for name in ("x", "y"))
    return told(folder, written("t", when, rest) + others).get("t", ("", ""))


def task_of(when: str) -> Task:
    return Task("t", Command(("true",)), parse(when))


TRAPS = [
    ("time_of_day.after('03:00')", "this holds for 21h at a time", "daily.after('03:00')"),
    ("time_of_day between 22:00 and 06:00", "this holds for 8h at a time", "daily.between('22:00', '06:00')"),
    ("time_of_week.on('Mon')", "this holds for 1d at a time", "weekly.on('Mon')"),
    ("time_of_month.on('last')", "this holds for 1d at a time", "monthly.on(-1)"),
    ("time_of_hour.before('15:00')", "this holds for 15min at a time", "hourly.before('15:00')"),
    ("time_of_minute.before('30')", "this holds for 30s at a time", "minutely.before('30')"),
    (
        "time_of_day.between('08:00','18:00') & time_of_week.between('Mon','Fri')",
        "this holds for 10h at a time",
        "daily.between('08:00', '18:00') & time_of_week.between('Mon', 'Fri')",
    ),
    ("crontime('0 3 * * *')", "this holds for 1min at a time", "cron('0 3 * * *')"),
    ("crontime('* 8-17 * * 1-5')", "this holds for 10h at a time", "daily & crontime('* 8-17 * * 1-5')"),
    ("true", "this always holds", "every('10min')"),
    ("always", "this always holds", "every('10min')"),
    ("~false", "this always holds", "every('10min')"),
    ("~running", "this always holds", "daily & ~running"),
    ("load_below(2.0)", "this can hold for hours, as long as load_below(2.0) does", "daily & load_below(2.0)"),
    ("~running('x')", 'this can hold for hours, as long as ~running("x") does', "daily & ~running('x')"),
    ("running('x')", 'this can hold for hours, as long as running("x") does', "daily & running('x')"),
    ("scheduler_running", "this can hold for hours, as long as scheduler_running does", "daily & scheduler_running"),
    (
        "scheduler_running(more_than='10 min')",
        'this can hold for hours, as long as scheduler_running(more_than="10min") does',
        "daily & scheduler_running(more_than='10min')",
    ),
    (
        "scheduler_cycles(more_than=3)",
        "this can hold for hours, as long as scheduler_cycles(more_than=3) does",
        "daily & scheduler_cycles(more_than=3)",
    ),
    ("path_exists('/x')", 'this can hold for hours, as long as path_exists("/x") does', "daily & path_exists('/x')"),
    ("~path_exists('/x')", 'this can hold for hours, as long as ~path_exists("/x") does', "daily & ~path_exists('/x')"),
    (
        "unit_active('a.service') & ~running('x')",
        'this can hold for hours, as long as unit_active("a.service") and ~running("x") do',
        "daily & unit_active('a.service') & ~running('x')",
    ),
    ("env('A')", 'this can hold for hours, as long as env("A") does', "daily & env('A')"),
    (
        "command_succeeds('true')",
        'this can hold for hours, as long as command_succeeds("true") does',
        "daily & command_succeeds('true')",
    ),
    ("succeeded('x').today", 'this can hold for hours, as long as succeeded("x").today does', "after_success('x')"),
    ("failed('x').past('2 h')", 'this can hold for hours, as long as failed("x").past("2h") does', "after_fail('x')"),
    ("(failed('x').today > 2)", 'this can hold for hours, as long as (failed("x").today > 2) does', "after_fail('x')"),
    ("(failed.today < 3)", "this always holds", "daily & (failed.today < 3)"),
    ("~failed.today", "this always holds", "daily & ~failed.today"),
    (
        "path_exists('/x') & time_of_day.after('03:00')",
        "this holds for 21h at a time",
        "path_exists('/x') & daily.after('03:00')",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("when", "message", "meant"), TRAPS)
def test_what_just_holds_is_warned_of_with_what_was_meant(folder: Folder, when: str, message: str, meant: str) -> None:
    found, hint = one(folder, when)
    assert found == f"{message}, so the task would start again 1s after each end"
    assert hint == f"did you mean {meant}? to keep it as it is, write a restart_delay"
    assert one(folder, meant) == ("", "")
    parse(meant)


MEANT = """
daily
every('1s')
secondly
minutely
cron('* * * * * *')
calendar('*:*:0/5')
retry
retry(3) | daily
after_success('x')
after_any_finish('x', 'y') & load_below(2)
every('1 h') & path_exists('/x')
daily | retry
daily & time_of_day.after('03:00')
after_fail('x') & ~running('y')
(succeeded.today < 3)
~succeeded.today
~started.today
false
every('1 h') & ~running('x')
time_of_second.before('5')
""".strip().split("\n")


@pytest.mark.parametrize("when", MEANT)
def test_what_means_it_is_not_warned_of(folder: Folder, when: str) -> None:
    found, _ = one(folder, when)
    assert "start again" not in found


@pytest.mark.parametrize("pause", ["1s", "0s", "10 min"])
def test_a_pause_that_is_written_by_hand_means_it(folder: Folder, pause: str) -> None:
    assert one(folder, "true", f'restart_delay = "{pause}"') == ("", "")
    assert told(folder, f'[defaults]\nrestart_delay = "{pause}"\n{written("t", "true")}') == {}
    text = written("a", "true", f'restart_delay = "{pause}"') + written("b", "true")
    assert list(told(folder, text)) == ["b"]


def test_an_alternative_that_just_holds_is_named(folder: Folder) -> None:
    message, hint = one(folder, "cron('0 3 * * *') | time_of_day.between('08:00', '09:00')")
    assert message.startswith('time_of_day.between("08:00", "09:00") holds for 1h at a time, so')
    assert "daily.between('08:00', '09:00') in place of time_of_day.between" in hint
    message, _ = one(folder, "(daily | true) & path_exists('/x')")
    assert message.startswith('true & path_exists("/x") can hold for hours')


NEVER = [
    (
        "daily.between('01:00','05:00') & time_of_day.after('06:00')",
        r"no start was found up to 20\d\d-\d\d-\d\d: this rarely holds, or never",
        'daily.between("01:00", "05:00") and time_of_day.after("06:00") never hold together',
    ),
    ("calendar('2020-01-01 03:00')", "this never holds, so the task never starts by itself", "has ended"),
    ("calendar('2020-01-01') | calendar('2021-01-01')", "this never holds, so the task never starts by itself", ""),
    ("daily & false", "this never holds, so the task never starts by itself", "false never holds"),
    ("daily & ~always", "this never holds, so the task never starts by itself", "~true never holds"),
    ("monthly.on(31) & time_of_year.on('Feb')", r"no start was found up to .*", "never hold together"),
    ("time_of_year.on('Jan') & time_of_year.on('Mar')", r"no start was found up to .*", "never hold together"),
    ("time_of_week.on('Mon') & cron('0 3 * * 2')", r"no start was found up to .*", "never hold together"),
    ("cron('*/5 * * * *') & crontime('3 * * * *')", r"no start was found up to .*", "never hold together"),
    ("daily & ~daily", r"no start was found up to .*", "daily and ~daily never hold together"),
    ("daily & started & ~failed & path_exists('/x')", "this never holds.*", "daily and started never hold together"),
    ("time_of_day.before('05:00') & time_of_day.after('06:00') & running('x')", "no start was found.*", "never"),
    ("cron('0 0 29 2 *') & time_of_week.on('Mon')", "the first start would be on Mon 2044-02-29", ""),
    ("retry(3)", "this never holds, so the task never starts by itself", "did you mean daily | retry(3)?"),
    ("retry & path_exists('/x')", "this never holds, so the task never starts by itself", "nothing starts the first"),
    ("daily & after_success('t')", "this waits for the task itself, so it never starts by itself", ""),
    ("succeeded('t') & daily", "this never holds, so the task never starts by itself", ""),
]  # fmt: skip


@pytest.mark.parametrize(("when", "message", "hint"), NEVER)
def test_what_never_starts_is_warned_of(folder: Folder, when: str, message: str, hint: str) -> None:
    found = one(folder, when)
    assert re.fullmatch(message, found[0]), found
    assert hint in found[1]


def test_an_occasion_starts_what_never_holds(folder: Folder) -> None:
    assert (
        one(folder, "daily & false", 'on = "boot"')[0] == 'this never holds, so nothing but on = "boot" starts the task'
    )
    assert one(folder, "retry(3)", 'on = "boot"') == ("", "")
    assert one(folder, "false", 'on = "boot"') == ("", "")
    assert told(folder, written("x", "false", 'on = "boot"') + written("t", "daily & after_success('x')")) == {}


@pytest.mark.parametrize("when", ["every('15 min') & started.this_boot", "cron('0 3 * * *') & succeeded.this_boot"])
def test_what_follows_the_run_of_an_occasion_starts(folder: Folder, when: str) -> None:
    assert one(folder, when, 'on = "boot"') == ("", "")
    assert one(folder, when)[0] == "this never holds, so the task never starts by itself"


def test_what_asks_for_a_run_since_the_boot_does_not_follow_one_at_the_shutdown(folder: Folder) -> None:
    message, _ = one(folder, "every('15 min') & started.this_boot", 'on = "shutdown"')
    assert message == 'this never holds, so nothing but on = "shutdown" starts the task'
    assert one(folder, "every('15 min') & started", 'on = "shutdown"') == ("", "")


def test_a_stop_when_that_always_holds_then_keeps_it_from_starting(folder: Folder) -> None:
    message, _ = one(folder, "daily.after('06:00')", "stop_when = \"time_of_day.after('05:00')\"")
    assert message.startswith("no start was found up to ")
    assert one(folder, "daily.after('06:00')", "stop_when = \"time_of_day.after('22:00')\"") == ("", "")


FINE = """
calendar('2027-06-01')
cron('0 0 13 * *') & time_of_week.on('Fri')
cron('0 0 29 2 *')
monthly.on(31)
false
yearly.on('Dec 24') & time_of_week.on('Mon')
daily.between('01:00','05:00') & time_of_day.after('04:59')
time_of_day.after('06:00') & after_success('x')
after_success('x') | after_fail('y')
daily & running('x')
daily & succeeded('x').today & ~failed('y').today
daily & path_exists('/x') & ~path_exists('/y')
cron('0 3 * * *') & ~running('x')
daily | calendar('2020-01-01')
""".strip().split("\n")


@pytest.mark.parametrize("when", FINE)
def test_what_starts_some_day_or_by_an_event_is_not_warned_of(folder: Folder, when: str) -> None:
    assert one(folder, when)[0] in ("", "the first start would be on Mon 2029-12-24")


def test_tasks_that_wait_for_each_other_are_named(folder: Folder) -> None:
    text = written("a", "daily & after_success('b')") + written("b", "daily & after_success('c')")
    text += written("c", "daily & after_success('a')") + written("d", "after_success('a') & path_exists('/x')")
    assert {name: message for name, (message, _) in told(folder, text).items()} == {
        "a": "this waits for the task itself: a → b → c → a, so it never starts by itself",
        "b": "this waits for the task itself: b → c → a → b, so it never starts by itself",
        "c": "this waits for the task itself: c → a → b → c, so it never starts by itself",
        "d": "this waits for 'a', which never starts by itself",
    }


def test_who_waits_for_one_that_never_starts_does_not_either(folder: Folder) -> None:
    text = written("old", "calendar('2020-01-01')") + written("next", "after_success('old')")
    text += written("other", "after_success('old') | daily") + written("manual", "false")
    text += written("after", "after_success('manual')")
    assert list(told(folder, text)) == ["old", "next"]


def test_the_search_is_bounded(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of hours that never come cost no more than some, and the same hours are looked for once."""
    monkeypatch.setattr(condition_warnings, "SEARCHES", 2)
    never = "time_of_day.before('05:00') & time_of_day.after('06:0{}') & path_exists('/{}')"
    same = [written(f"a{n}", never.format(0, n)) for n in range(20)]
    other = [written(f"b{n}", never.format(n, n)) for n in range(1, 4)]
    found = told(folder, "".join([*same, *other, written("c", "daily")]))
    assert len(found) == 22
    assert found["b1"][0].startswith("no start was found")
    assert found["b2"][0].startswith("this task and those after it were not checked")


def test_a_warning_keeps_no_task_from_being_loaded_and_is_not_told_to_the_daemon(folder: Folder) -> None:
    folder.write("tasks.toml", written("t", "true"))
    assert load([folder.path]).problems == ()
    shown = check_text(load([folder.path], at=NOON)).splitlines()
    assert shown[0].endswith(
        "tasks.toml:4:8: warning: task 't': this always holds, so the task would start again 1s after each end"
    )
    assert shown[-1] == "1 task, 1 warning"


WORDS = """
daily
hourly
weekly.on('Mon')
daily.between('01:00', '05:00')
time_of_day.after('06:00')
true
false
time_of_week.on('Tue')
time_of_month.on(31)
cron('0 3 * * *')
calendar('2020-01-01')
every('1 h')
crontime('0-30 4 * * *')
started.today
monthly.on('last')
time_of_day.before('06:00')
~daily
""".strip().split("\n")
CONDITIONS = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&", "|"]), inner).map(lambda one: f"({one[0]} {one[1]} {one[2]})"),
        inner.map(lambda one: f"~({one})"),
    ),
    max_leaves=5,
)


@settings(max_examples=CASES // 4 + 1, deadline=None)
@given(CONDITIONS)
@example("~((cron('0 3 * * *') | ~(crontime('0-30 4 * * *'))))")
@example("((cron('0 3 * * *') | false) & (time_of_day.after('06:00') | started.today))")
@example("~((~(cron('0 3 * * *')) | daily.between('01:00', '05:00')))")
@example("(time_of_month.on(31) | crontime('0-30 4 * * *')) & ~cron('0 3 * * *')")
@example("((hourly & time_of_day.after('06:00')) | cron('0 9 * * *')) & ~cron('0 3 * * *')")
@example("~((cron('0 3 * * *') & weekly.on('Mon')) | time_of_day.before('06:00'))")
def test_the_first_start_is_that_of_the_scheduler_itself(text: str) -> None:
    """As far as `explain` finds one, and for what asks neither the host nor others."""
    try:
        task = task_of(text)
    except Exception:  # noqa: BLE001 - two ticks cannot be joined
        return
    expected = starts(task, NOON, 1)
    found = FirstStartSearch(NOON).first_start(task)
    if expected.instants and expected.instants[0] <= NOON + LATE:
        assert NOON <= (found.at or 0) <= expected.instants[0]
    elif not expected.instants:
        assert found.at is None
    entered = immediate_starts([task], NOON, host="")
    assert (entered.starting == ["t"]) is (expected.instants[:1] == [NOON])


@settings(max_examples=CASES // 4 + 1, deadline=None)
@given(CONDITIONS)
@example("~((cron('0 3 * * *') | ~(crontime('0-30 4 * * *'))))")
@example("(hourly | time_of_month.on(31))")
def test_what_is_said_to_start_again_does(text: str) -> None:
    """However often its other alternatives start it before the first time of this one."""
    try:
        task = task_of(text)
    except Exception:  # noqa: BLE001 - as above
        return
    trap = find_repeated_start(task, NOON)
    if trap is not None:
        assert again_and_again(task, trap.first + (trap.lasts if trap.lasts < FOREVER else DAY))
        meant = suggestion(trap.branch)
        assert meant != FALSE


def again_and_again(task: Task, until: Instant) -> bool:
    """Whether some ends in a row each start it again before that instant, if the real scheduler is asked."""
    scheduler = Scheduler(host="", new_run_id=lambda _: "", next_steps=0)
    scheduler.load([task], NOON, {})
    begun = (run.start for run in Forecast(scheduler, NOON).runs(until))
    pauses = (later - earlier for earlier, later in pairwise(begun))
    return any(same >= 5 for same in in_a_row(pauses, task.restart_delay))


def in_a_row(found: Iterator[Duration], wanted: Duration) -> Iterator[int]:
    count = 0
    for one in found:
        count = count + 1 if one == wanted else 0
        yield count
