"""The open connections of the server of `rocketctl web`: no user of the host can keep the page's own ones out.

Everybody can connect to a port on loopback. So only a connection that has shown the session can stay as long as it
likes; if there are too many, the oldest of the others gives way.
"""

import socket
from contextlib import suppress
from threading import Lock


class OpenConnections:
    """The connections that are open. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._unknown: dict[socket.socket, None] = {}
        """Those that have not shown the session, the oldest first."""
        self._known: set[socket.socket] = set()

    def add(self, connection: socket.socket) -> bool:
        """Note a new connection, in whose place another one may be shut down; False: there is no room for it."""
        with self._lock:
            if len(self._unknown) + len(self._known) >= self._most:
                if not self._unknown:
                    return False
                self._shut_down_oldest()
            self._unknown[connection] = None
            return True

    def _shut_down_oldest(self) -> None:
        """Have its thread read the end of the connection: that one closes it."""
        oldest = next(iter(self._unknown))
        del self._unknown[oldest]
        with suppress(OSError):  # the client was quicker
            oldest.shutdown(socket.SHUT_RDWR)

    def keep(self, connection: socket.socket) -> None:
        """Let a connection stay: it has shown the session. One that was shut down just before stays so."""
        with self._lock:
            if connection in self._unknown:
                del self._unknown[connection]
                self._known.add(connection)

    def remove(self, connection: socket.socket) -> None:
        """Forget a connection that is about to be closed."""
        with self._lock:
            self._unknown.pop(connection, None)
            self._known.discard(connection)
