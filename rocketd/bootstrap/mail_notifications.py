"""Implements `[mail]` of rocketd.toml: which events are mailed to whom."""

import asyncio
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.bootstrap.mail_backlog import PendingMail, load_mail, save_mail
from rocketd.config.daemon_settings import MailSettings
from rocketd.core.instant import FOREVER, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.messages.message import Message, Priority, Stream
from rocketd.core.model.events import Event, Finished, Missed
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.core.plural import counted
from rocketd.daemon.loop import Loop
from rocketd.mail.message import Notice
from rocketd.mail.queue import Envelope, MailQueue, Sender

_STUCK: Final = "the mail server does not answer"
_BACKLOG_TIMEOUT: Final = 5.0
"""Seconds that reading or writing mail in the state directory may take."""


class MailNotifications:
    """Picks the events that mail is sent about, and adds them to the mail queue. On the loop's thread."""

    def __init__(self, loop: Loop, state_directory: Path) -> None:
        """`state_directory` keeps the mail that cannot be sent before the daemon stops."""
        self._loop = loop
        self._state_directory = state_directory
        self._has_backlog = False
        """Whether the queue has mail of an earlier daemon that is still in the file, too."""
        self._asyncio = asyncio.get_running_loop()
        self._host = platform.node()
        self._settings: MailSettings | None = None
        self._queue: MailQueue | None = None
        self._events: list[Finished | Missed] = []
        loop.watchers.add(self.watch)
        loop.pass_hooks.append(self._after_pass)
        loop.heartbeat_hooks.append(self._on_heartbeat)

    async def apply(self, settings: MailSettings | None) -> None:
        """Send mail by these settings from now on, waiting mail as well; None: send no mail."""
        if settings == self._settings:
            return
        queue = await self._close_queue()
        previous, self._settings = self._settings, settings
        if settings is None:
            self._events.clear()
        else:
            self._queue = MailQueue(_server(settings, self._host), self._on_queue_state, self._host, settings.pause)
            if queue and previous:
                queue.transfer(self._queue, partial(self._readdress, previous, settings))
            else:
                await self._take_up_backlog(self._queue, settings)
        self._log_unsent(queue)

    async def _take_up_backlog(self, queue: MailQueue, settings: MailSettings) -> None:
        """Queue the mail that the last daemon could not send."""
        with self._reported("read"):
            kept = await in_thread(partial(load_mail, self._state_directory), time_limit=_BACKLOG_TIMEOUT)
            for envelope, notices, left_out in kept:
                queue.post(Envelope(self._sender(settings), envelope.receivers), *notices, dropped=left_out)
            self._has_backlog = bool(kept)

    async def _keep_backlog(self, queue: MailQueue) -> None:
        """Save the unsent mail for the next daemon; if there is none, remove the file."""
        unsent = [PendingMail(envelope, tuple(notices), more) for envelope, notices, more in queue.unsent()]
        if not unsent and not self._has_backlog:
            return
        with self._reported("save"):
            await in_thread(partial(save_mail, self._state_directory, unsent), time_limit=_BACKLOG_TIMEOUT)
            self._has_backlog = False
            if unsent:
                text = f"{counted(queue.waiting, 'mail')} could not be sent; the next start of rocketd sends them"
                self._loop.journal.write(Message(text, Priority.WARNING))

    @contextmanager
    def _reported(self, done: str) -> Iterator[None]:
        try:
            yield
        except (OSError, WorkTimeout) as error:
            why = "its disk or file server does not answer" if isinstance(error, WorkTimeout) else str(error)
            text = f"cannot {done} waiting mail: {why}; see rocketctl history"
            self._loop.journal.write(Message(text, Priority.ERROR))

    def watch(self, what: Event | tuple[Run, Stream, str]) -> None:
        """Note an event; a watcher of the loop."""
        if self._settings and isinstance(what, Finished | Missed):
            self._events.append(what)

    def _after_pass(self, now: Instant) -> Instant:  # noqa: ARG002 - the signature of a pass hook
        """Queue mail about the noted events: by now the task's next due time is known."""
        if self._queue is None:  # a reload is closing one queue before it opens the next
            return FOREVER
        new, self._events = self._events, []
        for event in new:
            self._post(event)
        return FOREVER

    def _on_heartbeat(self, now: Instant) -> None:  # noqa: ARG002 - the signature of a heartbeat hook
        """Report a mail that is stuck; remove the file once its mail has been sent."""
        if self._has_backlog and self._queue is not None and not self._queue.waiting:
            self._has_backlog = False
            with suppress(OSError):
                save_mail(self._state_directory, [])
        if self._queue is not None and self._queue.stuck:
            self._show_state(_STUCK, "")
        elif self._loop.health.troubles.get("mail", "").endswith(_STUCK):
            self._show_state("", "")

    def _post(self, event: Finished | Missed) -> None:
        settings, queue = self._settings, self._queue
        entry = self._loop.scheduler.tasks.get(event.task if isinstance(event, Missed) else event.run.task)
        if settings is None or queue is None or entry is None:
            return
        notice = Notice(event, entry.next_start, entry.task.zone, entry.task.description, entry.next_if, entry.now_if)
        receivers, actions = _recipients(settings, entry.task)
        if receivers and notice.action in actions:
            queue.post(Envelope(self._sender(settings), receivers), notice)

    def _sender(self, settings: MailSettings) -> str:
        return settings.sender or f"rocketd@{self._host}"

    def _readdress(self, previous: MailSettings, settings: MailSettings, envelope: Envelope) -> Envelope:
        """Return the envelope under the new settings: the receivers may have been wrong."""
        receivers = settings.receivers if envelope.receivers == previous.receivers else envelope.receivers
        return Envelope(self._sender(settings), receivers)

    async def close(self) -> None:
        """Send waiting mail, for a while; unsent mail is logged, and saved for the next daemon."""
        if queue := await self._close_queue():
            await self._keep_backlog(queue)

    async def _close_queue(self) -> MailQueue | None:
        """Close the queue, which sends what it can for a while, and return it."""
        self._after_pass(FOREVER)
        queue, self._queue = self._queue, None
        if queue:
            if waiting := queue.waiting:
                self._loop.health.set_trouble("mail", f"{counted(waiting, 'mail')} being sent")
            await in_thread(queue.close)
        self._loop.health.set_trouble("mail", "")
        return queue

    def _log_unsent(self, queue: MailQueue | None) -> None:
        if queue and (left := queue.waiting):
            text = f"{counted(left, 'mail')} could not be sent; see rocketctl history"
            self._loop.journal.write(Message(text, Priority.WARNING))

    def _on_queue_state(self, waits: str, given_up: str = "") -> None:
        """Handle a report of the mail queue, on its thread."""
        with suppress(RuntimeError):  # the loop has ended, as at a stop that did not wait any longer
            self._asyncio.call_soon_threadsafe(self._show_state, waits, given_up)

    def _show_state(self, waits: str, given_up: str) -> None:
        previous = self._loop.health.troubles.get("mail", "")
        if given_up:
            self._loop.journal.write(daemon_messages.mail_failed(given_up))
        elif waits and not previous:
            self._loop.journal.write(daemon_messages.mail_failed(waits))
        elif previous and not waits:
            self._loop.journal.write(daemon_messages.mail_sent_again())
        waiting = self._queue.waiting if self._queue else 0
        self._loop.health.set_trouble("mail", f"{counted(waiting, 'mail')} waiting: {waits}" if waits else "")


def _server(settings: MailSettings, host: str) -> Sender:
    from rocketd.mail.redmail_sender import RedmailSender  # noqa: PLC0415 - it imports TLS, which a host without mail does not need

    return RedmailSender(
        *(settings.host, settings.port, settings.tls.value),
        *(settings.username, settings.password_file, host),
    )


def _recipients(settings: MailSettings, task: Task) -> tuple[tuple[str, ...], Sequence[str]]:
    own = task.mail
    receivers = settings.receivers if own.receivers is None else own.receivers
    return receivers, settings.on if own.on is None else own.on
