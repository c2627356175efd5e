"""What a unit that has ended means for its run."""

import errno
import resource
import struct
from dataclasses import replace

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Withdrawn
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Usage
from rocketd.core.model.task import Command, Identity, Limit, Surroundings, Task
from rocketd.executor.process.environment import own_identity
from rocketd.executor.process.launcher_protocol import Stage
from rocketd.executor.unit.outcome import ExitKind, UnitState, unit_state
from rocketd.executor.unit.properties import request_of
from rocketd.executor.unit.run_journal import JournalFacts
from rocketd.executor.unit.unit_run import UnitRun, outcome_of, refusal
from support.executor_harness import a_run

EXITED = UnitState(
    pid=7, began=10 * SECOND, ended=13 * SECOND, how=ExitKind.EXITED, status=0, result="success", run_id="r",
    usage=NO_USAGE,
)  # fmt: skip
TAIL = JournalFacts("tail")
REPORTED = bytes(6 * 4 + 232)
"""A launcher that has said that it is reading its request, and then executed its program."""


def unit_run(**changes: object) -> UnitRun:
    task = Task("job", Command(("/bin/job",), inaction_codes=frozenset({9})), timeout=5 * SECOND)
    run = a_run(task)
    one = UnitRun(task, run, "rocketd-job-1.service", request_of(task, {}, own_identity(), {}))
    for name, value in changes.items():
        setattr(one, name, value)
    return one


def end_of(state: UnitState, one: UnitRun | None = None, facts: JournalFacts = TAIL) -> End:
    outcome = outcome_of(one or unit_run(), state, REPORTED, facts, 99 * SECOND)
    assert isinstance(outcome, End)
    return outcome


def test_a_unit_that_somebody_restarts_has_ended_and_is_not_the_task_s_failure() -> None:
    """`systemctl restart` stops it, and starts a launcher that has nothing to read: it ends with STDIN."""
    for how, status in ((ExitKind.EXITED, 208), (ExitKind.NEVER_BEGAN, 0)):  # it has failed already, or is about to
        end = end_of(replace(EXITED, pid=8, how=how, status=status), unit_run(first_pid=7))
        assert (end.action, end.cause, end.exit_code, end.output) == (Action.TERMINATE, Cause.OPERATOR, None, "tail")
        assert "restarted" in end.message
    own = end_of(replace(EXITED, status=208), unit_run(first_pid=7))
    assert (own.action, own.exit_code) == (Action.FAIL, 208), "this may be the program's own"


@pytest.mark.parametrize(
    ("changes", "action", "code", "signal"),
    [
        ({}, Action.SUCCESS, 0, None),
        ({"status": 3}, Action.FAIL, 3, None),
        ({"status": 9}, Action.INACTION, 9, None),
        ({"status": 203}, Action.FAIL, 203, None),
        ({"how": ExitKind.KILLED, "status": 9}, Action.FAIL, None, 9),
        ({"how": ExitKind.DUMPED, "status": 11}, Action.FAIL, None, 11),
    ],
)
def test_an_end_is_what_the_process_said(
    changes: dict[str, int], action: Action, code: int | None, signal: int | None
) -> None:
    end = end_of(replace(EXITED, **changes))  # type: ignore[arg-type] # its fields
    assert (end.action, end.cause, end.exit_code, end.signal) == (action, Cause.EXIT, code, signal)
    assert (end.runtime, end.output) == (3 * SECOND, "tail")


def test_a_run_that_systemd_stopped_at_its_timeout_was_stopped_by_its_timeout() -> None:
    state = replace(EXITED, ended=16 * SECOND, result="timeout", how=ExitKind.KILLED, status=15)
    assert (end_of(state).action, end_of(state).cause) == (Action.TERMINATE, Cause.TIMEOUT)


def test_a_stop_by_somebody_else_that_took_too_long_is_no_timeout() -> None:
    state = replace(EXITED, result="timeout", how=ExitKind.KILLED, status=9)
    assert end_of(state).cause is Cause.OPERATOR


def test_a_unit_that_somebody_else_stopped_says_so() -> None:
    end = end_of(EXITED, unit_run(cause=Cause.OPERATOR, stopped_elsewhere=True))
    assert (end.action, end.message) == (Action.TERMINATE, "its unit was stopped, but not by rocketd")


def test_what_systemd_calls_out_of_memory_is_told_by_name() -> None:
    assert end_of(replace(EXITED, status=1, result="oom-kill")).message.startswith("out of memory: ")


def test_where_only_the_host_is_known_to_have_been_short_of_memory_it_is_a_guess() -> None:
    killed, facts = replace(EXITED, how=ExitKind.KILLED, status=9), JournalFacts("", perhaps_out_of_memory=True)
    assert end_of(killed, facts=facts).message.startswith("probably out of memory: ")
    assert end_of(killed, unit_run(cause=Cause.OPERATOR), facts).message == ""


def test_what_a_unit_has_used_is_recorded() -> None:
    usage = Usage(cpu=1, memory=2, io_read=3, io_written=4)
    assert end_of(replace(EXITED, usage=usage)).usage == usage


