"""What the end of a command says about its probe."""

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.run import Action, Cause, End
from rocketd.probes.commands import _value_from_end


def end(action: Action = Action.FAIL, cause: Cause = Cause.EXIT, **more: object) -> End:
    return End(action, cause, 0, **more)  # type: ignore[arg-type] # its fields


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        (end(Action.SUCCESS, exit_code=0), (True, "")),
        (end(exit_code=1), (False, "")),
        (end(exit_code=1, output="no such host\n"), (False, "")),
        (end(exit_code=127, output="x\nsh: 1: nosuch: not found\n"), (None, "sh: 1: nosuch: not found")),
        (end(exit_code=126), (None, "it could not be run: exit code 126")),
        (end(signal=9), (None, "it was killed by SIGKILL")),
        (end(message="cannot start: /bin/sh: Permission denied"), (None, "cannot start: /bin/sh: Permission denied")),
        (end(Action.TERMINATE, Cause.TIMEOUT, signal=15), (None, "it took longer than 5s")),
        (end(), (None, "it ended without an exit code")),
    ],
)
def test_a_command_holds_fails_or_is_unknown(finished: End, expected: tuple[bool | None, str]) -> None:
    assert _value_from_end(finished, 5 * SECOND) == expected
