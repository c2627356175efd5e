"""The channel of hooks: which hook an event concerns, and what the journal says of it."""

from collections.abc import Iterator
from typing import Final

from rocketd.bootstrap.notification_channel import NotificationDelivery
from rocketd.config.hook_settings import DEFAULT_TIMEOUT
from rocketd.core.instant import Duration
from rocketd.core.messages import notification_messages
from rocketd.core.model.task import Call, Task, TaskHooks
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import Occasion
from rocketd.daemon.json_format import Json, JsonObject, rfc3339
from rocketd.daemon.loop import Loop
from rocketd.executor.commands import Commands
from rocketd.notifications.hook_runner import HookCall, HookExecutor, HookRunner

NAME: Final = "hook"


class HookChannel:
    """Runs the hooks of tasks, and those that `[hooks]` has for every task."""

    def __init__(self, loop: Loop, settings: TaskHooks, commands: Commands) -> None:
        self.settings = settings
        self._loop = loop
        self._commands = commands
        self.runner = HookRunner(self._make_executor, loop.clock, self)

    def targets(self, task: Task, notification: Notification) -> Iterator[str]:
        """Name the hooks that are to be run because of this."""
        if isinstance(task.work, Call):
            return
        for occasion in sorted(notification.occasions):
            if self._argv(task, occasion):
                yield f"{NAME}/on_{occasion}"

    def is_used(self, task: Task) -> bool:
        """Whether the task has any hook."""
        return any(self._argv(task, occasion) for occasion in Occasion)

    def deliver(self, delivery: NotificationDelivery) -> None:
        """Run the hook; one that is no longer in the files is done."""
        hook = delivery.target.partition("/")[2]
        argv = self._argv(delivery.task, hook.removeprefix("on_"))
        if not argv:
            delivery.done()
            return
        timeout = delivery.task.hooks.timeout or self.settings.timeout or DEFAULT_TIMEOUT
        self.runner.submit(HookCall(hook, argv, delivery.task, delivery.notification, timeout, delivery.done))

    async def close(self) -> None:
        """Let the active hooks end, for a while."""
        await self.runner.close()

    def describe(self, task: Task) -> list[Json]:
        """Return the hooks of a task, and how each of them ended last."""
        described: list[Json] = []
        for occasion in Occasion:
            hook, argv = f"on_{occasion}", self._argv(task, occasion)
            result = self.runner.results.get((task.name, hook))
            if argv or result:
                last: JsonObject = {
                    "last": rfc3339(result.at) if result else None,
                    "about": result.about if result else None,
                    "error": result.error or None if result else None,
                }
                described.append({"hook": hook, "command": [*argv], **last})
        return described

    def hook_output(self, call: HookCall, stream: str, line: str) -> None:
        """Write what a hook prints to the journal."""
        self._loop.journal.write(notification_messages.hook_line(call.notification.event, call.name, stream, line))

    def hook_ended(self, call: HookCall, error: str, runtime: Duration) -> None:
        """Write how a hook ended to the journal."""
        event = call.notification.event
        self._loop.journal.write(notification_messages.hook_ended(event, call.name, error, runtime))

    def _argv(self, task: Task, occasion: str) -> tuple[str, ...]:
        own: tuple[str, ...] | None = getattr(task.hooks, occasion, None)
        return (getattr(self.settings, occasion, None) if own is None else own) or ()

    def _make_executor(self, runner: HookRunner) -> HookExecutor:
        return self._commands.executor(NAME, runner.report, runner.output, runner.variables)
