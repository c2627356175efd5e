"""The messages about the hosts that share a history."""

from collections.abc import Sequence
from typing import Final

from rocketd.core.duration import approximate_duration
from rocketd.core.instant import Duration
from rocketd.core.messages.message import Message, Priority
from rocketd.core.plural import counted

_LISTED: Final = 10
"""How many names a message lists."""


def joined(fleet: str, host: str) -> Message:
    """Report that this host holds its name, and sends its records."""
    return Message(f"joined the fleet {fleet} as {host}", Priority.INFO)


def away(why: str) -> Message:
    """Report that the database has not answered for the length of a lease; tasks run as before."""
    message = f"the fleet does not hear of this host; tasks run as ever, and their records are sent later: {why}"
    return Message(message, Priority.ERROR)


def back(after: Duration) -> Message:
    """Report that the fleet hears of this host again."""
    return Message(f"the fleet hears of this host again, after {approximate_duration(after)}", Priority.NOTICE)


def name_held(host: str, holder: str) -> Message:
    """Report that another daemon has the name of this host, so that nothing is sent."""
    message = (
        f"another rocketd calls itself {host} in the fleet: {holder}; this one sends nothing: "
        "is it a copy of that machine? give it another name: host in [fleet]"
    )
    return Message(message, Priority.ERROR)


def clock_differs(offset: Duration) -> Message:
    """Report, once, that the clock of this host is not that of the database; `offset` is positive if it is ahead."""
    direction = "ahead of" if offset > 0 else "behind"
    message = f"the clock is {approximate_duration(abs(offset))} {direction} that of the fleet's database"
    return Message(message, Priority.WARNING)


def clock_agrees() -> Message:
    """Report that the clocks agree again."""
    return Message("the clock agrees with that of the fleet's database again", Priority.NOTICE)


def took_over(tasks: Sequence[str]) -> Message:
    """Report that this host decides about these tasks from now on."""
    return Message(f"took over {_listed(tasks)}", Priority.NOTICE)


def handed_back(tasks: Sequence[str]) -> Message:
    """Report that other hosts may decide about these tasks from now on."""
    return Message(f"handed back {_listed(tasks)}", Priority.NOTICE)


def unrecordable(task: str, why: str) -> Message:
    """Report that the database takes no record of a task, so that this host cannot run it."""
    return Message(f"{task} cannot run here, and is handed back: {why}", Priority.ERROR)


def lost_ownership(tasks: Sequence[str], why: str) -> Message:
    """Report that this host decides about these tasks no longer: nothing of them begins here."""
    return Message(f"gave up {_listed(tasks)}: {why}", Priority.WARNING)


def stopping_runs(runs: Sequence[str]) -> Message:
    """Report that runs are stopped before the other hosts count them as lost."""
    names = ", ".join(runs[:_LISTED])
    message = f"the fleet has not heard of this host for most of lost_after, so these runs are stopped: {names}"
    return Message(message, Priority.ERROR)


def _listed(tasks: Sequence[str]) -> str:
    names = ", ".join(sorted(tasks)[:_LISTED])
    more = f" and {len(tasks) - _LISTED} more" if len(tasks) > _LISTED else ""
    return f"{counted(len(tasks), 'task', 'tasks')} of the fleet: {names}{more}"


def note(text: str) -> Message:
    """Report something else that the operator should know of the fleet."""
    return Message(text, Priority.NOTICE)
