"""Runs that are handed off to an engine: begun once and never lost, whatever becomes of the daemon or the engine.

The engine is a small one whose jobs are real processes (`support.engines.job_directory`).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, Run
from rocketd.core.model.task import Task
from rocketd.executor.engine.job import job_name
from rocketd.executor.engine.submission_notes import SubmissionNote, SubmissionNotes
from support.engines.job_directory import JobDirectory
from support.executor_harness import World, a_run, handed_off, shell

SUBMITTER = """
import sys
from functools import partial
from pathlib import Path
from rocketd.core.model.run import Run, Trigger
from support.engines.job_directory import JobDirectory
from support.executor_harness import World, handed_off, shell
from rocketd.core.model.task import Task

top, run_id, work = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
jobs = JobDirectory(top, exists=True)
world = World(partial(handed_off, jobs=jobs, notes=top))
run = Run("job", 1, run_id, 1, 1_700_000_000_000_000, 1_700_000_000_000_000, Trigger.SCHEDULE, "it was time")
world.call(world.executor.start, Task("job", shell(work)), run)
world.end(run)
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobDirectory]:
    made = JobDirectory(tmp_path)
    yield made
    made.close()


@contextmanager
def daemon(jobs: JobDirectory, settle: float = 0.2) -> Iterator[World]:
    """One after the other has the same state directory; at its end it leaves its runs to the next."""
    world = World(partial(handed_off, jobs=jobs, notes=jobs.top.parent, settle=settle))
    try:
        yield world
    finally:
        world.leave()


def adopt(world: World, run: Run, jobs: JobDirectory) -> bool:
    """Take over a run whose process nobody has recorded; return whether it is known."""
    task = Task("job", shell("true"), engine=jobs.engine)
    return run.key in world.wait(world.executor.adopt([OpenRun(run, "host", "boot", 0, 0)], {"job": task}))


def waits(jobs: JobDirectory) -> str:
    """A job that ends when the test says so."""
    return f"read end <{fifo(jobs)}; exit 3"


def fifo(jobs: JobDirectory) -> Path:
    path = jobs.top.parent / "end"
    if not path.exists():
        os.mkfifo(path)
    return path


def let_end(jobs: JobDirectory) -> None:
    with fifo(jobs).open("w") as file:
        file.write("now\n")


def test_a_run_goes_on_without_the_daemon_and_the_next_reports_its_end(jobs: JobDirectory) -> None:
    with daemon(jobs) as first:
        run = first.start(shell(waits(jobs)))
        first.spawned(run)
    with daemon(jobs) as second:
        assert adopt(second, run, jobs)
        second.spawned(run)
        let_end(jobs)
        end = second.end(run)
    assert (end.action, end.exit_code) == (Action.FAIL, 3)
    assert jobs.lines("begun") == [job_name(run)]


def test_a_run_that_has_ended_meanwhile_is_reported_with_its_end(jobs: JobDirectory) -> None:
    with daemon(jobs) as first:
        run = first.start(shell(waits(jobs)))
        first.spawned(run)
    let_end(jobs)
    with daemon(jobs) as second:
        adopt(second, run, jobs)
        assert second.end(run).exit_code == 3
    assert [*SubmissionNotes(jobs.top.parent).run_ids()] == []


