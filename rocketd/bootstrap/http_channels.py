"""The channels that send requests to other servers: pings and webhooks; and the heartbeat of the daemon."""

import asyncio
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from rocketd.background_threads import in_thread
from rocketd.bootstrap.notification_channel import NotificationDelivery
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.messages import notification_messages
from rocketd.core.model.secret import Secret, origin_of
from rocketd.core.model.task import Task
from rocketd.core.notifications.http_settings import HeartbeatUrl, HttpSettings
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.ping import UrlSuffix, ping_body, ping_kind, ping_suffix
from rocketd.core.notifications.webhook import Webhook, body_of, fields_of
from rocketd.core.plural import counted
from rocketd.daemon.loop import Loop
from rocketd.notifications.http_queue import HttpQueue, QueuedRequest
from rocketd.notifications.http_sender import HttpRequest, HttpSender

PING: Final = "ping"
WEBHOOK: Final = "webhook"
_JSON: Final = ("Content-Type", Secret("application/json"))
_TEXT: Final = ("Content-Type", Secret("text/plain; charset=utf-8"))


class OutgoingRequest(NamedTuple):
    """A request about a notification, and what it is for."""

    target: str
    """As people know it: `the ping of backup`."""
    request: HttpRequest
    pause: Duration = 0


class HttpRequests:
    """Sends requests beside the loop, and shows which servers cannot be reached. On the loop's thread."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._asyncio = asyncio.get_running_loop()
        self._settings = HttpSettings()
        self._queue = HttpQueue(HttpSender(self._settings), self._on_server)
        self._errors: dict[str, str] = {}

    def apply(self, settings: HttpSettings) -> None:
        """Send by these settings from now on."""
        if settings != self._settings:
            self._settings = settings
            self._queue.send, self._queue.pause = HttpSender(settings), settings.pause / SECOND
        self._queue.retry_now()  # a secret in a file may have been corrected

    def send(self, outgoing: OutgoingRequest, finished: Callable[[str], None]) -> None:
        """Send it; `finished` is called on this thread, with why it was given up, or empty."""
        url = outgoing.request.url
        server = origin_of(url.text) or url.shown
        later = partial(self._later, finished)
        pause = outgoing.pause / SECOND
        self._queue.submit(QueuedRequest(outgoing.target, server, outgoing.request, pause, time.time(), later))

    def deliver(self, delivery: NotificationDelivery, outgoing: OutgoingRequest) -> None:
        """Send a request about a notification; if it is given up, the journal says so."""

        def finished(why: str) -> None:
            if why:
                event = delivery.notification.event
                self._loop.journal.write(notification_messages.given_up(event, outgoing.target, why))
            delivery.done()

        self.send(outgoing, finished)

    async def close(self) -> None:
        """Send what can be sent at once, for a while."""
        await in_thread(self._queue.close)

    def _later(self, finished: Callable[[str], None], why: str) -> None:
        with suppress(RuntimeError):  # the loop has ended: the next daemon sends it once more
            self._asyncio.call_soon_threadsafe(finished, why)

    def _on_server(self, server: str, why: str) -> None:
        with suppress(RuntimeError):  # as above
            self._asyncio.call_soon_threadsafe(self._show, server, why)

    def _show(self, server: str, why: str) -> None:
        known = self._errors.pop(server, "")
        if why:
            self._errors[server] = why
            if not known:
                self._loop.journal.write(notification_messages.undelivered(server, why))
        elif known:
            self._loop.journal.write(notification_messages.delivered_again(server))
        waiting = counted(self._queue.waiting, "request")
        text = "; ".join(f"{server}: {why}" for server, why in self._errors.items())
        self._loop.health.set_trouble("http", f"{waiting} waiting: {text}" if text else "")


class PingChannel:
    """Pings the URLs of tasks."""

    def __init__(self, requests: HttpRequests) -> None:
        self._requests = requests

    def targets(self, task: Task, notification: Notification) -> Iterator[str]:
        """Name the ping of the task, if it is about this."""
        if task.ping is not None and ping_kind(notification) in task.ping.on:
            yield f"{PING}/url"

    def is_used(self, task: Task) -> bool:
        """Whether the task has one."""
        return task.ping is not None

    def deliver(self, delivery: NotificationDelivery) -> None:
        """Ping; a URL that is no longer in the files is done."""
        ping, notification = delivery.task.ping, delivery.notification
        if ping is None:
            delivery.done()
            return
        body = ping_body(notification).encode(errors="replace")
        name = delivery.task.name
        request = HttpRequest(ping.url, ping_suffix(notification), body, (_TEXT,), task=name)
        self._requests.deliver(delivery, OutgoingRequest(f"the ping of {name}", request))

    async def close(self) -> None:
        """Send what can be sent at once; for webhooks as well."""
        await self._requests.close()


class WebhookChannel:
    """Tells the URLs of `[webhook.NAME]`."""

    def __init__(self, requests: HttpRequests) -> None:
        self._requests = requests
        self._host = platform.node()
        self.webhooks: Sequence[Webhook] = ()

    def targets(self, task: Task, notification: Notification) -> Iterator[str]:
        """Name the webhooks that are told of this."""
        for webhook in self._of(task):
            if webhook.on & notification.occasions:
                yield f"{WEBHOOK}/{webhook.name}"

    def is_used(self, task: Task) -> bool:
        """Whether any webhook is told about the task."""
        return any(True for _ in self._of(task))

    def deliver(self, delivery: NotificationDelivery) -> None:
        """Tell a webhook; one that is no longer in the files is done."""
        name = delivery.target.partition("/")[2]
        webhook = next((one for one in self.webhooks if one.name == name), None)
        if webhook is None:
            delivery.done()
            return
        notification = delivery.notification
        sentence = notification_messages.sentence(notification.event)
        body = body_of(webhook, fields_of(notification, sentence, self._host), json.dumps).encode(errors="replace")
        request = HttpRequest(webhook.url, UrlSuffix(), body, (_JSON, *webhook.headers), task=notification.task)
        self._requests.deliver(delivery, OutgoingRequest(f"webhook {name}", request, webhook.pause))

    async def close(self) -> None:
        """What waits is sent with the pings."""

    def _of(self, task: Task) -> Iterator[Webhook]:
        for webhook in self.webhooks:
            if task.webhooks is None or webhook.name in task.webhooks:
                yield webhook


class HeartbeatPing:
    """Requests the URL of `[heartbeat]` as long as loop and record writer work: with their heartbeat."""

    def __init__(self, requests: HttpRequests) -> None:
        self._requests = requests
        self._next: Instant = 0
        self._pending = False
        self.settings: HeartbeatUrl | None = None

    def on_heartbeat(self, now: Instant) -> None:
        """Request it, if it is time; a request that was not answered is not joined by another."""
        settings = self.settings
        if settings is None or self._pending or self._next - settings.every <= now < self._next:
            return
        self._next, self._pending = now + settings.every, True
        request = HttpRequest(settings.url, UrlSuffix(), b"", method="GET")
        self._requests.send(OutgoingRequest("the heartbeat", request), self._finished)

    def _finished(self, _: str) -> None:
        self._pending = False
