"""Reports tasks that are overdue, and runs that are slow: to the journal, and to whoever wants to be told."""

from collections.abc import Callable, Sequence
from functools import partial

from rocketd.background_threads import in_thread
from rocketd.core.errors import StoreError
from rocketd.core.instant import FOREVER, Instant
from rocketd.core.messages import notification_messages
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Finished, Spawned
from rocketd.core.model.records import RunFilter, RunView
from rocketd.core.model.run import Action
from rocketd.core.notifications.deadlines import SAMPLES, DeadlineMonitor
from rocketd.core.notifications.occasions import Overdue, Slow, is_success
from rocketd.core.scheduler.renames import former_names
from rocketd.daemon.loop import Loop
from rocketd.store.sqlite.store import SqliteReader


class TaskDeadlines:
    """Watches the deadlines of all tasks. On the loop's thread."""

    def __init__(self, loop: Loop, tell: Callable[[Overdue | Slow], None]) -> None:
        self._loop = loop
        self._tell = tell
        self.monitor = DeadlineMonitor()
        self._known: frozenset[str] = frozenset()
        """The tasks whose usual runtimes have been read."""
        self._reader: SqliteReader | None = None
        loop.events.watch(self.watch, Spawned, Finished)
        loop.pass_hooks.append(self._after_pass)

    def connect(self, told: dict[str, Instant], reader: SqliteReader) -> None:
        """Watch from now on.

        `told` are the tasks that an earlier daemon reported as overdue, and since when they are; it is kept up to date.
        """
        self.monitor.told = told
        self._reader = reader
        self.tasks_loaded()

    def tasks_loaded(self) -> None:
        """Note the deadlines of all tasks; after a reload, too."""
        scheduler = self._loop.scheduler
        for old, new in former_names(entry.task for entry in scheduler.tasks.values()):
            self.monitor.rename(old, new)
        for name, entry in scheduler.tasks.items():
            history = scheduler.history.of(name)
            self.monitor.expect_success(entry.task, history)
            if entry.task.slow_after is not None:
                for number, spawned_at in history.spawned_at.items():
                    self.monitor.expect_end(entry.task, number, spawned_at)
        self._loop.wake()

    async def read_runtimes(self) -> None:
        """Read from the run log how long tasks usually take, where that is asked for."""
        tasks = [entry.task for entry in self._loop.scheduler.tasks.values()]
        wanted = frozenset(task.name for task in tasks if task.slow_after is not None and task.slow_after.factor)
        reader, missing = self._reader, sorted(wanted - self._known)
        if reader is None or not missing:
            return
        self._known |= wanted
        for name in missing:
            try:
                runs = await in_thread(partial(_successes, reader, name))
            except StoreError:  # what happens from now on tells it
                continue
            for view in reversed(runs):
                if view.end is not None:
                    self.monitor.learn_end(view.run, view.end)
        self.tasks_loaded()

    def watch(self, what: Event | OutputLine) -> None:
        """Learn of an event; a watcher of the loop."""
        if isinstance(what, Spawned | Finished):
            entry = self._loop.scheduler.tasks.get(what.run.task)
            if entry is None:
                return
            if isinstance(what, Spawned):
                self.monitor.expect_end(entry.task, what.run.number, what.at)
                if entry.task.slow_after is not None:  # the next pass notes when to look
                    self._loop.wake()
                return
            self.monitor.learn_end(what.run, what.end)
            if entry.task.max_age is not None and is_success(what.end):
                self.monitor.expect_success(entry.task, self._loop.scheduler.history.of(what.run.task))

    def _after_pass(self, now: Instant) -> Instant:
        scheduler = self._loop.scheduler
        if scheduler.draining or self._reader is None:
            return FOREVER
        for event in self.monitor.check(now, scheduler.tasks, scheduler.history):
            if isinstance(event, Overdue) and scheduler.tasks[event.task].standby:  # its owner says so
                continue
            message = notification_messages.overdue if isinstance(event, Overdue) else notification_messages.slow
            self._loop.journal.write(message(event))  # type: ignore[arg-type]  # each takes its own
            self._tell(event)
        return self.monitor.next_check


def _successes(reader: SqliteReader, name: str) -> Sequence[RunView]:
    return reader.runs(RunFilter(task=name, actions=(Action.SUCCESS,), limit=SAMPLES))
