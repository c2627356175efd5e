"""Damage to what is kept is told once, in the journal, and stays in the status: somebody has to look at it."""

import asyncio
import threading
from contextlib import suppress

from rocketd.core.messages import daemon_messages
from rocketd.daemon.health import Health
from rocketd.daemon.ports import Journal


class DamageReport:
    """Hears, on any thread, which part is damaged and how."""

    def __init__(self, journal: Journal, health: Health) -> None:
        self._journal = journal
        self._health = health
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def __call__(self, part: str, sentence: str) -> None:
        """Tell it, from another thread soon; what is told of the same part later takes its place in the status."""
        if threading.get_ident() == self._thread:
            self._show(part, sentence)
            return
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._show, part, sentence)

    def _show(self, part: str, sentence: str) -> None:
        if self._health.troubles.get(part) != sentence:
            self._journal.write(daemon_messages.damaged(sentence))
            self._health.set_trouble(part, sentence)
