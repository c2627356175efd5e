"""Notifies systemd about the daemon (sd_notify(3)), through sdnotify.

systemd may be busy or stopped, and its queue is short. So the socket is non-blocking, and what finds no room waits,
the newest of each kind, until the loop says that there is room again.
"""

import asyncio
import os
from contextlib import suppress
from time import CLOCK_MONOTONIC, clock_gettime_ns
from typing import Final

from sdnotify import SystemdNotifier

from rocketd.core.escaping import visible
from rocketd.core.instant import Duration

OURS_ALONE: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
"""Variables by which a process that inherited them could speak for the daemon."""

STATUS_PAUSE: Final = 1.0
"""Least seconds between two statuses."""
STATUS_BYTES: Final = 2_000
"""Of a status; systemd throws away what is longer than 4,096 bytes, and would show the one before for ever."""


class Notifier:
    """The `ServiceManager` of a service; without a NOTIFY_SOCKET in the environment it tells nobody.

    It takes the variables of the service manager out of the environment. Only the loop's own thread may call it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._notifier = _notifier()
        self._watchdog = _watchdog()
        for name in OURS_ALONE:
            os.environ.pop(name, None)
        self._waiting: dict[str, str] = {}
        """Words that have not been sent, by kind, the oldest first."""
        self._watched: int | None = None
        """The descriptor that the loop watches for room."""
        self._pause: asyncio.TimerHandle | None = None
        """Runs while no status may be sent."""
        self._status = ""
        """What to send when the pause is over; empty: nothing."""

    @property
    def watchdog(self) -> Duration | None:
        """How long systemd waits for a heartbeat; None: it does not."""
        return self._watchdog

    def ready(self) -> None:
        """Tell that the start or the reload is done; the newest status goes first, to be there for who waited."""
        if self._pause is not None:
            self._pause.cancel()
            self._send_status()
        self._say("READY", "READY=1")

    def reloading(self) -> None:
        """Tell that a reload has begun; `ready` ends it."""
        self._say("RELOADING", f"RELOADING=1\nMONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._say("STOPPING", "STOPPING=1")

    def heartbeat(self) -> None:
        self._say("WATCHDOG", "WATCHDOG=1")

    def extend_timeout(self, by: Duration) -> None:
        """Ask for that much time from now on, at start, reload or stop."""
        self._say("EXTEND_TIMEOUT", f"EXTEND_TIMEOUT_USEC={by}")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`; at most one a second, the newest wins."""
        self._status = _cut(visible(text))
        if self._pause is None and self._notifier is not None:
            self._send_status()

    def status_from_thread(self, text: str) -> None:
        """Show a line at once, from any thread: for when the loop is held up. It may be lost."""
        notifier = self._notifier
        if notifier is not None:
            with suppress(OSError):
                notifier.notify(f"STATUS={_cut(visible(text))}".encode().decode("latin-1"))

    def close(self) -> None:
        """Say the last status, and hang up."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._status and self._notifier is not None:
            self._say("STATUS", f"STATUS={self._status}")
        self._unwatch()
        if self._notifier is not None:
            self._notifier.socket.close()
            self._notifier = None

    def _send_status(self) -> None:
        self._pause = None
        if self._status:
            self._say("STATUS", f"STATUS={self._status}")
            self._status = ""
            self._pause = self._loop.call_later(STATUS_PAUSE, self._send_status)

    def _say(self, kind: str, words: str) -> None:
        if self._notifier is None:
            return
        self._waiting.pop(kind, None)
        self._waiting[kind] = words
        if self._watched is None:
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Send all that waits; if there is no room for it, go on when there is."""
        for kind, words in tuple(self._waiting.items()):
            if not self._sent(words):
                self._watch()
                return
            del self._waiting[kind]
        self._unwatch()

    def _sent(self, words: str) -> bool:
        """Whether that is settled: sent, or there is no receiver."""
        if self._notifier is None:
            return True
        try:
            self._notifier.notify(words.encode().decode("latin-1"))  # which is how sdnotify encodes it again
        except BlockingIOError:
            return False
        except OSError:  # systemd-notify(1) would shrug as well
            return True
        return True

    def _watch(self) -> None:
        if self._watched is None and self._notifier is not None:
            self._watched = self._notifier.socket.fileno()
            self._loop.add_writer(self._watched, self._send_waiting)

    def _unwatch(self) -> None:
        if self._watched is not None:
            self._loop.remove_writer(self._watched)
            self._watched = None


def _cut(text: str) -> str:
    told = text.encode()
    return text if len(told) <= STATUS_BYTES else told[:STATUS_BYTES].decode(errors="ignore") + "…"


def _notifier() -> SystemdNotifier | None:
    if not os.environ.get("NOTIFY_SOCKET"):
        return None
    try:
        notifier = SystemdNotifier(debug=True)  # else it hides what went wrong
    except OSError:
        return None
    notifier.socket.settimeout(0)
    return notifier


def _watchdog() -> Duration | None:
    """Read as sd_watchdog_enabled(3) does: it counts only for the process it names."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", str(os.getpid()))
    return int(usec) if usec.isdecimal() and int(usec) > 0 and pid == str(os.getpid()) else None
