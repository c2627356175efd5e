"""What asyncio reports goes to the journal: its own logger would write to standard error, which may block the loop."""

import asyncio
import errno
import logging
import os
import traceback
from typing import Any, Final

from rocketd.core.messages.message import Message, Priority
from rocketd.daemon.ports import Journal

REPEAT_AFTER: Final = 60.0
"""Seconds after which connections that cannot be accepted are reported again."""
_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def report_to_journal(loop: asyncio.AbstractEventLoop, journal: Journal) -> None:
    """Have this loop report errors that nobody handles to the journal."""
    logger = logging.getLogger("asyncio")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    loop.set_exception_handler(_ErrorReport(journal))


class _ErrorReport:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._next_at = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _SHORTAGES and "socket" in context:
            self._report_refusal(loop.time(), os.strerror(error.errno))
            return
        trace = "".join(traceback.format_exception(error)) if error else ""
        self._journal.write(Message(f"a bug in rocketd: {context['message']}\n{trace}".rstrip(), Priority.ERROR))

    def _report_refusal(self, now: float, why: str) -> None:
        """Report that the control socket accepts nobody; asyncio tries again each second, and reports each try."""
        if now >= self._next_at:
            self._next_at = now + REPEAT_AFTER
            self._journal.write(Message(f"rocketctl has to wait, as no connection is accepted: {why}", Priority.ERROR))
