"""What the end of a process means for its run."""

from dataclasses import replace

import pytest

from rocketd.core.model.outcome import action_of, unwanted_output
from rocketd.core.model.run import Action, Cause
from rocketd.core.model.task import Command, Function, OutputKind

COMMAND = Command(("x",), success_codes=frozenset({0, 2}), inaction_codes=frozenset({4}))
FUNCTION = Function("module:function")


@pytest.mark.parametrize(
    ("exit_code", "action"),
    [(0, Action.SUCCESS), (2, Action.SUCCESS), (4, Action.INACTION), (1, Action.FAIL), (None, Action.FAIL)],
)
def test_the_exit_code_of_a_command_says_how_it_went(exit_code: int | None, action: Action) -> None:
    assert action_of(COMMAND, exit_code, Cause.EXIT) is action


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.STOP_WHEN, Cause.OPERATOR, Cause.REPLACE])
def test_a_run_that_was_stopped_is_terminated_however_its_process_ended(cause: Cause) -> None:
    assert action_of(COMMAND, 0, cause) is Action.TERMINATE
    assert action_of(COMMAND, None, cause) is Action.TERMINATE


@pytest.mark.parametrize("cause", [Cause.SHUTDOWN, Cause.DOWN])
def test_an_end_that_is_the_daemons_own_is_a_crash(cause: Cause) -> None:
    assert action_of(COMMAND, 0, cause) is Action.CRASH


def test_a_function_says_itself_that_there_was_nothing_to_do() -> None:
    assert action_of(FUNCTION, 0, Cause.EXIT, inaction=True) is Action.INACTION
    assert action_of(FUNCTION, 0, Cause.EXIT) is Action.SUCCESS


def test_a_function_that_says_so_and_then_dies_has_failed() -> None:
    assert action_of(FUNCTION, 1, Cause.EXIT, inaction=True) is Action.FAIL
    assert action_of(FUNCTION, None, Cause.EXIT, inaction=True) is Action.FAIL


@pytest.mark.parametrize(
    ("fails_on", "streams", "action"),
    [
        ({OutputKind.STDERR}, set(), Action.SUCCESS),
        ({OutputKind.STDERR}, {"stdout"}, Action.SUCCESS),
        ({OutputKind.STDERR}, {"stdout", "stderr"}, Action.FAIL),
        ({OutputKind.OUTPUT}, {"stdout"}, Action.FAIL),
        ({OutputKind.OUTPUT}, {"stderr"}, Action.FAIL),
        ({OutputKind.OUTPUT}, set(), Action.SUCCESS),
        (set(), {"stdout", "stderr"}, Action.SUCCESS),
    ],
)
def test_what_a_command_prints_makes_it_fail_if_its_task_says_so(
    fails_on: set[OutputKind], streams: set[str], action: Action
) -> None:
    command = replace(COMMAND, fails_on=frozenset(fails_on))
    assert action_of(command, 0, Cause.EXIT, streams=streams) is action
    assert bool(unwanted_output(command, streams)) is (action is Action.FAIL)


def test_a_command_that_had_nothing_to_do_must_be_silent_as_well() -> None:
    command = replace(COMMAND, fails_on=frozenset({OutputKind.OUTPUT}))
    assert action_of(command, 4, Cause.EXIT, streams={"stdout"}) is Action.FAIL


def test_a_command_that_was_stopped_has_not_failed_by_what_it_printed() -> None:
    command = replace(COMMAND, fails_on=frozenset({OutputKind.OUTPUT}))
    assert action_of(command, 0, Cause.OPERATOR, streams={"stdout"}) is Action.TERMINATE
