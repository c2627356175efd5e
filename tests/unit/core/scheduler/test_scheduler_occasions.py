"""Tasks that run at the boot, the start and the stop."""

from dataclasses import replace

from rocketd.core.model.run import Trigger
from rocketd.core.model.task import On
from support.scheduler_world import at, task, world


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
