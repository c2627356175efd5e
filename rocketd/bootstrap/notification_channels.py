"""The channels by which people are told, and their settings: from the start on, and from each reload."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from rocketd.bootstrap.hook_channel import NAME as HOOK
from rocketd.bootstrap.hook_channel import HookChannel
from rocketd.bootstrap.http_channels import PING, WEBHOOK, HeartbeatPing, HttpRequests, PingChannel, WebhookChannel
from rocketd.bootstrap.mail_notifications import NAME as MAIL
from rocketd.bootstrap.mail_notifications import MailNotifications
from rocketd.bootstrap.metrics_source import MetricsSource
from rocketd.bootstrap.notification_channel import NotificationChannel
from rocketd.bootstrap.notifications import Notifications
from rocketd.bootstrap.task_deadlines import TaskDeadlines
from rocketd.config.daemon_settings import Settings
from rocketd.core.instant import Instant
from rocketd.daemon.loop import Loop
from rocketd.executor.commands import Commands
from rocketd.store.sqlite.store import SqliteReader


class NotificationChannels:
    """All channels together. On the loop's thread."""

    def __init__(self, loop: Loop, state_directory: Path, commands: Commands, started_at: Instant) -> None:
        self._notifications = Notifications(loop, state_directory)
        self._mail = MailNotifications(loop, commands)
        self._deadlines = TaskDeadlines(loop, self._notifications.tell)
        self.metrics = MetricsSource(loop, started_at, self._deadlines.monitor.slow_limit)
        self.hooks = HookChannel(loop, Settings().hooks, commands)
        self._reading: asyncio.Task[None] | None = None
        self._requests = HttpRequests(loop)
        self._webhooks = WebhookChannel(self._requests)
        self._heartbeat = HeartbeatPing(self._requests)
        loop.heartbeat_hooks.append(self._heartbeat.on_heartbeat)

    async def start(self, settings: Settings, stack: AsyncExitStack) -> None:
        """Read what an earlier daemon has left; `stack` closes what this opens."""
        stack.push_async_callback(self._notifications.close)
        await self._notifications.load()
        await self.apply(settings)

    def connect(self, reader: SqliteReader, runs: SqliteReader) -> None:
        """Tell from now on; the loop has started."""
        channels: dict[str, NotificationChannel] = {
            HOOK: self.hooks,
            PING: PingChannel(self._requests),
            WEBHOOK: self._webhooks,
            MAIL: self._mail,
        }
        self._notifications.connect(channels, reader)
        self._deadlines.connect(self._notifications.overdue, runs)
        self._read_runtimes()

    def _read_runtimes(self) -> None:
        self._reading = asyncio.get_running_loop().create_task(self._deadlines.read_runtimes())

    async def apply(self, settings: Settings) -> None:
        """Tell by these settings from now on."""
        self.hooks.settings = settings.hooks
        self.metrics.textfile = settings.textfile
        self._webhooks.webhooks = settings.webhooks
        self._heartbeat.settings = settings.heartbeat
        self._requests.apply(settings.http)
        await self._mail.apply(settings.mail)

    def tasks_loaded(self) -> None:
        """Tell what waited for its task."""
        self._notifications.tasks_loaded()
        self._deadlines.tasks_loaded()
        self._read_runtimes()
