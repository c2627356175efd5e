"""What the end of a process means for its run.

it was stopped by            the run is recorded as
the daemon's own end         crash: it says nothing about the task
anything else                terminate, whatever its exit code: the end was not its own
nobody                       success, inaction or fail, by its exit code; a signal is a fail
"""

from typing import Final

from rocketd.core.model.run import Action, Cause
from rocketd.core.model.task import Command, Work

_DAEMONS: Final = frozenset({Cause.SHUTDOWN, Cause.DOWN})
_SUCCESS: Final = frozenset({0})


def action_of(work: Work, exit_code: int | None, cause: Cause, *, inaction: bool = False) -> Action:
    """Return the action of an end; `inaction`: the function itself said so, which counts if its process ended well."""
    if cause is not Cause.EXIT:
        return Action.CRASH if cause in _DAEMONS else Action.TERMINATE
    if exit_code is None:
        return Action.FAIL
    if isinstance(work, Command) and exit_code in work.inaction_codes:
        return Action.INACTION
    if exit_code in (work.success_codes if isinstance(work, Command) else _SUCCESS):
        return Action.INACTION if inaction else Action.SUCCESS
    return Action.FAIL
