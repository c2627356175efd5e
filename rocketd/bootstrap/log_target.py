"""Where the daemon's journal goes: to journald, or to the console."""

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from rocketd.core.errors import RocketdError
from rocketd.core.instant import Instant
from rocketd.core.messages.message import Priority
from rocketd.journal.console import ConsoleJournal
from rocketd.time_zones import local_zone

if TYPE_CHECKING:
    from rocketd.journal.journald import JournaldJournal


class LogTarget(StrEnum):
    """Where messages go."""

    AUTO = "auto"
    """To journald, if standard error leads there already; else to the console."""
    JOURNAL = "journal"
    CONSOLE = "console"


def open_journal(
    target: LogTarget, level: Priority, loop: asyncio.AbstractEventLoop, now: Callable[[], Instant]
) -> "ConsoleJournal | JournaldJournal":
    """Open the journal of this target; less urgent messages than `level` are dropped.

    Raises RocketdError if the journal needs a package that is not installed.
    """
    if target is LogTarget.JOURNAL or (target is LogTarget.AUTO and _leads_to_journal()):
        return _journald(loop, level)
    return ConsoleJournal(loop, now, local_zone(), level=level)


def _journald(loop: asyncio.AbstractEventLoop, level: Priority) -> "JournaldJournal":
    try:
        from rocketd.journal.journald import JournaldJournal  # noqa: PLC0415 - needs libsystemd, which not every host has
    except ImportError as error:
        hint = "pip install 'rocketd[systemd]', or use --log-target console"
        raise RocketdError(f"the journal needs systemd-python: {error}", hint=hint) from error
    return JournaldJournal(loop, level=level)


def _leads_to_journal() -> bool:
    """Return whether standard error is journald's: systemd.exec(5), $JOURNAL_STREAM."""
    status = os.fstat(2)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
