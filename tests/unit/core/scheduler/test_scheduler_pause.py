"""Paused tasks."""

import pytest

from rocketd.core.model.events import Refusal
from rocketd.core.model.run import Trigger
from support.scheduler_world import at, task, world


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
