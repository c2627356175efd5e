"""Tells people what happens: events become deliveries, which are kept until they are done.

    an event is published          its deliveries are written to notifications.db, and then carried out
    the daemon is killed           the next one carries out what is in the file, and adds the events of the run log
                                   that came after the last position in it
    a delivery is done             it is marked; it goes when the position has passed its event

So each is carried out at least once. What wants to be told is a *channel*: hooks, pings, webhooks, mail.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from rocketd.background_threads import WorkTimeout, close_in_thread, in_thread
from rocketd.bootstrap.notification_channel import NotificationChannel, NotificationDelivery
from rocketd.bootstrap.notification_content import format_notification, parse_notification
from rocketd.core.instant import DAY, FOREVER, SECOND, Instant
from rocketd.core.messages.message import Message, Priority
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Finished, Missed, Started
from rocketd.core.model.task import Task
from rocketd.core.notifications.notification import Notification
from rocketd.core.notifications.occasions import FailureTracker, NotifiedEvent, Overdue, failed_last, task_of
from rocketd.core.scheduler.renames import former_names
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.loop import Loop
from rocketd.notifications.database import FILE_NAME, DeliveryRow
from rocketd.notifications.delivery_queue import CLOSE_TIMEOUT, DeliveryQueue

LOAD_TIMEOUT: Final = 10.0
"""Seconds that reading the file may take at the start."""
REPLAY_PAGE: Final = 1_000
"""Events that are read from the run log at a time."""
GIVE_UP_AFTER: Final = 7 * DAY
"""How long a delivery waits for a task that is not loaded."""
MAX_OUTPUT: Final = 100_000
"""Characters of a run's output that a delivery keeps, from its end."""


class EventReader(Protocol):
    """Reads events from the run log by their place in it. Blocks; one thread at a time."""

    def last_position(self) -> int: ...
    def events_after(self, position: int, limit: int) -> tuple[Sequence[Event], int]: ...


