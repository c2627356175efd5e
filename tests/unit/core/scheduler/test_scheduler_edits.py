"""What an edit of the task files changes: which edits arm a task anew."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from rocketd.core.instant import DAY, HOUR, MINUTE
from rocketd.core.language.parser import parse
from rocketd.core.model.run import Action
from rocketd.core.model.task import Command
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour


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
