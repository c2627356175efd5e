"""What becomes of the runs that were open when the daemon went down."""

from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.scheduler.open_runs import crash_of, sorted_open_runs


def open_run(task: str, start: int = 100) -> OpenRun:
    return OpenRun(Run(task, 1, f"id-{task}", 1, start, start, Trigger.SCHEDULE, ""), "host", "boot", 7, 70)


def test_a_run_that_its_executor_has_is_active() -> None:
    run = open_run("a")
    found = sorted_open_runs([run], {run.run.key: None})
    assert (found.active, found.ended, found.lost) == ([run], [], [])


def test_a_run_that_ended_meanwhile_has_the_end_that_it_had() -> None:
    run = open_run("a")
    end = Finished(run.run, End(Action.FAIL, Cause.EXIT, 150, exit_code=3))
    assert sorted_open_runs([run], {run.run.key: end}).ended == [end]


def test_no_end_is_before_its_start() -> None:
    run = open_run("a")
    early = Finished(run.run, End(Action.SUCCESS, Cause.EXIT, 50))
    gone = Withdrawn(run.run, 50, "no memory")
    assert [one.end.at for one in sorted_open_runs([run], {run.run.key: early}).ended if isinstance(one, Finished)] == [
        100
    ]
    assert [one.at for one in sorted_open_runs([run], {run.run.key: gone}).ended if isinstance(one, Withdrawn)] == [100]


def test_a_run_that_nobody_has_is_lost_and_has_crashed() -> None:
    kept, lost = open_run("a"), open_run("b")
    assert sorted_open_runs([kept, lost], {kept.run.key: None}).lost == [lost]
    end = crash_of(lost, 120).end
    assert (end.action, end.cause, end.at) == (Action.CRASH, Cause.DOWN, 120)
    assert crash_of(lost, 20).end.at == 100
