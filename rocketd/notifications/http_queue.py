"""Sends requests on threads of its own, and repeats those that fail: nobody waits for a server.

Requests to one *target* (the ping of a task, a webhook) go in their order, one at a time. At most so many requests to
one server are under way, and while it cannot be reached at all, one of them is tried.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import Final, NamedTuple, Protocol

from rocketd.core.backoff import Backoff
from rocketd.core.dataclass import dataclass, field
from rocketd.notifications.http_sender import HttpRequest, RequestRefused, ServerBusy

THREADS: Final = 8
"""The most requests that are under way at the same time."""
PER_SERVER: Final = 2
RETRY: Final = Backoff(1.0, 300.0)
"""Seconds between two attempts."""
GIVE_UP_AFTER: Final = 7 * 24 * 3600.0
"""Seconds after which a request is given up."""
CLOSE_TIMEOUT: Final = 5.0
"""Seconds for the last requests when the daemon stops."""


class QueuedRequest(NamedTuple):
    """A request on its way."""

    target: str
    """What it is for, as people know it: `the ping of backup`."""
    server: str
    """The server."""
    request: HttpRequest
    pause: float
    """The shortest time between two requests to the target, in seconds."""
    since: float
    """When it was asked for, in seconds since the epoch."""
    finished: Callable[[str], None]
    """Called on the queue's thread: with why it was given up; empty: the server has it."""


class RequestSender(Protocol):
    """Sends a request; blocks, and raises as HttpSender does."""

    def __call__(self, request: HttpRequest) -> None: ...


class ServerReport(Protocol):
    """Called on the queue's thread with a server that cannot be reached, and why; empty: it can again."""

    def __call__(self, server: str, why: str) -> None: ...


@dataclass(slots=True)
class _RequestTarget:
    server: str
    waiting: deque[QueuedRequest] = field(default_factory=deque)
    busy: bool = False
    not_before: float = 0.0
    retry_pause: float = 0.0


@dataclass(slots=True)
class _ServerState:
    busy: int = 0
    not_before: float = 0.0
    retry_pause: float = 0.0
    error: str = ""

    @property
    def room(self) -> int:
        """How many requests may be under way; while it cannot be reached, one."""
        return 1 if self.error else PER_SERVER


class HttpQueue:
    """Keeps requests in memory until they are sent. Any thread may call it."""

    def __init__(self, send: RequestSender, report: ServerReport) -> None:
        self.send = send
        self.pause = 0.0
        """The shortest time between two requests to a server, in seconds."""
        self._report = report
        self._condition = Condition()
        self._targets: dict[str, _RequestTarget] = {}
        self._servers: dict[str, _ServerState] = {}
        self._threads: list[Thread] = []
        self._idle = 0
        self._closed_at = 0.0

    def submit(self, request: QueuedRequest) -> None:
        """Send it when it is its turn."""
        with self._condition:
            target = self._targets.setdefault(request.target, _RequestTarget(request.server))
            target.server = request.server
            target.waiting.append(request)
            self._servers.setdefault(request.server, _ServerState())
            if not self._idle and len(self._threads) < THREADS:
                self._start_thread()
            self._condition.notify()

    @property
    def waiting(self) -> int:
        """How many requests have not been sent."""
        with self._condition:
            return sum(len(target.waiting) for target in self._targets.values())

    def retry_now(self) -> None:
        """Try again at once what waits for its next attempt: the settings have changed."""
        with self._condition:
            for target in self._targets.values():
                target.not_before = 0.0
            for server in self._servers.values():
                server.not_before = 0.0
            self._condition.notify_all()

    def close(self) -> None:
        """Send what can be sent at once, each tried once, for CLOSE_TIMEOUT at most. Blocks."""
        until = time.monotonic() + CLOSE_TIMEOUT
        with self._condition:
            self._closed_at = time.monotonic()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    # -- on its threads ---------------------------------------------------------------------------------------------

    def _start_thread(self) -> None:
        thread = Thread(target=self._run, name="http", daemon=True)
        with suppress(RuntimeError):  # the host has no thread left: the next request tries it again
            thread.start()
            self._threads.append(thread)

    def _run(self) -> None:
        while (target := self._next_target()) is not None:
            self._send_first(target)

    def _next_target(self) -> _RequestTarget | None:
        """Wait until a request is due, and take its target; None: the queue is closed."""
        with self._condition:
            while True:
                now = time.monotonic()
                free = [target for target in self._targets.values() if self._is_free(target)]
                first = min(free, key=self._due, default=None)
                if first is not None and self._due(first) <= now:
                    first.busy = True
                    server = self._servers[first.server]
                    server.busy, server.not_before = server.busy + 1, now + self.pause
                    return first
                if self._closed_at:
                    return None
                self._idle += 1
                self._condition.wait(None if first is None else self._due(first) - now)
                self._idle -= 1

    def _is_free(self, target: _RequestTarget) -> bool:
        server = self._servers[target.server]
        return bool(target.waiting) and not target.busy and server.busy < server.room

    def _due(self, target: _RequestTarget) -> float:
        return max(target.not_before, self._servers[target.server].not_before)

    def _send_first(self, target: _RequestTarget) -> None:
        queued, server = target.waiting[0], self._servers[target.server]
        try:
            self.send(queued.request)
        except RequestRefused as error:
            self._done(target, server, queued, str(error))
        except ServerBusy as error:
            self._retry(target, server, queued, str(error), error.retry_after)
        except Exception as error:  # noqa: BLE001 - the network, the host's files, a library
            self._server_failed(target, server, queued, str(error) or type(error).__name__)
        else:
            self._done(target, server, queued, "")

    def _done(self, target: _RequestTarget, server: _ServerState, queued: QueuedRequest, why: str) -> None:
        with self._condition:
            recovered = bool(server.error)
            target.waiting.popleft()
            target.busy, target.retry_pause, target.not_before = False, 0.0, time.monotonic() + queued.pause
            server.busy, server.retry_pause, server.error = server.busy - 1, 0.0, ""
            self._condition.notify_all()
        if recovered:
            self._report(queued.server, "")
        queued.finished(why)

    def _retry(
        self, target: _RequestTarget, server: _ServerState, queued: QueuedRequest, why: str, after: float
    ) -> None:
        """The server answers, and does not take this."""
        if self._is_too_old(queued):
            self._done(target, server, queued, why)
            return
        with self._condition:
            target.retry_pause = RETRY.after(target.retry_pause)
            target.busy, target.not_before = False, time.monotonic() + max(target.retry_pause, after)
            changed, server.error, server.busy = server.error != why, why, server.busy - 1
            self._condition.notify_all()
        if changed:
            self._report(queued.server, why)

    def _server_failed(self, target: _RequestTarget, server: _ServerState, queued: QueuedRequest, why: str) -> None:
        """The server cannot be reached: none of its targets is tried for a while."""
        if self._is_too_old(queued):
            self._done(target, server, queued, why)
            return
        with self._condition:
            server.retry_pause = RETRY.after(server.retry_pause)
            server.not_before = time.monotonic() + server.retry_pause
            target.busy = False
            changed, server.error, server.busy = server.error != why, why, server.busy - 1
            self._condition.notify_all()
        if changed:
            self._report(queued.server, why)

    @staticmethod
    def _is_too_old(queued: QueuedRequest) -> bool:
        return time.time() - queued.since > GIVE_UP_AFTER
