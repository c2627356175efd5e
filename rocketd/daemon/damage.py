"""Reports damage to the state once in the journal, and keeps it in the status: somebody has to look at it."""

import asyncio
import threading
from contextlib import suppress

from rocketd.core.messages import daemon_messages
from rocketd.daemon.health import Health
from rocketd.daemon.ports import Journal


class DamageReport:
    """Reports which part is damaged, and how; called on any thread."""

    def __init__(self, journal: Journal, health: Health) -> None:
        self._journal = journal
        self._health = health
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def __call__(self, part: str, sentence: str) -> None:
        """Report damage, from any thread; in the status, a later report about the same part replaces it."""
        if threading.get_ident() == self._thread:
            self._show(part, sentence)
            return
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._show, part, sentence)

    def _show(self, part: str, sentence: str) -> None:
        if self._health.troubles.get(part) != sentence:
            self._journal.write(daemon_messages.damaged(sentence))
            self._health.set_trouble(part, sentence)
