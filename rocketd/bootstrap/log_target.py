"""Where the daemon's journal goes: to journald, or to the console."""

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum

from rocketd.core.instant import Instant
from rocketd.core.messages.message import Priority
from rocketd.journal.console import ConsoleJournal
from rocketd.journal.journald import JournaldJournal
from rocketd.time_zones import local_zone


class LogTarget(StrEnum):
    """Where messages go."""

    AUTO = "auto"
    """To journald, if standard error leads there already; else to the console."""
    JOURNAL = "journal"
    CONSOLE = "console"


def open_journal(
    target: LogTarget, level: Priority, loop: asyncio.AbstractEventLoop, now: Callable[[], Instant]
) -> ConsoleJournal | JournaldJournal:
    """Open the journal of this target; less urgent messages than `level` are dropped."""
    if target is LogTarget.JOURNAL or (target is LogTarget.AUTO and _leads_to_journal()):
        return JournaldJournal(loop, level=level)
    return ConsoleJournal(loop, now, local_zone(), level=level)


def _leads_to_journal() -> bool:
    """Return whether standard error is journald's: systemd.exec(5), $JOURNAL_STREAM."""
    status = os.fstat(2)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
