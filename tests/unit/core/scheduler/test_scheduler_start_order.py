"""When a task starts, what goes first, and what is missed while it waits."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

from rocketd.core.instant import HOUR, MILLISECOND, MINUTE, SECOND, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Broken, Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.verdict import FOR, Verdict
from rocketd.core.scheduler.scheduler import Scheduler
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour, World


@dataclass(frozen=True, slots=True)
class Ended(Condition):
    """Its verdict has run out when it is given: a defect."""

    def judge(self, moment: Moment) -> Verdict:
        return Verdict(FOR, moment.now)

    def __str__(self) -> str:
        return "ended"


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


def test_a_start_after_the_next_interval_has_opened_puts_off_none_of_those_that_follow() -> None:
    """Of so many tasks some have nearly the whole interval as their splay, and every pass comes 20 ms late."""
    made = world(*[replace(task(f"t{n}", "every('1 s')"), splay=SECOND) for n in range(400)], max_running=1000)
    made.boot()
    end = made.now + 20 * SECOND
    while made.now < end:
        made.now = made.scheduler.next_check() + 20 * MILLISECOND
        made.step(made.now)
    assert max(run.start - run.due for run in made.begun) > SECOND, "else there is nothing to see"
    assert {len(made.starts(name)) for name in made.tasks} <= {19, 20, 21}


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