class Notifications:
    """Turns events into deliveries. On the loop's thread."""

    def __init__(self, loop: Loop, state_directory: Path) -> None:
        self._loop = loop
        self._queue = DeliveryQueue(state_directory / FILE_NAME, self._report_trouble)
        self._channels: dict[str, NotificationChannel] = {}
        self._tracker = FailureTracker()
        self._events: list[NotifiedEvent] = []
        self._unclaimed: list[DeliveryRow] = []
        """What waits for its task to be loaded."""
        self._position: int | None = None
        self._is_live = False
        """Whether events are told as they come; before that, what an earlier daemon may not have told comes first."""
        self._is_replayed = False
        """Whether all events up to the present are known here."""
        self._unsaved = False
        """Whether something has been published since the position was saved."""
        self.overdue: dict[str, Instant] = {}
        """The tasks that were reported as overdue, and since when they are."""
        self._in_use = False
        """Whether anybody is told of anything, or was; else there is no file."""
        self._told: frozenset[str] = frozenset()
        """The tasks of which any channel would ever tell anything."""
        self._reader: EventReader | None = None
        loop.events.watch(self.watch, Started, Finished, Missed)
        loop.pass_hooks.append(self._after_pass)
        loop.heartbeat_hooks.append(self._on_heartbeat)

    async def load(self) -> None:
        """Read what an earlier daemon has left."""
        try:
            stored = await in_thread(self._queue.load, time_limit=LOAD_TIMEOUT)
        except (OSError, sqlite3.Error, WorkTimeout) as error:
            why = "its disk or file server does not answer" if isinstance(error, WorkTimeout) else str(error)
            self._report_trouble(why)
            return
        if self._queue.damaged:
            text = f"{FILE_NAME} was damaged, and is now {self._queue.damaged}; what it held is not told again"
            self._loop.journal.write(Message(text, Priority.ERROR))
        self._in_use = stored.position is not None
        self._position = stored.position
        self._tracker = FailureTracker(stored.failing)
        self.overdue |= stored.overdue
        self._unclaimed = list(stored.pending)

    def connect(self, channels: dict[str, NotificationChannel], reader: EventReader) -> None:
        """Deliver from now on: first what was left over, then what the run log has beyond that.

        `channels` are in the order in which an event is told.
        """
        self._channels, self._reader = channels, reader
        if self._position is None:
            history = self._loop.scheduler.history
            failing = (name for name in self._loop.scheduler.tasks if failed_last(history.of(name)))
            self._tracker = FailureTracker(frozenset(failing))
        self.tasks_loaded()
        self._replay()

    def tasks_loaded(self) -> None:
        """Deliver what waited for its task; after a reload, too."""
        used = self._is_used()
        if used and not self._in_use:
            self._in_use = self._unsaved = True
            self._on_heartbeat(0)
        for old, new in former_names(entry.task for entry in self._loop.scheduler.tasks.values()):
            self._rename(old, new)
        rows, self._unclaimed = self._unclaimed, []
        for row in rows:
            self._deliver_row(row)

    def _is_used(self) -> bool:
        tasks, channels = [entry.task for entry in self._loop.scheduler.tasks.values()], self._channels.values()
        self._told = frozenset(task.name for task in tasks if any(channel.is_used(task) for channel in channels))
        return bool(self._told) or any(task.max_age is not None for task in tasks)

    def tell(self, event: NotifiedEvent) -> None:
        """Tell of an event that no record is about."""
        self._events.append(event)
        self._loop.wake()
        if self._in_use and isinstance(event, Overdue):
            self._queue.save_overdue(dict(self.overdue))

    def watch(self, what: Event | OutputLine) -> None:
        """Note an event; a watcher of the loop."""
        if isinstance(what, (Started, Finished, Missed)):
            self._events.append(what)
            if self._in_use and isinstance(what, Started):  # no pass follows by itself, as after an end
                self._loop.wake()

    async def close(self) -> None:
        """Tell what is left, for a while, and write what could not be told."""
        self._flush()
        if self._in_use:
            written = asyncio.get_running_loop().create_future()
            self._queue.add((), lambda _: None if written.done() else written.set_result(None))
            await asyncio.wait([written], timeout=CLOSE_TIMEOUT)
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        self._channels = {}
        await close_in_thread(self._queue.close)

    def _rename(self, old: str, new: str) -> None:
        """Know of a task by its new name that it is overdue, or failed last."""
        if self._tracker.rename(old, new):
            self._unsaved = True
        if old in self.overdue:
            self.overdue[new] = self.overdue.pop(old)
            if self._in_use:
                self._queue.save_overdue(dict(self.overdue))

    # -- events become deliveries -----------------------------------------------------------------------------------

    def _after_pass(self, now: Instant) -> Instant:  # noqa: ARG002 - the signature of a pass hook
        """Tell of the noted events: by now the task's next due time is known."""
        if self._is_live:
            self._flush()
        return FOREVER

    def _flush(self) -> None:
        events, self._events = self._events, []
        for event in events:
            self._tell(event)

    def _tell(self, event: NotifiedEvent) -> None:
        recovered = self._tracker.learn(event)
        self._unsaved = True
        entry = self._loop.scheduler.tasks.get(task_of(event))
        if entry is None or entry.task.name not in self._told:
            return
        task = entry.task
        notification = Notification(
            *(_shortened(event), task.zone, recovered, entry.next_start),
            *(entry.next_if, entry.now_if, task.description),
        )
        targets = [target for channel in self._channels.values() for target in channel.targets(task, notification)]
        if not targets:
            return
        content, at = format_notification(notification), self._loop.clock.now() / SECOND
        rows = [DeliveryRow(notification.key, target, content, at) for target in targets]
        self._queue.add(rows, partial(self._on_added, task, notification, targets))

    def _on_added(self, task: Task, notification: Notification, targets: Sequence[str], new: Sequence[bool]) -> None:
        for target, is_new in zip(targets, new, strict=True):
            if is_new:
                self._deliver(target, task, notification)

    def _deliver(self, target: str, task: Task, notification: Notification) -> None:
        done = partial(self._queue.finish, notification.key, target)
        channel = self._channels.get(target.partition("/")[0])
        if channel is not None:  # else of a version of rocketd that knows another one, or after the end
            channel.deliver(NotificationDelivery(target, task, notification, done))

    def _deliver_row(self, row: DeliveryRow) -> None:
        try:
            notification = parse_notification(row.content)
        except ValueError as error:
            text = f"a notification in {FILE_NAME} cannot be read, and is given up: {error}"
            self._loop.journal.write(Message(text, Priority.ERROR))
            self._queue.finish(row.event, row.target)
            return
        entry = self._entry(notification.task)
        if entry is not None:
            self._deliver(row.target, entry.task, notification)
        elif self._loop.clock.now() - row.added * SECOND < GIVE_UP_AFTER:
            self._unclaimed.append(row)
        else:
            self._queue.finish(row.event, row.target)

    def _entry(self, name: str) -> ScheduledTask | None:
        """Return the loaded task of that name, or whose former name it is."""
        tasks = self._loop.scheduler.tasks
        return tasks.get(name) or next((entry for entry in tasks.values() if name in entry.task.formerly), None)

    # -- the position in the run log --------------------------------------------------------------------------------

    def _replay(self) -> None:
        """Read what came after the position: the events that a killed daemon had recorded, and perhaps not told."""
        reader, position, found = self._reader, self._position, list[tuple[Sequence[Event], int]]()
        if reader is None:
            return

        def read() -> None:
            last = reader.last_position()
            if position is None or position > last:  # nothing was noted before, or an older copy was restored
                found.append(((), last))
            else:
                found.append(reader.events_after(position, REPLAY_PAGE))

        self._ask_log(read, lambda: self._on_replayed(found))

    def _on_replayed(self, found: Sequence[tuple[Sequence[Event], int]]) -> None:
        if found:
            ((events, self._position),) = found
            for event in events:
                if isinstance(event, Started | Finished | Missed):
                    self._tell(event)
            if len(events) == REPLAY_PAGE:
                self._replay()
                return
            self._is_replayed = True
            if self._in_use:
                self._queue.save_position(self._position, frozenset(self._tracker.failing))
        self._is_live = True  # without an answer as well: what happens now is told, and the next heartbeat asks again
        self._flush()

    def _on_heartbeat(self, now: Instant) -> None:  # noqa: ARG002 - the signature of a heartbeat hook
        """Note up to where all is told; until the run log could be read, read it."""
        reader = self._reader
        if reader is None or not self._is_live:
            return
        if not self._is_replayed:
            self._replay()
        elif self._unsaved and self._in_use:
            self._unsaved = False
            found: list[int] = []
            self._ask_log(lambda: found.append(reader.last_position()), lambda: self._save_position(found))

    def _save_position(self, found: Sequence[int]) -> None:
        """Save a position that was read after all records of the events that were published until now."""
        if not found:
            self._unsaved = True
            return
        self._flush()
        self._queue.save_position(found[0], frozenset(self._tracker.failing))

    def _ask_log(self, read: Callable[[], None], on_done: Callable[[], None]) -> None:
        """Read the run log on the writing thread, between two transactions: so it is known what has been published."""

        def work(_: object) -> int:
            read()
            return 1

        self._loop.recorder.submit(work, lambda _: on_done())

    def _report_trouble(self, why: str) -> None:
        text = f"{FILE_NAME} cannot be written: {why}; after a kill, some notifications may be lost" if why else ""
        self._loop.health.report_trouble("notifications", text)


def _shortened(event: NotifiedEvent) -> NotifiedEvent:
    """Return the event without more output than anybody is sent."""
    if isinstance(event, Finished) and len(event.end.output) > MAX_OUTPUT:
        return Finished(event.run, replace(event.end, output=event.end.output[-MAX_OUTPUT:]))
    return event
