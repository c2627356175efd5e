"""What the scheduler decides: every sentence of "One pass of the scheduler" in docs/reference/conditions.md."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant, instant_of
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Broken, Finished, Missed, NoSuchRun, NoSuchTask, Refusal, Start, Started, Stop
from rocketd.core.model.moment import Moment
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Cause, End, Trigger
from rocketd.core.model.task import Command, On, Overlap, Task
from rocketd.core.model.verdict import FOR, Verdict
from rocketd.core.scheduler.registry import MAX_COUNTED_AT_ONCE
from rocketd.core.scheduler.scheduler import Scheduler
from support.simulated_world import Behaviour, World


def at(text: str) -> Instant:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def task(name: str, when: str = "false", stop_when: str = "false") -> Task:
    return Task(name, Command(("/bin/true",)), parse(when), parse(stop_when))


def world(*tasks: Task, start: str = "2026-03-02 09:00", max_running: int = 32) -> World:
    made = World(seed=1, now=at(start), max_running=max_running)
    for each in tasks:
        made.add(each)
    return made


def started(made: World) -> list[str]:
    return [f"{run.task}/{run.number}" for run in made.begun]


@dataclass(frozen=True, slots=True)
class Ended(Condition):
    """Its verdict has run out when it is given: a defect."""

    def judge(self, moment: Moment) -> Verdict:
        return Verdict(FOR, moment.now)

    def __str__(self) -> str:
        return "ended"


# -- when to start


def test_a_task_starts_as_soon_as_its_window_opens_and_once_in_it() -> None:
    made = world(task("a", "daily.between('10:00', '12:00')"))
    made.boot()
    made.run_until(at("2026-03-04 09:00"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-03 10:00")]
    assert [run.due for run in made.begun] == made.starts("a")


def test_nothing_is_judged_between_two_changes() -> None:
    made = world(*[task(f"t{n}", "daily.at('03:00')") for n in range(100)])
    made.boot()
    made.run_until(made.now)
    assert made.scheduler.next_check() == at("2026-03-03 03:00")


def test_a_verdict_that_ends_no_later_than_it_is_asked_for_is_a_defect_that_stops_no_other_task() -> None:
    scheduler, now = Scheduler(host="here", new_run_id=str), at("2026-03-02 09:00")
    scheduler.load([replace(task("a"), when=Ended()), task("b", "daily")], now, {})
    broken, start = sorted(scheduler.decide(now), key=lambda decision: type(decision).__name__)
    assert isinstance(broken, Broken)
    assert (broken.task, type(broken.error)) == ("a", AssertionError)
    assert isinstance(start, Start)
    assert start.run.task == "b"
    assert scheduler.decide(now) == []


@dataclass(frozen=True, slots=True)
class Heeded(Condition):
    """Remembers what it was asked about."""

    part: Condition
    asked: list[Instant] = field(default_factory=list, compare=False)

    def judge(self, moment: Moment) -> Verdict:
        self.asked.append(moment.now)
        return self.part.judge(moment)

    def watches(self) -> frozenset[str]:
        return self.part.watches()

    def __str__(self) -> str:
        return str(self.part)


def test_judged_are_the_tasks_whose_verdict_ran_out_or_whom_an_event_concerns_and_no_others() -> None:
    idle, watching = Heeded(parse("daily.at('20:00')")), Heeded(parse("after_fail('a')"))
    made = world(task("a", "every('10 min')"), replace(task("idle"), when=idle), replace(task("w"), when=watching))
    made.boot()
    made.run_until(made.now)
    idle.asked.clear()
    watching.asked.clear()
    made.run_until(at("2026-03-02 09:11"))
    assert idle.asked == []
    changes = [at("2026-03-02 09:00:01"), at("2026-03-02 09:10"), at("2026-03-02 09:10:01")]
    assert sorted(set(watching.asked)) == changes


def test_of_two_tasks_that_exclude_each_other_only_one_starts() -> None:
    made = world(task("a", "daily & ~running('b')"), task("b", "daily & ~running('a')"))
    made.boot()
    made.step(made.now)
    assert started(made) == ["a/1"]


def test_the_most_urgent_goes_first_then_the_longest_due_then_by_name() -> None:
    first = task("first", "daily.after('09:29')")
    early, late = task("z-early", "daily.after('09:30')"), task("a-late", "daily.after('09:31')")
    high = replace(task("high", "daily.after('09:32')"), priority=5)
    low = replace(task("low", "daily.after('09:30')"), priority=-1)
    made = world(first, low, late, early, high, max_running=1)
    for name in made.tasks:
        made.behaviours[name] = Behaviour(takes=10 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 11:00"))
    assert started(made) == ["first/1", "high/1", "z-early/1", "a-late/1", "low/1"]


def test_no_more_runs_than_slots() -> None:
    made = world(*[task(f"t{n}", "daily") for n in range(10)], max_running=3)
    most = 0

    def watch(made: World) -> None:
        nonlocal most
        most = max(most, len(made.processes))

    made.watch = watch
    made.boot()
    made.run_until(made.now + HOUR)
    assert most == 3
    assert len(made.begun) == 10


def test_a_mutex_is_held_by_one_run_of_all_its_tasks() -> None:
    tasks = [replace(task(name, "daily"), mutex="db") for name in "abc"]
    made = world(*tasks)

    def watch(made: World) -> None:
        assert len(made.processes) <= 1, "two runs hold the mutex"

    made.watch = watch
    made.boot()
    made.run_until(made.now + HOUR)
    assert started(made) == ["a/1", "b/1", "c/1"]


def test_a_chance_that_passes_while_a_task_waits_is_missed() -> None:
    made = world(
        replace(task("long", "daily.at('10:00')"), priority=1), task("short", "daily.between('10:00', '10:05')")
    )
    made.max_running = 1
    made.behaviours["long"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert started(made) == ["long/1"]
    (missed,) = made.missed("short")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 10:00"), at("2026-03-02 10:00"), 1)
    assert missed.reason == "all slots are in use"


def test_a_missed_chance_of_a_held_mutex_says_who_held_it() -> None:
    holder, waiter = task("long", "daily.at('10:00')"), task("short", "cron('0 10 * * *', within='5 min')")
    made = world(replace(holder, mutex="db", priority=1), replace(waiter, mutex="db"))
    made.behaviours["long"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert [missed.reason for missed in made.missed("short")] == ["mutex 'db' is held by long/1"]


def test_each_reason_has_a_missed_record_of_its_own() -> None:
    made = world(replace(task("long", "daily.at('10:00')"), priority=1), task("a", "cron('0 * * * *', within='5 min')"))
    made.max_running = 1
    made.behaviours["long"] = Behaviour(takes=30 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    made.scheduler.pause("a", until=None, by="uid 0", reason="")
    made.run_until(at("2026-03-02 12:30"))
    assert [(missed.first, missed.count, missed.reason) for missed in made.missed("a")] == [
        (at("2026-03-02 10:00"), 1, "all slots are in use"),
        (at("2026-03-02 11:00"), 2, "paused"),
    ]


def test_a_run_ends_a_stretch_of_what_is_missed() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 09:30")
    made.boot()
    for resumed in ("11:30", "14:30"):
        made.scheduler.pause("a", until=at(f"2026-03-02 {resumed}"), by="uid 0", reason="")
        made.run_until(at(f"2026-03-02 {resumed}") + 45 * MINUTE)
    assert made.starts("a") == [at("2026-03-02 12:00"), at("2026-03-02 15:00")]
    assert [(missed.first, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 10:00"), 2),
        (at("2026-03-02 13:00"), 2),
    ]


def test_a_retry_that_comes_to_nothing_is_not_missed() -> None:
    made = world(task("a", "cron('0 10 * * *', within='1 min') | retry(within='10 min')"), task("b", "after_fail('a')"))
    made.max_running = 1
    made.behaviours["a"] = Behaviour(fails=1)
    made.behaviours["b"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert started(made) == ["a/1", "b/1"]
    assert not made.missed("a")


def test_what_an_event_made_due_is_not_missed() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"))
    made.boot()
    made.scheduler.pause("b", until=at("2026-03-02 11:00"), by="uid 0", reason="")
    made.run_until(at("2026-03-02 12:00"))
    assert started(made) == ["a/1"]
    assert not made.missed("b")


def test_what_its_own_end_makes_due_waits_for_the_restart_delay() -> None:
    made = world(replace(task("a", "true"), restart_delay=30 * SECOND))
    made.behaviours["a"] = Behaviour(takes=10 * SECOND)
    made.boot()
    made.run_until(at("2026-03-02 09:00:20"))
    assert made.scheduler.find("a").next_start == at("2026-03-02 09:00:40")
    made.run_until(at("2026-03-02 09:02"))
    begin = made.starts("a")
    assert [b - a for a, b in pairwise(begin)] == [40 * SECOND] * 3


def test_the_restart_delay_goes_on_after_a_restart() -> None:
    made = world(replace(task("a", "true"), restart_delay=HOUR))
    made.boot()
    made.run_until(made.now + 10 * MINUTE)
    made.kill()
    made.now += MINUTE
    made.boot()
    made.run_until(made.now + HOUR)
    assert made.starts("a") == [at("2026-03-02 09:00"), at("2026-03-02 10:00:01")]


def test_a_retry_that_waits_for_the_restart_delay_does_not_hold_up_what_the_schedule_wants() -> None:
    made = world(replace(task("a", "every('60 s') | retry(1)"), restart_delay=50 * SECOND))
    made.behaviours["a"] = Behaviour(takes=30 * SECOND, fails=1.0)
    made.boot()
    made.run_until(made.now + 3 * MINUTE)
    assert [(run.start - made.begun[0].start, run.attempt) for run in made.begun] == [
        (0, 1),
        (60 * SECOND, 1),
        (120 * SECOND, 1),
        (180 * SECOND, 1),
    ]


def test_a_failing_interval_that_counts_successes_does_not_spin() -> None:
    made = world(task("a", "every('1 min', based='success')"))
    made.behaviours["a"] = Behaviour(takes=0, fails=1.0)
    made.boot()
    made.run_until(made.now + 10 * SECOND)
    assert len(made.begun) == 11


def test_with_a_splay_it_does_not_spin_either() -> None:
    made = world(replace(task("a", "every('1 min', based='success')"), splay=HOUR))
    made.behaviours["a"] = Behaviour(takes=0, fails=1.0)
    made.boot()
    made.run_until(made.now + HOUR)
    assert min(later - earlier for earlier, later in pairwise(made.starts("a"))) == SECOND


def test_a_splay_that_is_longer_than_an_interval_leaves_none_out() -> None:
    made = world(*[replace(task(f"t{n}", "every('10 min')"), splay=HOUR) for n in range(20)])
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    for name in made.tasks:
        assert {later - earlier for earlier, later in pairwise(made.starts(name))} == {10 * MINUTE}
    assert len({made.starts(name)[0] for name in made.tasks}) > 10


def test_splay_delays_by_a_stable_part_and_stays_inside_the_window() -> None:
    tasks = [replace(task(f"t{n}", "daily.at('10:00')"), splay=HOUR) for n in range(50)]
    made = world(*tasks)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    begin = [run.start for run in made.begun]
    assert len(begin) == 50
    assert all(at("2026-03-02 10:00") <= start < at("2026-03-02 11:00") for start in begin)
    assert max(begin) - min(begin) > 30 * MINUTE
    again = world(*tasks)
    again.boot()
    again.run_until(at("2026-03-02 12:00"))
    assert [run.start for run in again.begun] == begin


# -- while it is running


def overlapping(overlap: Overlap, when: str = "cron('*/10 * * * *')", takes: int = 25 * MINUTE) -> World:
    made = world(replace(task("a", when), overlap=overlap), start="2026-03-02 09:55")
    made.behaviours["a"] = Behaviour(takes=takes)
    made.boot()
    return made


def test_overlap_wait_starts_after_the_end_if_it_is_still_due() -> None:
    made = overlapping(Overlap.WAIT)
    made.run_until(at("2026-03-02 10:35"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 10:25")]
    assert [run.due for run in made.begun] == [at("2026-03-02 10:00"), at("2026-03-02 10:20")]
    (missed,) = made.missed("a")
    assert (missed.last, missed.count, missed.reason) == (at("2026-03-02 10:10"), 1, "still running")


def test_overlap_skip_gives_up_what_falls_due_meanwhile() -> None:
    made = overlapping(Overlap.SKIP)
    made.run_until(at("2026-03-02 10:35"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 10:30")]
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 10:10"), at("2026-03-02 10:20"), 2)
    assert missed.reason == "still running"


@pytest.mark.parametrize(
    ("when", "count"),
    [("every('10 min')", 5), ("cron('*/10 * * * *')", 5), ("hourly", 0), ("minutely", 59)],
)
def test_what_falls_due_while_a_hung_run_goes_on_is_told_as_one_stretch(when: str, count: int) -> None:
    made = world(task("a", when), start="2026-03-02 10:00")
    made.behaviours["a"] = Behaviour(takes=100 * DAY)
    made.boot()
    made.run_until(at("2026-03-02 10:10") if when.startswith("cron") else made.now)
    assert len(made.begun) == 1
    made.run_until(made.begun[0].start + HOUR - SECOND)
    assert [(missed.count, missed.reason) for missed in made.missed("a")] == [(count - 1, "still running")][:count]


def test_a_hung_run_uses_up_no_window_that_passes_while_it_goes_on() -> None:
    made = world(task("a", "daily"), task("b", "daily.between('10:00', '12:00')"), start="2026-03-02 10:00")
    made.behaviours = dict.fromkeys("ab", Behaviour(takes=100 * DAY))
    made.boot()
    made.run_until(at("2026-03-06 09:00"))
    assert [missed.count for missed in made.missed("a")] == [3], "Tuesday to Thursday; Friday is open"
    assert [missed.count for missed in made.missed("b")] == [3]
    assert {missed.reason for missed in made.missed("a") + made.missed("b")} == {"still running"}


def test_an_interval_starts_once_after_a_long_run_and_keeps_its_grid() -> None:
    made = world(task("a", "every('10 min')"))
    made.behaviours["a"] = Behaviour(takes=25 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 09:35"))
    assert made.starts("a") == [at("2026-03-02 09:00"), at("2026-03-02 09:25")]
    assert [run.due for run in made.begun] == [at("2026-03-02 09:00"), at("2026-03-02 09:20")]
    assert [(missed.first, missed.count) for missed in made.missed("a")] == [(at("2026-03-02 09:10"), 1)]


def test_an_interval_that_waits_for_a_mutex_or_a_slot_is_told_as_missed() -> None:
    holder = replace(task("holder", "true"), mutex="m", priority=1)
    made = world(holder, replace(task("a", "every('10 min')"), mutex="m"))
    made.add(replace(holder, name="other", mutex=""))
    made.behaviours["holder"] = made.behaviours["other"] = Behaviour(takes=100 * DAY)
    del made.tasks["holder"]
    made.boot()
    made.run_until(at("2026-03-02 09:05"))
    made.tasks["holder"] = holder
    made.reload()
    made.run_until(at("2026-03-02 09:45"))
    assert [(missed.count, missed.reason) for missed in made.missed("a")] == [(3, "mutex 'm' is held by holder/1")]


@pytest.mark.parametrize("how", ["down", "asleep", "paused"])
def test_an_interval_misses_nothing_while_nobody_may_start_it(how: str) -> None:
    made = world(task("a", "every('10 min')"))
    made.boot()
    made.run_until(at("2026-03-02 09:05"))
    if how == "down":
        made.kill()
        made.now += 5 * HOUR
        made.boot()
    elif how == "asleep":
        made.now += 5 * HOUR
        made.scheduler.clock_stepped(made.now, 0, 5 * HOUR)
    else:
        made.scheduler.pause("a", until=at("2026-03-02 14:05"), by="", reason="")
    made.run_until(at("2026-03-02 14:06"))
    assert made.starts("a") == [at("2026-03-02 09:00"), at("2026-03-02 14:05")]
    assert not made.missed("a")
    made.run_until(at("2026-03-02 14:15"))
    following = "2026-03-02 14:15" if how == "paused" else "2026-03-02 14:10"  # the grid of before, or of its end
    assert made.starts("a")[2] == at(following)


def test_overlap_skip_gives_nothing_up_that_was_due_before_it_began() -> None:
    made = world(replace(task("a", "cron('0 10 * * *')"), overlap=Overlap.SKIP, splay=HOUR, restart_delay=0))
    made.behaviours["a"] = Behaviour(takes=2 * HOUR)
    made.boot()
    made.run_until(at("2026-03-02 10:01"))
    assert made.scheduler.find("a").earliest_start > made.now, "it is due, and is waiting for its splay"
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    made.run_until(at("2026-03-02 13:00"))
    assert made.starts("a") == [at("2026-03-02 10:01"), at("2026-03-02 12:01")]
    assert not made.missed("a")


def test_overlap_skip_leaves_a_window_open() -> None:
    made = world(replace(task("a", "daily"), overlap=Overlap.SKIP), start="2026-03-02 23:00")
    made.behaviours["a"] = Behaviour(takes=2 * HOUR)
    made.boot()
    made.run_until(at("2026-03-03 02:00"))
    assert made.starts("a") == [at("2026-03-02 23:00"), at("2026-03-03 01:00")]
    assert not made.missed("a")


def test_overlap_replace_stops_the_run_and_starts_once_that_has_ended() -> None:
    made = overlapping(Overlap.REPLACE)
    made.run_until(at("2026-03-02 10:15"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 10:10")]
    assert [(end.action, end.cause) for end in made.ends("a")] == [(Action.TERMINATE, Cause.REPLACE)]


def test_overlap_replace_waits_for_the_end_as_long_as_that_takes() -> None:
    made = overlapping(Overlap.REPLACE)
    made.run_until(at("2026-03-02 10:05"))
    (run,) = made.begun
    made.now = at("2026-03-02 10:10")
    assert made.scheduler.decide(made.now) == [Stop(run, Cause.REPLACE)]
    assert made.scheduler.decide(made.now + MINUTE) == []
    made.end(run, End(Action.TERMINATE, Cause.REPLACE, made.now + MINUTE))
    assert [type(decision) for decision in made.scheduler.decide(made.now + MINUTE)] == [Start]


def test_overlap_allow_starts_beside_it() -> None:
    made = overlapping(Overlap.ALLOW)
    made.run_until(at("2026-03-02 10:22"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 10:10"), at("2026-03-02 10:20")]
    assert len(made.processes) == 3


@pytest.mark.parametrize("overlap", [Overlap.ALLOW, Overlap.REPLACE])
def test_a_condition_that_just_stays_true_is_not_due_again_and_again(overlap: Overlap) -> None:
    made = overlapping(overlap, "true")
    made.run_until(at("2026-03-02 10:10"))
    assert len(made.begun) == 1


def test_only_against_makes_it_due_anew_and_not_a_time_in_which_nothing_is_known() -> None:
    made = world(replace(task("a", "~running('b')"), overlap=Overlap.ALLOW), task("b"))
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(made.now + MINUTE)
    removed = made.tasks.pop("b")
    made.reload()
    made.run_until(made.now + MINUTE)
    made.add(removed)
    made.reload()
    made.run_until(made.now + MINUTE)
    assert len(made.begun) == 1


@pytest.mark.parametrize(("when", "runs"), [("time_of_minute.before('30')", 2), ("true", 1)])
def test_after_an_edit_of_the_condition_it_is_due_anew_once_that_has_been_against(when: str, runs: int) -> None:
    made = overlapping(Overlap.ALLOW, "time_of_minute.before('20')")
    made.run_until(at("2026-03-02 09:55:25"))
    made.tasks["a"] = replace(task("a", when), overlap=Overlap.ALLOW)
    made.reload()
    made.run_until(at("2026-03-02 09:56:10"))
    assert len(made.begun) == runs


def test_after_a_restart_a_run_that_is_still_there_keeps_a_condition_that_stays_true_from_being_due_anew() -> None:
    made = overlapping(Overlap.ALLOW, "time_of_hour.after('55:00')")
    made.run_until(at("2026-03-02 10:30"))
    (run,) = made.begun
    again = Scheduler(host="world", new_run_id=str)
    again.load(made.tasks.values(), at("2026-03-02 10:56"), made.states)
    again.replay([Started(run)], [run], at("2026-03-02 10:56"))
    looks = [at(f"2026-03-02 {clock}") for clock in ("10:56", "11:00", "11:55")]
    begun = [one.run.start for now in looks for one in again.decide(now) if isinstance(one, Start)]
    assert begun == [at("2026-03-02 11:55")]


def test_a_run_by_hand_makes_the_schedule_wait() -> None:
    made = world(task("a", "cron('0 10 * * *')"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    made.run_until(at("2026-03-02 12:00"))
    assert made.starts("a") == [at("2026-03-02 09:30"), at("2026-03-02 10:30")]


def test_a_timeout_stops_the_run() -> None:
    made = world(replace(task("a", "daily"), timeout=5 * MINUTE))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(made.now + HOUR)
    (end,) = made.ends("a")
    assert (end.action, end.cause, end.at) == (Action.TERMINATE, Cause.TIMEOUT, at("2026-03-02 09:05"))


def test_a_run_is_told_to_stop_once() -> None:
    made = world(task("a", "daily"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.step(made.now)
    assert len(made.scheduler.stop("a")) == 1
    assert made.scheduler.stop("a", 1) == []


def test_stop_when_stops_the_run_and_keeps_it_from_starting() -> None:
    made = world(task("a", "hourly", stop_when="time_of_day.between('10:30', '12:00')"), start="2026-03-02 10:00")
    made.behaviours["a"] = Behaviour(takes=45 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 12:30"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 12:00")]
    assert [(end.cause, end.at) for end in made.ends("a")] == [(Cause.STOP_WHEN, at("2026-03-02 10:30"))]


def stopped(made: World) -> dict[int, Instant]:
    """Say when which run was stopped by `stop_when`."""
    ends = [event for event in made.log if isinstance(event, Finished)]
    return {event.run.number: event.end.at for event in ends if event.end.cause is Cause.STOP_WHEN}


@pytest.mark.parametrize(
    ("stop_when", "expected"),
    [
        ("running & ~running.less_than('10 min')", {1: "10:10", 2: "10:15"}),
        ("running.less_than('2 min') & time_of_day.after('10:06')", {2: "10:06"}),
    ],
)
def test_stop_when_is_judged_for_each_run(stop_when: str, expected: dict[int, str]) -> None:
    made = world(replace(task("a", "cron('0,5 10 * * *')", stop_when), overlap=Overlap.ALLOW))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert len(made.begun) == 2
    assert stopped(made) == {number: at(f"2026-03-02 {clock}") for number, clock in expected.items()}


# -- retries and crashes


def test_the_schedule_is_the_reason_of_a_first_attempt_even_if_a_retry_holds_as_well() -> None:
    made = world(task("a", "cron('*/30 * * * *') | retry(2, delay='20 min')"), start="2026-03-02 09:50")
    made.behaviours["a"] = Behaviour(fails=1)
    made.boot()
    made.run_until(at("2026-03-02 10:10"))
    made.kill()
    made.now = at("2026-03-02 10:50")
    made.boot()
    made.step(made.now)
    assert [(run.attempt, run.due, run.reason) for run in made.begun] == [
        (1, at("2026-03-02 10:00"), 'cron("*/30 * * * *")'),
        (1, at("2026-03-02 10:30"), 'cron("*/30 * * * *")'),
    ]


def test_each_window_has_its_own_retries() -> None:
    made = world(task("a", "(daily | retry(3)) & time_of_day.between('10:00', '12:00')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE, fails=1.0)
    made.boot()
    made.run_until(at("2026-03-05 09:00"))
    assert [run.attempt for run in made.begun] == [1, 2, 3, 4] * 3
    assert [run.trigger for run in made.begun] == [Trigger.SCHEDULE, *[Trigger.RETRY] * 3] * 3
    assert {run.due for run in made.begun} == {at(f"2026-03-0{day} 10:00") for day in (2, 3, 4)}


def test_a_restart_does_not_forget_the_attempts() -> None:
    made = world(task("a", "daily | retry(3, delay='10 min')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE, fails=1.0)
    made.boot()
    for _ in range(20):
        made.run_until(made.now + 5 * MINUTE)
        made.boot()
    assert [run.attempt for run in made.begun] == [1, 2, 3, 4]


def test_a_run_that_timed_out_is_tried_again_as_the_next_attempt() -> None:
    made = world(replace(task("a", "daily.at('10:00') | retry(2)"), timeout=5 * MINUTE))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert [(run.attempt, run.due) for run in made.begun] == [(n, at("2026-03-02 10:00")) for n in (1, 2, 3)]


def test_what_was_cut_off_runs_again_in_its_window_as_the_next_attempt() -> None:
    made = world(task("a", "daily"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.kill()
    made.now += MINUTE
    made.boot()
    made.run_until(made.now + 2 * HOUR)
    assert [(run.number, run.attempt) for run in made.begun] == [(1, 1), (2, 2)]
    assert [end.action for end in made.ends("a")] == [Action.CRASH, Action.SUCCESS]


def test_after_crash_limit_crashes_a_run_counts_as_done() -> None:
    """Three, unless told."""
    made = world(task("a", "daily"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    for _ in range(6):
        made.run_until(made.now + 5 * MINUTE)
        made.kill()
        made.now += MINUTE
        made.boot()
    assert [run.attempt for run in made.begun] == [1, 2, 3]
    made.run_until(at("2026-03-03 00:10"))
    assert made.begun[-1].attempt == 1


def test_a_number_is_not_given_out_again_though_its_records_are_gone() -> None:
    made = world(task("a", "daily"))
    made.states["a"] = TaskState("a", made.tasks["a"].fingerprint, made.now, 8)
    made.boot()
    made.run_until(made.now + MINUTE)
    assert started(made) == ["a/8"]


def test_what_a_condition_counts_is_kept_for_it() -> None:
    made = world(task("a", "every('10 min')"), task("b", "(succeeded('a').today >= 3) & daily"))
    made.boot()
    made.run_until(made.now + HOUR)
    assert made.starts("b") == [at("2026-03-02 09:20:01")]


def test_what_was_done_is_not_repeated_after_a_restart() -> None:
    made = world(task("a", "daily"), task("b", "cron('0 * * * *')"), task("c", "every('1 hour')"))
    made.boot()
    made.run_until(made.now + 30 * MINUTE)
    before = started(made)
    for _ in range(5):
        made.kill()
        made.now += MINUTE
        made.boot()
        made.run_until(made.now + SECOND)
    assert started(made) == before


# -- downtime


def test_a_first_load_fires_no_tick() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 09:59"))
    assert not made.begun


def test_after_a_downtime_the_newest_tick_runs_once_and_the_others_are_one_missed_record() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 08:30")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.kill()
    made.now = at("2026-03-02 13:30")
    made.boot()
    made.run_until(at("2026-03-02 13:31"))
    assert made.starts("a") == [at("2026-03-02 09:00"), at("2026-03-02 13:30")]
    assert made.begun[-1].due == at("2026-03-02 13:00")
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 10:00"), at("2026-03-02 12:00"), 3)
    assert missed.reason.startswith("rocketd was down from ")


def test_a_window_that_closed_while_the_daemon_was_down_is_missed() -> None:
    made = world(task("a", "daily.between('10:00', '11:00')"))
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    made.kill()
    made.now = at("2026-03-05 09:00")
    made.boot()
    made.run_until(at("2026-03-05 10:00"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-05 10:00")]
    assert [(missed.first, missed.count) for missed in made.missed("a")] == [(at("2026-03-03 10:00"), 2)]


def test_a_task_that_is_new_after_a_downtime_has_missed_nothing() -> None:
    made = world(task("old"))
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.kill()
    made.add(task("new", "daily.between('10:00', '11:00')"))
    made.now = at("2026-03-04 09:00")
    made.boot()
    made.run_until(at("2026-03-04 09:30"))
    assert not made.missed("new")


def test_a_short_restart_misses_nothing() -> None:
    made = world(task("a", "daily"), task("b", "cron('0 3 * * *')"), task("c", "every('10 min')"))
    made.boot()
    made.run_until(at("2026-03-02 09:05"))
    made.kill()
    made.now += 2 * SECOND
    made.boot()
    made.run_until(at("2026-03-03 09:05"))
    assert not [event for event in made.log if isinstance(event, Missed)]


def test_a_long_downtime_is_gone_through_in_bounded_work() -> None:
    made = world(task("a", "cron('* * * * *')"))
    made.boot()
    made.run_until(made.now + HOUR)
    made.kill()
    made.now += 30 * DAY
    made.boot()
    made.run_until(made.now + SECOND)
    (missed,) = made.missed("a")
    assert 500 <= missed.count <= 1000
    assert "counted up to" in missed.reason


# -- ticks that are joined


UNION = "cron('0 * * * *') | cron('20 * * * *')"


def test_several_lines_of_ticks_are_missed_as_one_line_would_be() -> None:
    blocker = replace(task("blocker", "cron('50 8 * * *')"), mutex="m")
    made = world(replace(task("a", UNION), mutex="m"), blocker, start="2026-03-02 08:45")
    made.behaviours["blocker"] = Behaviour(takes=100 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:45"))
    assert [(run.start, run.due, run.reason) for run in made.begun if run.task == "a"] == [
        (at("2026-03-02 10:30"), at("2026-03-02 10:20"), 'cron("20 * * * *")')
    ]
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 09:00"), at("2026-03-02 10:00"), 3)


def test_after_a_downtime_the_newest_tick_of_several_lines_runs_once() -> None:
    made = world(task("a", UNION), start="2026-03-02 08:45")
    made.boot()
    made.run_until(at("2026-03-02 08:50"))
    made.kill()
    made.now = at("2026-03-02 11:10")
    made.boot()
    made.run_until(at("2026-03-02 11:10"))
    assert [run.due for run in made.begun] == [at("2026-03-02 11:00")]
    assert [(missed.first, missed.last, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 09:00"), at("2026-03-02 10:20"), 4)
    ]


def test_a_tick_that_is_still_good_after_a_downtime_is_not_missed_whatever_another_line_does() -> None:
    line = "cron('*/20 * * * *') | (cron('*/7 * * * *') & time_of_month.on('9'))"
    made = world(task("a", line), start="2026-03-02 08:45")
    made.boot()
    made.run_until(at("2026-03-02 08:50"))
    made.kill()
    made.now = at("2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    assert [run.due for run in made.begun] == [at("2026-03-02 09:20")]
    assert [(missed.first, missed.last, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 09:00"), at("2026-03-02 09:00"), 1)
    ]


# -- edits


def test_an_edit_of_anything_but_condition_and_zone_fires_nothing() -> None:
    made = world(task("a", "cron('0 * * * *')"), task("b", "daily"), start="2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    before, armed = started(made), {name: made.states[name].armed_at for name in "ab"}
    for name in "ab":
        edited = replace(made.tasks[name], work=Command(("/bin/false",)), priority=7, timeout=HOUR)
        made.tasks[name] = replace(edited, stop_when=parse("running.more_than('2 h')"))
    made.reload()
    made.run_until(at("2026-03-02 10:45"))
    assert started(made) == before
    assert {name: made.states[name].armed_at for name in "ab"} == armed


def test_an_edit_of_the_condition_arms_its_ticks_anew() -> None:
    made = world(task("a", "cron('0 12 * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    made.tasks["a"] = task("a", "cron('0 10 * * *')")
    made.reload()
    made.run_until(at("2026-03-02 23:00"))
    assert not made.begun


def test_an_edit_of_the_zone_arms_its_ticks_anew() -> None:
    made = world(task("a", "cron('0 12 * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    made.tasks["a"] = replace(made.tasks["a"], zone=ZoneInfo("Europe/Helsinki"), zone_name="Europe/Helsinki")
    made.reload()  # in Helsinki it is 12:30
    made.run_until(at("2026-03-03 09:59"))
    assert not made.begun
    made.run_until(at("2026-03-03 10:00"))
    assert made.starts("a") == [at("2026-03-03 10:00")]


def test_a_new_version_of_the_language_arms_a_task_anew() -> None:
    made = world(task("a", "cron('0 12 * * *')"), start="2026-03-02 09:30")
    made.boot()
    version, _, rest = made.states["a"].fingerprint.partition(" ")
    made.states["a"] = replace(made.states["a"], fingerprint=f"{int(version) + 1} {rest}")
    made.kill()
    made.now = at("2026-03-02 12:30")
    made.boot()
    made.run_until(at("2026-03-02 13:00"))
    assert not made.begun
    assert made.states["a"].armed_at == at("2026-03-02 12:30")


def test_a_restart_with_an_edited_condition_arms_it_anew() -> None:
    made = world(task("a", "cron('0 12 * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    made.kill()
    made.tasks["a"] = task("a", "cron('0 10 * * *')")
    made.now = at("2026-03-02 11:00")
    made.boot()
    made.run_until(at("2026-03-02 23:00"))
    assert not made.begun


def test_a_task_that_is_removed_ends_its_runs_in_peace_and_comes_back_armed_anew() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 09:30")
    made.behaviours["a"] = Behaviour(takes=20 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:10"))
    removed = made.tasks.pop("a")
    made.reload()
    made.run_until(at("2026-03-02 11:30"))
    assert [end.action for end in made.ends("a")] == [Action.SUCCESS]
    made.add(removed)
    made.reload()
    made.run_until(at("2026-03-02 12:10"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 12:00")]
    assert [run.number for run in made.begun] == [1, 2]


def test_a_task_that_is_renamed_is_another() -> None:
    """So it runs again in a window that is open."""
    made = world(task("a", "daily"))
    made.boot()
    made.run_until(at("2026-03-02 10:00"))
    del made.tasks["a"]
    made.add(task("b", "daily"))
    made.reload()
    made.run_until(at("2026-03-02 11:00"))
    assert started(made) == ["a/1", "b/1"]
    assert made.starts("b") == [at("2026-03-02 10:00")]


def test_a_task_that_is_not_loaded_is_unknown_and_starts_nothing() -> None:
    made = world(task("a", "daily & ~running('ghost')"))
    made.boot()
    made.run_until(made.now + DAY)
    assert not made.begun
    made.add(task("ghost"))
    made.reload()
    made.run_until(made.now + MINUTE)
    assert started(made) == ["a/1"]


def test_what_is_asked_about_a_task_that_goes_is_unknown_at_once() -> None:
    """Also for who is due already and waits, here for a slot."""
    made = world(task("a"), replace(task("b", "daily"), priority=1), task("c", "~running('a')"), max_running=1)
    made.behaviours["b"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    del made.tasks["a"]
    made.reload()
    made.run_until(at("2026-03-02 12:00"))
    assert started(made) == ["b/1"]


def test_fewer_slots_stop_nothing() -> None:
    made = world(*[task(f"t{n}", "daily") for n in range(5)])
    for name in made.tasks:
        made.behaviours[name] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.scheduler.max_running = 1
    made.run_until(made.now + MINUTE)
    assert len(made.processes) == 5


# -- chains


def test_a_task_runs_after_another_and_knows_which_run_it_was() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert started(made) == ["a/1", "b/1"]
    assert made.starts("b") == [at("2026-03-02 10:01")]
    assert (made.begun[1].cause_task, made.begun[1].cause_run_id) == ("a", made.begun[0].run_id)


@pytest.mark.parametrize(
    ("when", "start"),
    [
        ("started('a')", "10:00"),
        ("running('a')", "10:00"),
        ("(running('a') == 1)", "10:00"),
        ("running('a').more_than('10 min')", "10:10"),
        ("succeeded('a')", "10:30"),
        ("finished('a').today", "10:30"),
        ("(succeeded('a').past('1 h') >= 1)", "10:30"),
        ("after_success('a')", "10:30"),
        ("after_any_finish('z', 'a')", "10:30"),
    ],
)
def test_what_another_task_does_is_heard_at_once(when: str, start: str) -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", when), task("z"))
    made.behaviours["a"] = Behaviour(takes=30 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert made.starts("b")[0] == at(f"2026-03-02 {start}")


def test_several_ends_before_this_one_starts_are_one_run() -> None:
    made = world(task("a", "every('10 min')"), task("b", "after_success('a') & time_of_day.after('12:00')"))
    made.boot()
    made.run_until(at("2026-03-02 12:05"))
    assert made.starts("b") == [at("2026-03-02 12:00"), at("2026-03-02 12:00:01")]


def test_a_chain_goes_on_after_a_restart() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:00:59"))
    made.step(at("2026-03-02 10:01"))
    made.kill()
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert [run.task for run in made.begun].count("b") == 1


# -- by hand


def test_a_run_by_hand_is_none_of_the_schedule() -> None:
    made = world(
        task("d", "daily.between('10:00', '12:00')"), task("e", "every('1 hour')"), task("c", "cron('0 10 * * *')")
    )
    made.boot()
    made.run_until(at("2026-03-02 09:50"))
    plain = world(*made.tasks.values())
    plain.boot()
    plain.run_until(at("2026-03-03 09:00"))
    for name in "dec":
        made.carry_out(made.scheduler.run(name, made.now, "by hand"))
    made.run_until(at("2026-03-03 09:00"))
    for name in "dec":
        scheduled = [run.start for run in made.begun if run.task == name and run.trigger is not Trigger.HAND]
        assert scheduled == plain.starts(name)


def test_a_run_by_hand_counts_for_others() -> None:
    made = world(task("a", "daily.at('20:00')"), task("b", "after_success('a')"))
    made.boot()
    made.run_until(at("2026-03-02 10:00"))
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    made.run_until(at("2026-03-02 11:00"))
    assert started(made) == ["a/1", "b/1"]


def test_a_run_as_scheduled_counts_as_the_due_one() -> None:
    made = world(task("a", "daily.between('10:00', '12:00')"), start="2026-03-02 10:00")
    made.boot()
    made.carry_out(made.scheduler.run("a", made.now, "by hand", as_scheduled=True))
    made.run_until(at("2026-03-02 23:00"))
    assert [run.trigger for run in made.begun] == [Trigger.AS_SCHEDULED]


def test_a_run_as_scheduled_has_the_due_of_the_one_that_waits() -> None:
    made = world(task("a", "cron('0 10 * * *')"))
    made.boot()
    made.scheduler.pause("a", until=None, by="uid 0", reason="holidays")
    made.run_until(at("2026-03-02 10:20"))
    made.carry_out(made.scheduler.run("a", made.now, "by hand", as_scheduled=True))
    assert [(run.start, run.due) for run in made.begun] == [(at("2026-03-02 10:20"), at("2026-03-02 10:00"))]


def test_by_hand_is_refused_with_a_reason() -> None:
    made = world(replace(task("a", "false"), mutex="db"), replace(task("b", "false"), mutex="db"), max_running=2)
    made.add(task("c"))
    made.add(task("d"))
    for name in made.tasks:
        made.behaviours[name] = Behaviour(takes=HOUR)
    made.boot()
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    with pytest.raises(Refusal, match="already running as a/1"):
        made.scheduler.run("a", made.now, "by hand")
    with pytest.raises(Refusal, match="held by a/1"):
        made.scheduler.run("b", made.now, "by hand")
    made.carry_out(made.scheduler.run("c", made.now, "by hand"))
    with pytest.raises(Refusal, match="all 2 slots are in use"):
        made.scheduler.run("d", made.now, "by hand")
    with pytest.raises(NoSuchTask, match="no task 'e' is loaded"):
        made.scheduler.run("e", made.now, "by hand")
    with pytest.raises(NoSuchRun, match="d is not running"):
        made.scheduler.stop("d")
    made.scheduler.drain()
    with pytest.raises(Refusal, match="shutting down"):
        made.scheduler.run("d", made.now, "by hand")


def test_an_operators_stop_consumes_ticks_and_intervals_up_to_now() -> None:
    made = world(task("e", "every('10 min')"), task("c", "cron('*/10 * * * *')"), start="2026-03-02 09:55")
    for name in made.tasks:
        made.behaviours[name] = Behaviour(takes=15 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:12"))
    for name in "ec":
        made.carry_out(made.scheduler.stop(name))
    made.run_until(at("2026-03-02 10:14"))
    assert not made.processes
    made.run_until(at("2026-03-02 10:21"))
    assert len(made.processes) == 2


# -- pause


def test_a_paused_task_starts_nothing_and_its_chances_are_missed() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.scheduler.pause("a", until=None, by="uid 0", reason="holidays")
    made.run_until(at("2026-03-02 12:30"))
    assert not made.begun
    assert [(missed.count, missed.reason) for missed in made.missed("a")] == [(2, "paused")]
    made.scheduler.resume("a", made.now)
    made.run_until(at("2026-03-02 13:00"))
    assert made.starts("a") == [at("2026-03-02 13:00")]


def test_a_pause_does_not_hold_up_a_hand() -> None:
    made = world(task("a", "cron('0 * * * *')"))
    made.boot()
    made.scheduler.pause("a", until=None, by="uid 0", reason="holidays")
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    assert [run.trigger for run in made.begun] == [Trigger.HAND]


@pytest.mark.parametrize("until", ["2026-03-02 12:30", None])
def test_a_tick_that_the_end_of_a_pause_gives_up_is_missed(until: str | None) -> None:
    made = world(task("a", "cron('0 12 * * *')"))
    made.boot()
    made.scheduler.pause("a", until=at(until) if until else None, by="uid 0", reason="")
    made.run_until(at("2026-03-02 12:30"))
    if until is None:
        made.scheduler.resume("a", made.now)
    made.run_until(at("2026-03-02 13:00"))
    assert not made.begun
    assert [(missed.first, missed.reason) for missed in made.missed("a")] == [(at("2026-03-02 12:00"), "paused")]


def test_a_window_that_is_open_when_a_pause_ends_is_not_missed() -> None:
    made = world(task("a", "daily.between('12:00', '14:00')"))
    made.boot()
    made.scheduler.pause("a", until=None, by="uid 0", reason="")
    made.run_until(at("2026-03-02 12:30"))
    made.scheduler.resume("a", made.now)
    made.run_until(at("2026-03-02 15:00"))
    assert made.starts("a") == [at("2026-03-02 12:30")]
    assert made.missed("a") == []


def test_a_pause_ends_by_itself_and_survives_a_restart() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.states["a"] = made.scheduler.pause("a", until=at("2026-03-02 12:30"), by="uid 0", reason="")
    made.run_until(at("2026-03-02 10:30"))
    made.kill()
    made.boot()
    made.run_until(at("2026-03-02 13:10"))
    assert made.starts("a") == [at("2026-03-02 13:00")]


def test_what_was_due_in_a_pause_that_ended_while_the_daemon_was_down_is_missed() -> None:
    made = world(task("a", "cron('0 * * * *')"), task("w", "daily.between('10:00', '14:00')"), start="2026-03-02 09:30")
    made.boot()
    for name in made.tasks:
        made.states[name] = made.scheduler.pause(name, until=at("2026-03-02 12:30"), by="uid 0", reason="")
    made.run_until(at("2026-03-02 09:40"))
    made.kill()
    made.now = at("2026-03-02 15:10")
    made.boot()
    made.run_until(at("2026-03-02 15:20"))
    down = "rocketd was down from 2026-03-02 09:40:00 to 2026-03-02 15:10:00 UTC"
    assert [(missed.first, missed.last, missed.count, missed.reason) for missed in made.missed("a")] == [
        (at("2026-03-02 10:00"), at("2026-03-02 12:00"), 3, "paused"),
        (at("2026-03-02 13:00"), at("2026-03-02 14:00"), 2, down),
    ]
    assert [run.due for run in made.begun] == [at("2026-03-02 15:00")]
    assert [missed.reason for missed in made.missed("w")] == [down], "its window was open when the pause ended"


def test_a_task_that_is_not_paused_cannot_be_resumed() -> None:
    made = world(task("a"))
    made.boot()
    with pytest.raises(Refusal, match="not paused"):
        made.scheduler.resume("a", made.now)


# -- occasions


def test_a_task_runs_at_the_start_of_the_daemon_as_well() -> None:
    made = world(replace(task("a", "daily.at('12:00')"), on=On.STARTUP))
    made.boot()
    made.scheduler.start_on(On.STARTUP)
    made.run_until(at("2026-03-02 13:00"))
    assert [(run.trigger, run.reason) for run in made.begun] == [
        (Trigger.STARTUP, "on startup"),
        (Trigger.SCHEDULE, str(made.tasks["a"].when)),
    ]


def test_a_daemon_that_stops_starts_nothing_but_what_runs_at_shutdown() -> None:
    made = world(replace(task("last"), on=On.SHUTDOWN), task("a", "daily.at('10:00')"))
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.scheduler.drain()
    made.run_until(at("2026-03-02 10:30"))
    assert [(run.task, run.trigger) for run in made.begun] == [("last", Trigger.SHUTDOWN)]


# -- the clock


def test_a_clock_that_is_set_back_repeats_no_fixed_time_of_day() -> None:
    made = world(
        task("d", "daily.between('08:00', '12:00')"), task("c", "cron('0 9,10 * * *')"), start="2026-03-02 08:30"
    )
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    before = started(made)
    made.set_clock(-105 * MINUTE)
    made.run_until(at("2026-03-02 10:30"))
    assert started(made) == before


@pytest.mark.parametrize(
    ("when", "fails", "expected"),
    [
        ("every('20 min')", 0, "09:19 09:39 09:59"),
        ("every('20 min', based='success')", 0, "09:19 09:39 09:59"),
        ("daily | retry(2, delay='20 min')", 1, "09:19 09:39"),
        ("daily", 0, ""),
    ],
)
def test_lengths_of_time_go_on_when_the_clock_is_set_back(when: str, fails: int, expected: str) -> None:
    made = world(task("a", when), start="2026-03-02 11:00")
    made.behaviours["a"] = Behaviour(takes=0, fails=fails)
    made.boot()
    made.run_until(at("2026-03-02 11:01"))
    made.now = at("2026-03-02 09:00")
    assert made.scheduler.clock_stepped(made.now, -121 * MINUTE) == []
    made.run_until(at("2026-03-02 10:05"))
    assert made.starts("a")[1:] == [at(f"2026-03-02 {clock}") for clock in expected.split()]


def test_lengths_of_time_go_on_after_a_restart_under_a_clock_that_was_set_back() -> None:
    made = world(task("a", "every('20 min')"), start="2026-03-02 11:00")
    made.boot()
    made.run_until(at("2026-03-02 11:01"))
    made.kill()
    made.now = made.alive = at("2026-03-02 09:00")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    assert made.starts("a")[1:] == [at("2026-03-02 09:20")]


def test_the_age_of_a_run_goes_on_when_the_clock_is_set_back_and_its_window_stays_used_up() -> None:
    made = world(task("a", "daily", "running.more_than('30 min')"), start="2026-03-03 00:10")
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(at("2026-03-03 00:20"))
    made.now = at("2026-03-02 23:20")
    made.scheduler.clock_stepped(made.now, -HOUR)
    made.run_until(at("2026-03-03 23:00"))
    assert [end.at for end in made.ends("a")] == [at("2026-03-02 23:40")]
    assert len(made.begun) == 1


def test_a_task_that_was_armed_under_a_clock_that_is_set_back_is_armed_from_then_on() -> None:
    made = world(task("a", "cron('30 * * * *')"), start="2026-03-02 10:50")
    made.boot()
    made.run_until(at("2026-03-02 10:55"))
    made.now = at("2026-03-02 10:00")
    made.scheduler.clock_stepped(made.now, -55 * MINUTE)
    made.run_until(at("2026-03-02 10:40"))
    assert made.starts("a") == [at("2026-03-02 10:30")]


def test_a_clock_that_is_set_forward_has_the_newest_tick_run_and_none_missed() -> None:
    made = world(task("c", "cron('0 * * * *')"), start="2026-03-02 08:30")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.set_clock(4 * HOUR)
    made.run_until(at("2026-03-02 13:31"))
    assert made.starts("c") == [at("2026-03-02 09:00"), at("2026-03-02 13:30")]
    assert made.missed("c") == []


def test_what_passed_in_a_suspend_is_missed_also_if_a_retry_was_waiting() -> None:
    made = world(replace(task("a", "cron('0 * * * *') | retry"), restart_delay=2 * HOUR), start="2026-03-02 08:30")
    made.behaviours["a"] = Behaviour(takes=0, fails=1)
    made.boot()
    made.run_until(at("2026-03-02 09:10"))
    made.now = at("2026-03-02 13:10")
    made.scheduler.clock_stepped(made.now, 0, 4 * HOUR)
    made.run_until(at("2026-03-02 13:11"))
    assert [(missed.first, missed.last, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 10:00"), at("2026-03-02 12:00"), 3)
    ]


def test_what_passed_in_a_suspend_is_judged_by_what_was_running_then() -> None:
    made = world(task("a", "cron('0 * * * *', within='10 min') & ~running('b')"), task("b", "daily"))
    made.behaviours["b"] = Behaviour(takes=150 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.now = at("2026-03-02 12:30")
    made.scheduler.clock_stepped(made.now, 0, 3 * HOUR)
    made.run_until(at("2026-03-02 12:31"))  # its end is learned first
    assert not made.scheduler.running_count
    assert made.missed("a") == []


def test_a_suspend_is_settled_for_no_more_watchers_of_a_task_than_a_pass_has_time_for() -> None:
    lines = "cron('0 * * * *', within='10 min') & ~running('b')"
    made = world(
        task("b", "daily"), *[task(f"t{number:02}", lines) for number in range(MAX_COUNTED_AT_ONCE + 3)], max_running=99
    )
    made.behaviours["b"] = Behaviour(takes=150 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.now = at("2026-03-02 12:30")
    made.scheduler.clock_stepped(made.now, 0, 3 * HOUR)
    made.run_until(at("2026-03-02 12:31"))
    assert [name for name in made.tasks if made.missed(name)] == [
        f"t{MAX_COUNTED_AT_ONCE + more:02}" for more in range(3)
    ]


@pytest.mark.parametrize("later", [0, 5])
def test_what_passed_in_a_suspend_is_judged_by_what_was_running_then_also_if_a_chance_was_open(later: int) -> None:
    """Who notices the suspend has a pass made, in which it is a little later, and ends may be learned in between."""
    lines = "(cron('0 * * * *', within='45 min') & ~running('b')) | cron('0 * * * *', within='1 min')"
    made = world(task("a", lines), task("b", "daily.after('08:30')"), start="2026-03-02 08:00", max_running=1)
    made.behaviours["b"] = Behaviour(takes=3 * HOUR)
    made.boot()
    made.run_until(at("2026-03-02 09:00") + 30 * SECOND)  # all slots are in use
    made.now = at("2026-03-02 12:30")
    made.scheduler.clock_stepped(made.now, 0, made.now - at("2026-03-02 09:00") - 30 * SECOND)
    made.now += later
    made.run_until(made.now)
    assert [(missed.reason, missed.last) for missed in made.missed("a")] == [
        ("all slots are in use", at("2026-03-02 09:00")),
        ("the host slept or its clock was set forward", at("2026-03-02 12:00")),
    ]


def test_an_edit_that_arms_nothing_anew_takes_nothing_from_a_task_that_is_due_beside_its_last_run() -> None:
    made = world(replace(task("a", "cron('0 * * * *')"), overlap=Overlap.ALLOW), task("b", "false"))
    made.max_running = 2
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.behaviours["b"] = Behaviour(takes=2 * HOUR)
    made.boot()
    made.run_until(made.now + HOUR)
    (begun,) = made.starts("a")
    made.carry_out(made.scheduler.run("b", made.now, "by hand"))
    made.run_until(begun + 65 * MINUTE)  # due since five minutes, and all slots are in use
    made.tasks["a"] = replace(made.tasks["a"], output_tail=7)
    made.reload()
    made.run_until(made.now + 2 * HOUR)
    assert len(made.starts("a")) == 2


def test_a_tick_whose_hours_ended_in_a_suspend_is_gone_though_they_began_anew() -> None:
    made = world(
        task("a", "cron('15 3 * * *') & time_of_hour.after('05:00')"), task("b", "false"), start="2026-03-02 03:10"
    )
    made.behaviours["b"] = Behaviour(takes=20 * MINUTE)
    made.boot()
    made.scheduler.max_running = 1
    made.carry_out(made.scheduler.run("b", made.now, "by hand"))
    made.run_until(at("2026-03-02 03:20"))
    made.now = at("2026-03-02 11:20")
    made.scheduler.clock_stepped(made.now, 0, 8 * HOUR)
    made.run_until(at("2026-03-02 11:40"))
    assert not made.starts("a")
    assert [missed.first for missed in made.missed("a")][:1] == [at("2026-03-02 03:15")]


def test_a_timeout_is_elapsed_time() -> None:
    made = world(replace(task("a", "daily"), timeout=10 * MINUTE))
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.now += HOUR
    made.scheduler.clock_stepped(made.now, HOUR)
    made.run_until(made.now + 8 * MINUTE)
    assert made.processes
    made.run_until(made.now + 2 * MINUTE)
    assert not made.processes


def test_records_far_in_the_future_count_as_now() -> None:
    made = world(task("a", "every('10 min')"), start="2036-03-02 09:00")
    made.boot()
    made.run_until(made.now + MINUTE)
    made.kill()
    made.now = made.alive = at("2026-03-02 09:00")
    made.boot()
    made.run_until(made.now + HOUR)
    assert len(made.begun) == 7


def test_at_a_start_a_tick_that_was_used_up_far_in_the_future_was_used_up_now_and_its_task_is_named() -> None:
    made = world(task("a", "cron('*/10 * * * *')"), task("idle"), start="2036-03-02 09:05")
    made.boot()
    made.run_until(at("2036-03-02 09:35"))
    made.kill()
    made.now = made.alive = at("2026-03-02 09:05")
    again = Scheduler(host="world", new_run_id=str)
    again.load(made.tasks.values(), made.now, made.states)
    assert again.replay(made.log, [], made.now) == ["a"]
    made.boot()
    made.run_until(at("2026-03-02 09:35"))
    assert made.starts("a")[3:] == [at(f"2026-03-02 09:{minute}") for minute in (10, 20, 30)]


@pytest.mark.parametrize(
    "when",
    [
        "every('10 min')",
        "every('10 min', based='finish')",
        "cron('*/10 * * * *')",
        "minutely.at('00') & ~succeeded.past('10 min')",
    ],
)
def test_what_lies_far_ahead_once_the_clock_was_set_back_counts_as_now(when: str) -> None:
    made = world(task("a", when), task("idle"), start="2036-03-02 09:00")
    made.boot()
    made.run_until(made.now + 25 * MINUTE)
    made.now = at("2026-03-02 09:05")
    assert made.scheduler.clock_stepped(made.now, at("2026-03-02 09:05") - at("2036-03-02 09:25")) == ["a"]
    made.run_until(at("2026-03-02 10:05"))
    assert len([start for start in made.starts("a") if start < at("2036-01-01 00:00")]) >= 4


def test_a_run_that_was_going_on_when_the_clock_was_set_far_back_uses_up_today_only() -> None:
    made = world(task("a", "daily"), start="2036-03-02 09:00")
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.now = at("2026-03-02 09:00")
    made.scheduler.clock_stepped(made.now, at("2026-03-02 09:00") - at("2036-03-02 09:01"))
    made.end(made.begun[0], End(Action.SUCCESS, Cause.EXIT, made.now + SECOND))
    made.run_until(at("2026-03-03 00:10"))
    assert made.starts("a")[1:] == [at("2026-03-03 00:00")]


# -- defects


def test_decisions_are_starts_and_stops() -> None:
    made = world(task("a", "daily"))
    made.boot()
    (decision,) = made.scheduler.decide(made.now)
    assert isinstance(decision, Start)
    (stop,) = made.scheduler.stop_all(Cause.SHUTDOWN)
    assert isinstance(stop, Stop)


def test_the_next_start_is_known_ahead() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"), task("c", "cron('0 0 29 2 *')"))
    made.boot()
    made.run_until(made.now)
    upcoming = {name: entry.next_start for name, entry in made.scheduler.tasks.items()}
    assert upcoming == {"a": at("2026-03-02 10:00"), "b": None, "c": at("2028-02-29 00:00")}


def test_what_a_run_printed_is_not_kept_in_memory() -> None:
    made = world(task("a", "daily"))
    made.boot()
    made.step(made.now)
    (run,) = made.begun
    made.end(run, End(Action.FAIL, Cause.EXIT, made.now, output="x" * 16_384, exc_text="y" * 16_384))
    past = made.scheduler.history.of("a")
    assert [(end.output, end.exc_text) for end in (past.scheduled_end, past.last_events[Action.FAIL].end) if end] == [
        ("", "")
    ] * 2
