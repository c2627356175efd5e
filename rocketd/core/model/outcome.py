"""What the end of a process means for its run.

it was stopped by            the run is recorded as
the daemon's own end         crash: it says nothing about the task
anything else                terminate, whatever its exit code: the end was not its own
nobody                       success, inaction or fail, by its exit code; a signal is a fail, and so is output of
                             which its task says so
"""

from collections.abc import Collection
from typing import Final

from rocketd.core.model.run import Action, Cause
from rocketd.core.model.task import Command, OutputKind, Work

_DAEMONS: Final = frozenset({Cause.SHUTDOWN, Cause.DOWN})
_SUCCESS: Final = frozenset({0})


def unwanted_output(work: Work, streams: Collection[str]) -> str:
    """Say that a run printed what makes it fail, if it did; `streams` are those on which it printed anything."""
    unwanted = work.fails_on if isinstance(work, Command) else frozenset()
    if OutputKind.STDERR in unwanted and OutputKind.STDERR in streams:
        return 'it printed on standard error, and fails_on has "stderr"'
    return 'it printed something, and fails_on has "output"' if OutputKind.OUTPUT in unwanted and streams else ""


def action_of(
    work: Work, exit_code: int | None, cause: Cause, *, inaction: bool = False, streams: Collection[str] = ()
) -> Action:
    """Return the action of an end.

    `inaction`: the function itself said so, which counts if its process ended well. `streams` are those on which it
    printed anything.
    """
    if cause is not Cause.EXIT:
        return Action.CRASH if cause in _DAEMONS else Action.TERMINATE
    if exit_code is None or unwanted_output(work, streams):
        return Action.FAIL
    if isinstance(work, Command) and exit_code in work.inaction_codes:
        return Action.INACTION
    if exit_code in (work.success_codes if isinstance(work, Command) else _SUCCESS):
        return Action.INACTION if inaction else Action.SUCCESS
    return Action.FAIL
