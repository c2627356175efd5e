"""What a way to tell people has to do: hooks, pings, webhooks and mail fit this protocol."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from rocketd.core.model.task import Task
from rocketd.core.notifications.notification import Notification


class NotificationDelivery(NamedTuple):
    """Something to tell, and to whom."""

    target: str
    """The channel and what it delivers: `hook/on_fail`."""
    task: Task
    notification: Notification
    done: Callable[[], None]
    """To be called once it has been told, or never can be."""


class NotificationChannel(Protocol):
    """A way to tell people. On the loop's thread."""

    def targets(self, task: Task, notification: Notification) -> Iterable[str]:
        """Return what is to be delivered because of this, each beginning with the channel's name and a slash."""
        ...

    def is_used(self, task: Task) -> bool:
        """Whether it would ever tell anything of this task."""
        ...

    def deliver(self, delivery: NotificationDelivery) -> None:
        """Begin to deliver it; what is not delivered when the daemon stops is delivered by the next one."""
        ...

    async def close(self) -> None:
        """Deliver what can be delivered at once."""
        ...