def test_out_of_memory_is_told_by_name() -> None:
    end = end_of(replace(EXITED, how=ExitKind.KILLED, status=9), facts=JournalFacts("", out_of_memory=True))
    assert end.message == "out of memory: the kernel killed one of its processes"


def test_what_systemd_could_not_set_up_has_failed_in_its_words() -> None:
    facts = JournalFacts("", "Failed at step USER spawning launcher: No such process", errno.ESRCH)
    outcome = outcome_of(unit_run(), replace(EXITED, status=217), b"", facts, 0)
    assert isinstance(outcome, End)
    assert outcome.message == "cannot start: Failed at step USER spawning launcher: No such process"


def test_without_a_journal_the_step_is_told_by_its_number() -> None:
    outcome = outcome_of(unit_run(), replace(EXITED, status=226), b"", JournalFacts(""), 0)
    assert isinstance(outcome, End)
    assert outcome.message.startswith("cannot start: systemd failed at step NAMESPACE (systemctl status rocketd-job-")


def test_a_host_that_lacks_processes_is_no_failure_of_the_task() -> None:
    facts = JournalFacts("", "Failed to fork: Resource temporarily unavailable", errno.EAGAIN)
    assert isinstance(outcome_of(unit_run(), replace(EXITED, status=203), b"", facts, 0), Withdrawn)


def test_an_adopted_run_whose_unit_is_gone_has_crashed() -> None:
    outcome = outcome_of(unit_run(adopted=True), unit_state({}), b"", JournalFacts(""), 0)
    assert isinstance(outcome, End)
    assert (outcome.action, outcome.cause) == (Action.CRASH, Cause.DOWN)


def test_what_a_kernel_does_not_count_is_unknown() -> None:
    state = unit_state({"CPUUsageNSec": 2_000_000, "MemoryPeak": 2**64 - 1, "IOReadBytes": 2**64 - 1})
    assert state.usage == Usage(cpu=2_000)


@pytest.mark.parametrize("name", ["org.freedesktop.DBus.Error.LimitsExceeded", "System.Error.EAGAIN"])
def test_a_refusal_for_the_moment_is_a_shortage(name: str) -> None:
    assert type(refusal("u", name, "text")).__name__ == "ResourceShortage"
    assert type(refusal("u", "org.freedesktop.DBus.Error.InvalidArgs", "text")).__name__ == "RocketdError"


# Whose fault it is that a program was not executed


def limited(number: int) -> UnitRun:
    one = unit_run()
    identity = Identity(1000, 100, (100,), "alice", "/home/alice", "/bin/sh")
    one.task = Task("job", Command(("/bin/job",), surroundings=Surroundings(identity, limits=(Limit(number, 5, 5),))))
    return one


def reported(stage: Stage, error: int) -> bytes:
    return struct.pack("=6i232s", stage, 0, 1, error, 0, 0, b"/bin/job")


EXEC = replace(EXITED, status=203)
FAILED_EXEC = JournalFacts("", "Failed to execute launcher: it lacks something", errno.EAGAIN)


@pytest.mark.parametrize("status", [b"", reported(Stage.PROGRAM, errno.EAGAIN)], ids=["launcher", "program"])
def test_a_user_who_may_have_no_more_processes_holds_up_nobody_else(status: bytes) -> None:
    outcome = outcome_of(limited(resource.RLIMIT_NPROC), EXEC, status, FAILED_EXEC, 0)
    assert isinstance(outcome, Withdrawn)
    assert (outcome.shared, outcome.own_limit) == (False, True)
    if status:
        assert outcome.reason == "user alice has more processes than nproc = 5 in the limits of this task allows"
    other = outcome_of(unit_run(), EXEC, status, FAILED_EXEC, 0)
    assert isinstance(other, Withdrawn)
    assert (other.shared, other.own_limit) == (False, False)


def test_a_host_without_processes_for_systemd_holds_up_everybody() -> None:
    never = unit_state({"Result": "resources"})
    outcome = outcome_of(unit_run(), never, b"", FAILED_EXEC._replace(failure="Failed to fork"), 0)
    assert isinstance(outcome, Withdrawn)
    assert outcome.shared


@pytest.mark.parametrize("number", [resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_STACK])
@pytest.mark.parametrize("status", [b"", reported(Stage.PROGRAM, errno.ENOMEM)], ids=["launcher", "program"])
def test_too_little_memory_by_its_own_limits_is_the_tasks_failure(number: int, status: bytes) -> None:
    outcome = outcome_of(limited(number), EXEC, status, FAILED_EXEC._replace(error=errno.ENOMEM), 0)
    assert isinstance(outcome, End)
    assert outcome.action is Action.FAIL


def test_a_status_that_is_not_of_a_launcher_leaves_the_end_as_it_is() -> None:
    outcome = outcome_of(unit_run(), EXITED, b"\xff" * 256, TAIL, 0)
    assert isinstance(outcome, End)
    assert outcome.action is Action.SUCCESS
