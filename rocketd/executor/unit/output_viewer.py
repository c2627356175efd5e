"""Follows what units print, for those who want to see it at once: it is in the journal already.

journald tells of new entries by inotify, but late, and not of each: so while somebody watches it is also looked every
`PERIOD`. Before the end of a run is told, everything that it has printed is.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from systemd import journal

PERIOD: Final = 0.2
"""Seconds between looks."""
AT_ONCE: Final = 100
"""Lines that are told before others have their turn: some 5 ms."""


class JournalFollower:
    """Reads what units print from now on. On the loop's thread."""

    def __init__(self, line: Callable[[str, str], None]) -> None:
        """`line` takes the id of a run and a line that it printed; raises OSError if there is no journal."""
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._reader = reader = journal.Reader(flags=journal.LOCAL_ONLY, converters={"MESSAGE": _text})
        reader.add_match(_TRANSPORT="stdout")
        reader.add_match(ROCKETD_STREAM="stdout")
        reader.seek_realtime(time.time())
        self._descriptor = reader.fileno()
        self._loop.add_reader(self._descriptor, self._ready)
        self._timer = self._loop.call_later(PERIOD, self._look)

    def close(self) -> None:
        """Follow no longer."""
        self._timer.cancel()
        self._loop.remove_reader(self._descriptor)
        self._reader.close()

    async def catch_up(self) -> None:
        """Tell all that is in the journal by now."""
        while self._tell_some():  # noqa: ASYNC110 - others have their turn; nothing is waited for
            await asyncio.sleep(0)

    def _ready(self) -> None:
        with suppress(OSError):
            self._reader.process()
        self._tell_some()

    def _look(self) -> None:
        more = self._tell_some()
        self._timer = self._loop.call_later(0 if more else PERIOD, self._look)

    def _tell_some(self) -> bool:
        """Tell the next lines; whether there may be more."""
        for _ in range(AT_ONCE):
            entry = self._next()
            if not entry:
                return False
            self._line(str(entry.get("ROCKETD_RUN_ID", "")), entry.get("MESSAGE", ""))
        return True

    def _next(self) -> Any:  # noqa: ANN401 - the library's dictionary, or nothing
        try:
            return self._reader.get_next()
        except OSError:  # a journal file was removed: the next look finds the others
            return None


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


class OutputViewer:
    """Follows while somebody wants to see what runs print."""

    def __init__(self, line: Callable[[str, str], None]) -> None:
        """`line` takes the id of a run and a line that it printed."""
        self._line = line
        self._follower: JournalFollower | None = None

    def follow(self, *, wanted: bool) -> None:
        """Begin or end to follow."""
        if not wanted and self._follower is not None:
            self._follower.close()
            self._follower = None
        elif wanted and self._follower is None:
            with suppress(OSError):  # there is no journal: nor is there what it would have told
                self._follower = JournalFollower(self._line)

    async def catch_up(self) -> None:
        """Tell all that is in the journal by now, if somebody follows."""
        if self._follower is not None:
            await self._follower.catch_up()
