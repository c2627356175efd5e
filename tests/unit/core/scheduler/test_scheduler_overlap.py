"""What a task does that is due while it is running, and what stops a run."""

from dataclasses import replace

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.core.model.events import Finished, Start, Started, Stop
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Overlap
from rocketd.core.scheduler.scheduler import Scheduler
from support.scheduler_world import at, task, world
from support.simulated_world import Behaviour, World


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


def restarted(overlap: Overlap, when: str = "cron('*/10 * * * *')") -> World:
    """A daemon that is down from 10:01 to 10:21 while a run of 25 minutes goes on, as a unit does."""
    made = overlapping(overlap, when)
    made.adopts = True
    made.run_until(at("2026-03-02 10:01"))
    made.kill()
    made.now = at("2026-03-02 10:21")
    made.boot()
    made.run_until(at("2026-03-02 10:35"))
    return made


@pytest.mark.parametrize("when", ["cron('*/10 * * * *')", "cron('*/10 * * * *') & ~never"])
def test_overlap_allow_starts_what_has_passed_in_a_downtime_beside_a_run_that_goes_on(when: str) -> None:
    made = restarted(Overlap.ALLOW, when)
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 10:21"), at("2026-03-02 10:30")]
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 10:10"), at("2026-03-02 10:10"), 1)
    assert missed.reason.startswith("rocketd was down")


def test_overlap_skip_tells_all_that_has_passed_in_a_downtime_while_a_run_goes_on() -> None:
    made = restarted(Overlap.SKIP)
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-02 10:30")]
    missed = made.missed("a")
    assert [(one.first, one.last, one.count) for one in missed] == [
        (at("2026-03-02 10:10"), at("2026-03-02 10:10"), 1),
        (at("2026-03-02 10:20"), at("2026-03-02 10:20"), 1),
    ]
    assert missed[1].reason == "still running"
