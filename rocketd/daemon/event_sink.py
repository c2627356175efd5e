"""Distributes events to the journal and to all watchers. Everything runs on the loop's thread."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from rocketd.core.instant import Instant
from rocketd.core.messages import run_messages
from rocketd.core.messages.message import Priority, Stream
from rocketd.core.messages.missed_filter import MissedFilter
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Finished, Spawned, Withdrawn
from rocketd.core.model.recent_output import JournalPlace
from rocketd.core.model.run import Run
from rocketd.daemon.ports import Journal
from rocketd.daemon.renamed_runs import RenamedRuns

Watcher = Callable[[Event | OutputLine], None]


class EventSink:
    """Publishes events, and the lines that runs print."""

    def __init__(self, journal: Journal) -> None:
        self.watchers: set[Watcher] = set()
        """Those that get every event."""
        self._watchers_of: defaultdict[type[Event], list[Watcher]] = defaultdict(list)
        self.line_watchers: set[Watcher] = set()
        """Those that get the lines that runs print: most want events alone."""
        self._journal = journal
        self._missed = MissedFilter()
        self.renamed_runs = RenamedRuns()
        """The active runs whose task has another name by now."""
        self.reloads = 0
        """How often other tasks were loaded."""

    def watch(self, watcher: Watcher, *kinds: type[Event]) -> None:
        """Pass events of these kinds to the watcher, and no others: most watchers have no use for most of them."""
        for kind in kinds:
            self._watchers_of[kind].append(watcher)

    def notify(self, event: Event) -> None:
        """Pass an event to its watchers."""
        _notify((*self.watchers, *self._watchers_of[type(event)]), event)

    def publish(self, event: Event) -> None:
        """Publish an event; of a missed stretch that grows, not each step."""
        self._publish_all(self._missed.pass_on(event))
        if isinstance(event, (Finished, Withdrawn)):
            self.renamed_runs.forget(event.run)

    def publish_delayed(self, now: Instant | None) -> None:
        """Publish what has been kept back for long enough; None: all of it, as this is the end."""
        self._publish_all(self._missed.end() if now is None else self._missed.due(now))

    def output(self, run: Run, stream: str, line: str) -> bool:
        """Publish a line that a run printed; whether the journal will have it."""
        run, output_stream = self.renamed_runs.current(run), Stream(stream)
        accepted = self._journal.write(run_messages.output_line(run, output_stream, line))
        if self.line_watchers:
            _notify(self.line_watchers, OutputLine(run, output_stream, line))
        return accepted

    def show_output(self, run: Run, stream: str, line: str, place: JournalPlace) -> None:
        """Publish a line that is in the journal already, at that place."""
        _notify(self.line_watchers, OutputLine(self.renamed_runs.current(run), Stream(stream), line, place))

    def _publish_all(self, events: Iterable[Event]) -> None:
        for event in events:
            if not isinstance(event, Spawned) or self._journal.is_enabled(Priority.DEBUG):
                self._journal.write(run_messages.entry_of(event))
            self.notify(event)


def _notify(watchers: Collection[Watcher], item: Event | OutputLine) -> None:
    for watcher in tuple(watchers):  # one of them may end its own watch
        watcher(item)
