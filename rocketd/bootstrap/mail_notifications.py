"""The channel of `[mail]` in rocketd.toml: which events are mailed to whom."""

import asyncio
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from rocketd.background_threads import in_thread
from rocketd.bootstrap.notification_channel import NotificationDelivery
from rocketd.config.mail_settings import MailSettings
from rocketd.core.instant import Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.events import Started
from rocketd.core.model.run import Cause
from rocketd.core.model.task import Task
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import mail_occasions
from rocketd.core.plural import counted
from rocketd.daemon.loop import Loop
from rocketd.executor.command_calls import CommandCalls, in_root_directory
from rocketd.executor.commands import Commands
from rocketd.mail.message import Notice
from rocketd.mail.program import ProgramEnd
from rocketd.mail.queue import Envelope, MailQueue, Sender

NAME: Final = "mail"
_STUCK: Final = "the mail server does not answer"


class MailNotifications:
    """Adds what mail is sent about to the mail queue. On the loop's thread."""

    def __init__(self, loop: Loop, commands: Commands) -> None:
        """`commands` carry out the program that sends mail, where there is one."""
        self._loop = loop
        self._program = CommandCalls(NAME, commands, loop.clock)
        self._asyncio = asyncio.get_running_loop()
        self._host = platform.node()
        self._settings: MailSettings | None = None
        self._queue: MailQueue | None = None
        self._held: list[NotificationDelivery] = []
        """What came while a reload closed one queue before it opened the next."""
        loop.heartbeat_hooks.append(self._on_heartbeat)

    async def apply(self, settings: MailSettings | None) -> None:
        """Send mail by these settings from now on, waiting mail as well; None: send no mail."""
        if settings == self._settings:
            return
        queue = await self._close_queue()
        previous, self._settings = self._settings, settings
        if settings is not None:
            self._queue = MailQueue(self._sender(settings), self._on_queue_state, self._host, settings.pause)
            if queue and previous:
                queue.transfer(self._queue, partial(self._readdress, previous, settings))
        self._log_unsent(queue)
        held, self._held = self._held, []
        for delivery in held:
            self.deliver(delivery)

    # -- a channel --------------------------------------------------------------------------------------------------

    def targets(self, task: Task, notification: Notification) -> Iterator[str]:
        """Name the mail, if there is to be one about this."""
        if self._settings is None or isinstance(notification.event, Started):
            return
        receivers, on = _recipients(self._settings, task)
        if receivers and mail_occasions(notification.event, recovered=notification.recovered) & {*on}:
            yield f"{NAME}/notice"

    def is_used(self, task: Task) -> bool:
        """Whether mail about the task is ever sent."""
        return self._settings is not None and all(_recipients(self._settings, task))

    def deliver(self, delivery: NotificationDelivery) -> None:
        """Queue a notice; if no mail is sent any more, it is done."""
        notification, event = delivery.notification, delivery.notification.event
        if self._settings is None or isinstance(event, Started):
            delivery.done()
            return
        if self._queue is None:
            self._held.append(delivery)
            return
        receivers, _ = _recipients(self._settings, delivery.task)
        if not receivers:
            delivery.done()
            return
        notice = Notice(
            *(event, notification.next, notification.zone, notification.description),
            *(notification.next_if, notification.now_if, partial(self._later, delivery)),
        )
        self._queue.post(Envelope(self._sender_address(self._settings), receivers), notice)

    async def close(self) -> None:
        """Send waiting mail, for a while; the next daemon sends what is left."""
        queue = await self._close_queue()
        if queue and (left := queue.waiting):
            text = f"{counted(left, 'mail')} could not be sent; the next start of rocketd sends them"
            self._loop.journal.write(Message(text, Priority.WARNING))
        await self._program.close()

    # -- the queue --------------------------------------------------------------------------------------------------

    def _later(self, delivery: NotificationDelivery) -> None:
        with suppress(RuntimeError):  # the loop has ended: the next daemon sends it once more
            self._asyncio.call_soon_threadsafe(delivery.done)

    def _on_heartbeat(self, now: Instant) -> None:  # noqa: ARG002 - the signature of a heartbeat hook
        """Report a mail that is stuck."""
        if self._queue is not None and self._queue.stuck:
            self._show_state(_STUCK, "")
        elif self._loop.health.troubles.get("mail", "").endswith(_STUCK):
            self._show_state("", "")

    def _sender_address(self, settings: MailSettings) -> str:
        return settings.sender or f"rocketd@{self._host}"

    def _readdress(self, previous: MailSettings, settings: MailSettings, envelope: Envelope) -> Envelope:
        """Return the envelope under the new settings: the receivers may have been wrong."""
        receivers = settings.receivers if envelope.receivers == previous.receivers else envelope.receivers
        return Envelope(self._sender_address(settings), receivers)

    def _sender(self, settings: MailSettings) -> Sender:
        if settings.command:
            from rocketd.mail.sendmail_sender import SendmailSender  # noqa: PLC0415 - as below

            return SendmailSender(settings.command, self._run_program, self._host)
        from rocketd.mail.redmail_sender import RedmailSender  # noqa: PLC0415 - it imports TLS, which a host without mail does not need

        return RedmailSender(
            *(settings.host, settings.port, settings.tls.value),
            *(settings.username, settings.password_file, self._host),
        )

    def _run_program(self, argv: Sequence[str], data: bytes, timeout: float) -> ProgramEnd:
        """Run the program that sends mail, on the thread of the queue; raises OSError."""
        end = self._program.call(in_root_directory((*argv,), data.decode(errors="replace")), timeout)
        if end.cause is Cause.TIMEOUT:
            raise OSError(f"{argv[0]} did not end within {timeout:.0f} s")
        if end.message:
            raise OSError(f"cannot run {argv[0]}: {end.message}")
        return ProgramEnd(-(end.signal or 0) if end.exit_code is None else end.exit_code, end.output)

    async def _close_queue(self) -> MailQueue | None:
        """Close the queue, which sends what it can for a while, and return it."""
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


def _recipients(settings: MailSettings, task: Task) -> tuple[tuple[str, ...], Sequence[str]]:
    own = task.mail
    receivers = settings.receivers if own.receivers is None else own.receivers
    return receivers, settings.on if own.on is None else own.on