@pytest.mark.parametrize("step", ["noted", "submitting", "submitted", "accepted"])
def test_a_daemon_that_is_killed_at_any_step_submits_once(jobs: JobDirectory, step: str) -> None:
    run = a_run(Task("job", shell("exit 3")))
    run = Run("job", 1, run.run_id, 1, run.due, run.start, run.trigger, run.reason)
    jobs.kill_at(step)
    code = [sys.executable, "-c", SUBMITTER, str(jobs.top.parent), run.run_id, "exit 3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.run(code, env=environment, timeout=60, check=False, stderr=subprocess.PIPE)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    jobs.kill_at("")
    with daemon(jobs) as second:
        assert adopt(second, run, jobs)
        outcome = second.outcome(run)
    if step == "noted":
        assert isinstance(outcome, Withdrawn)
        assert jobs.lines("begun") == []
    else:
        assert isinstance(outcome, Finished)
        assert outcome.end.exit_code == 3
        assert jobs.lines("begun") == [job_name(run)]


def test_a_run_of_which_nothing_was_noted_was_never_submitted(jobs: JobDirectory) -> None:
    run = a_run(Task("job", shell("true")))
    with daemon(jobs) as world:
        assert adopt(world, run, jobs)
        assert isinstance(world.outcome(run), Withdrawn)
    assert jobs.lines("submitted") == []


def test_a_run_that_had_a_process_of_this_host_was_not_handed_off(jobs: JobDirectory) -> None:
    task = Task("job", shell("true"), engine=jobs.engine)
    with daemon(jobs) as world:
        assert world.wait(world.executor.adopt([OpenRun(a_run(task), "host", "boot", 77, 1)], {"job": task})) == {}


def test_a_run_whose_task_is_gone_is_followed_by_its_note(jobs: JobDirectory) -> None:
    with daemon(jobs) as first:
        run = first.start(shell(waits(jobs)))
        first.spawned(run)
    with daemon(jobs) as second:
        known = second.wait(second.executor.adopt([OpenRun(run, "host", "boot", 0, 0)], {}))
        assert known == {run.key: None}
        let_end(jobs)
        assert second.end(run).exit_code == 3


def test_a_second_submission_of_the_same_run_finds_the_first(jobs: JobDirectory) -> None:
    with daemon(jobs) as first:
        run = first.start(shell("exit 3"))
        first.end(run)
    with daemon(jobs) as second:
        second.call(second.executor.start, Task("job", shell("exit 3")), run)
        assert second.end(run).exit_code == 3
    assert jobs.lines("submitted") == [job_name(run)] * 2
    assert jobs.lines("begun") == [job_name(run)]


def test_an_answer_that_is_lost_is_asked_for_by_name(jobs: JobDirectory) -> None:
    jobs.set("answers-late")
    with daemon(jobs) as world:
        run = world.start(shell("exit 3"))
        assert world.end(run).exit_code == 3
    assert jobs.lines("begun") == [job_name(run)]


def test_a_lost_engine_is_not_known_yet_and_never_a_failure(jobs: JobDirectory) -> None:
    with daemon(jobs) as world:
        run = world.start(shell(waits(jobs)))
        world.spawned(run)
        jobs.set("away")
        world.until(lambda: any("commands does not say how it is" in line for _, line in world.lines))
        let_end(jobs)
        jobs.set("away", on=False)
        assert world.end(run).exit_code == 3
        assert sum("does not say how it is" in line for _, line in world.lines) == 1


def test_a_run_that_cannot_be_handed_off_is_withdrawn_once_the_engine_says_that_it_has_it_not(
    jobs: JobDirectory,
) -> None:
    jobs.set("away")
    with daemon(jobs) as world:
        run = world.start(shell("true"))
        world.until(lambda: any("it is not known whether commands has it" in line for _, line in world.lines))
        assert world.events == []
        jobs.set("away", on=False)
        outcome = world.outcome(run)
    assert isinstance(outcome, Withdrawn)
    assert outcome.reason == "commands does not have it: exit code 75"
    assert jobs.lines("begun") == []


def test_a_job_that_the_engine_refuses_has_failed_and_says_why(jobs: JobDirectory) -> None:
    jobs.set("refuses")
    with daemon(jobs) as world:
        end = world.end(world.start(shell("true")))
    assert (end.action, end.message) == (Action.FAIL, "cannot start: no such partition")


def test_a_job_that_the_engine_has_lost_has_crashed(jobs: JobDirectory) -> None:
    with daemon(jobs) as world:
        run = world.start(shell(waits(jobs)))
        world.spawned(run)
        (jobs.top / job_name(run)).rename(jobs.top / "lost")
        end = world.end(run)
        let_end(jobs)
    assert (end.action, end.cause) == (Action.CRASH, Cause.DOWN)
    assert end.message == "commands does not have it any more, and how it ended is not known"


def test_what_cannot_be_noted_is_not_submitted(jobs: JobDirectory) -> None:
    (jobs.top.parent / "handed-off").write_text("in the way")
    with daemon(jobs) as world:
        outcome = world.outcome(world.start(shell("true")))
    assert isinstance(outcome, Withdrawn)
    assert "cannot be noted" in outcome.reason
    assert jobs.lines("submitted") == []


def test_a_note_survives_and_goes_when_the_end_is_recorded(jobs: JobDirectory) -> None:
    notes = SubmissionNotes(jobs.top.parent)
    note = SubmissionNote("name", 5, jobs.engine, None, "7", accepted=True)
    notes.write("0190", note)
    assert notes.read("0190") == note
    assert [*notes.run_ids()] == ["0190"]
    (jobs.top.parent / "handed-off" / "0190.json").write_text("{")
    assert notes.read("0190") is None
    notes.remove("0190")
    assert [*notes.run_ids()] == []
