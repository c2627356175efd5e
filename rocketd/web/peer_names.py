"""Who sends a request, for records and messages: `bob (uid 1001)`.

The name service may hang. It is asked in a thread and for a moment only; then the number says who it was.
"""

import asyncio
import pwd
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Final

from rocketd.background_threads import start_in_thread

PATIENCE: Final = 1.0
"""Seconds to wait for a name."""
KEPT: Final = 300.0
"""Seconds for which a name is known."""
_MOST: Final = 1000
"""How many names to keep."""


class PeerAccounts:
    """Looks up the names of users. On the loop's thread."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, float]] = {}
        self._looking: dict[int, asyncio.Future[str]] = {}

    async def shown(self, uid: int, login: int | None = None) -> str:
        """Return the name and the number of a user, and of the `login` whom that user acts for.

        Only the number if there is no name, or no answer in time.
        """
        if login is None:
            return await self._shown(uid)
        user, behind = await asyncio.gather(self._shown(uid), self._shown(login))
        return f"{user} for {behind}"

    async def _shown(self, uid: int) -> str:
        name, until = self._known.get(uid, ("", 0.0))
        if monotonic() >= until:
            name = await self._look_up(uid)
        return f"{name} (uid {uid})" if name else f"uid {uid}"

    async def _look_up(self, uid: int) -> str:
        looking = self._looking.get(uid)
        if looking is None:
            try:
                looking = self._looking[uid] = start_in_thread(partial(_name, uid))
            except RuntimeError:  # the host has no thread left
                return ""
            looking.add_done_callback(lambda done: self._looked_up(uid, done))
        await asyncio.wait([looking], timeout=PATIENCE)
        return looking.result() if looking.done() and not looking.cancelled() and not looking.exception() else ""

    def _looked_up(self, uid: int, looking: "asyncio.Future[str]") -> None:
        self._looking.pop(uid, None)
        if len(self._known) >= _MOST:
            self._known.clear()
        if not looking.cancelled() and looking.exception() is None:
            self._known[uid] = (looking.result(), monotonic() + KEPT)


def _name(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return ""
