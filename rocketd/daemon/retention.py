"""Old records go, a few at a time, on the writing thread: never so many that a start waits for them.

How old they are is a matter of the clock, which may be wrong: nothing goes by itself before the clock has been left
alone for an hour, and never more than has become too old in the time that the host was up since the last time.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from rocketd.core.clock import Clock
from rocketd.core.dataclass import dataclass
from rocketd.core.history.history import History
from rocketd.core.instant import HOUR, Duration, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.model.clock_reading import ClockReading, trusted_reading
from rocketd.core.model.run import Action
from rocketd.daemon.clock import Steadiness
from rocketd.daemon.ports import Journal, Store
from rocketd.daemon.record_writer import FAILED, RecordWriter

PRUNE_INTERVAL: Final[Duration] = HOUR
"""How often old records are looked for, and for how long the clock must have been left alone."""
CHUNK: Final = 100
"""Records in one transaction: some 10 ms, which a start may have to wait."""


class RetentionJob:
    """Prunes the log once an hour, and on request; what conditions can still ask about stays."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        recorder: RecordWriter,
        history: History,
        keep: Duration | None,
        *,
        clock: Clock,
        steadiness: Steadiness,
        journal: Journal,
        boot_id: str,
    ) -> None:
        """`keep` None: nothing goes by itself."""
        self.keep = keep
        self._recorder = recorder
        self._history = history
        self._clock = clock
        self._steadiness = steadiness
        self._journal = journal
        self._boot_id = boot_id
        self._last_check = clock.boottime()
        """When old records were last looked for, or the start."""
        self._updating_trusted = False
        self._requests: deque[_PruneRequest] = deque()
        """One after the other: the walk through the log is the store's, and there is one."""

    @property
    def protected(self) -> dict[tuple[str, Action], Duration]:
        """What conditions ask about: of a task and an action, how far back."""
        return dict(self._history.reach)

    def on_heartbeat(self, now: Instant) -> None:
        """Begin to prune, if it is time."""
        elapsed = min(self._clock.boottime() - self._last_check, self._steadiness.duration) >= PRUNE_INTERVAL
        if elapsed and self.keep is not None and not (self._requests or self._updating_trusted):
            self._last_check, self._updating_trusted = self._clock.boottime(), True
            self._update_trusted_time(ClockReading(now, self._boot_id, self._clock.boottime()))

    def _update_trusted_time(self, shown: ClockReading) -> None:
        """Ask the store up to when time is trusted to have come, and note how far it has come by now."""
        trusted: list[Instant] = []

        def read_trusted(store: Store) -> int:
            before = store.clock_readings().get("trusted")
            reading = shown if before is None else trusted_reading(before, shown)
            store.save_trusted_reading(reading)
            trusted.append(reading.wall)
            return 1

        def on_read(result: int) -> None:
            self._updating_trusted = False
            if result != FAILED and self.keep is not None:
                self._prune_old(trusted[0] - self.keep, trusted[0])

        self._recorder.submit(read_trusted, on_read)

    def _prune_old(self, before: Instant, now: Instant) -> None:
        def report(_: bool, deleted: int) -> None:  # noqa: FBT001 - the signature of the callback
            if deleted:
                self._journal.write(daemon_messages.pruned_by_age(deleted, before))

        self._enqueue(_PruneRequest(before, now, report))

    def prune(self, before: Instant, now: Instant, then: Callable[[bool], None]) -> None:
        """Delete what is older than `before`, and then call `then` with whether all of it could be deleted."""
        self._enqueue(_PruneRequest(before, now, lambda done, _: then(done)))

    def _enqueue(self, request: "_PruneRequest") -> None:
        self._requests.append(request)
        if len(self._requests) == 1:
            self._prune_chunk()

    def _prune_chunk(self) -> None:
        request, protected = self._requests[0], self.protected

        def prune(store: Store) -> int:
            before = store.deleted
            result = store.prune(request.before, protected, request.now, CHUNK)
            request.deleted += store.deleted - before
            return result

        def on_pruned(result: int) -> None:
            if result > 0:
                self._prune_chunk()
                return
            self._requests.popleft()
            if self._requests:
                self._prune_chunk()
            request.then(result != FAILED, request.deleted)

        self._recorder.submit(prune, on_pruned)


@dataclass(slots=True)
class _PruneRequest:
    before: Instant
    now: Instant
    then: Callable[[bool, int], None]
    """Hears whether all of it could be done, and how many records have gone."""
    deleted: int = 0
