"""A group whose members may use a control socket: looked up until it is known.

It may be made after the daemon has started, and a directory service may answer late. It is asked at each heartbeat, and
when /etc/group changes, also if it is known; in a thread and never twice at a time, as it may hang.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from grp import getgrnam
from typing import Final

from rocketd.background_threads import start_in_thread
from rocketd.core.messages.message import Message, Priority
from rocketd.daemon.ports import Journal
from rocketd.probes.accounts import AccountFiles

NAMES: Final = 10.0
"""Seconds that a start waits for the name service to know the group."""


class ControlGroup:
    """Looks a group up. On the loop's thread."""

    def __init__(self, name: str, journal: Journal, without: str = "") -> None:
        """`without` is what the journal says follows from there being none; empty: nothing worth a word."""
        self._without = without
        self.gid: int | None = None
        """None: not known, so that only root and the daemon's own user may use the socket."""
        self.found: Callable[[int | None], None] = lambda _: None
        """Called when it has become known after `start`, has another number, or exists no longer."""
        self._name = name
        self._journal = journal
        self._looking: asyncio.Future[int | None] | None = None
        self._accounts: AccountFiles | None = None
        self._started = False
        self._changed = False
        """Whether the accounts have changed while it was looked up."""

    async def start(self) -> None:
        """Look it up for a while; only root can give the socket to it."""
        if os.geteuid() != 0:
            return
        self._accounts = AccountFiles(self._look_again)
        self.look()
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=NAMES)
            await asyncio.sleep(0)  # what follows from its end has been called as well
        self._started = True
        if self.gid is None and self._without:
            hangs = self._looking is not None
            why = f"the name service does not answer for group {self._name}" if hangs else self._missing
            self._journal.write(Message(f"{why}; {self._without}", Priority.NOTICE))

    def look(self) -> None:
        """Look it up, if it is not known and nobody is looking."""
        if self.gid is None:
            self._look_again()

    def _look_again(self) -> None:
        """Look it up also if it was known: its number may be that of another group by now."""
        if os.geteuid() != 0:
            return
        if self._looking is not None:
            self._changed = True
            return
        with suppress(RuntimeError):  # the host has no thread left: the next heartbeat tries again
            self._looking = start_in_thread(partial(_gid, self._name))
            self._looking.add_done_callback(self._looked)

    def close(self) -> None:
        """Look no more."""
        self.found = lambda _: None
        if self._accounts is not None:
            self._accounts.close()

    @property
    def _missing(self) -> str:
        return f"group {self._name} does not exist"

    def _looked(self, looking: "asyncio.Future[int | None]") -> None:
        self._looking = None
        if self._changed:
            self._changed = False
            self._look_again()
        if looking.cancelled() or looking.exception() is not None or (gid := looking.result()) == self.gid:
            return
        self.gid = gid
        if self._started:
            self.found(gid)


def _gid(name: str) -> int | None:
    try:
        return getgrnam(name).gr_gid
    except KeyError:
        return None
