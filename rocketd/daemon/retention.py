"""Old records go, a few at a time, on the writing thread: never so many that a start waits for them.

How old they are is a matter of the clock, which may be wrong: nothing goes by itself before the clock has been left
alone for an hour, and never more than has become too old in the time that the host was up since the last time.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rocketd.core.clock import Clock
from rocketd.core.history.history import History
from rocketd.core.instant import HOUR, Duration, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.model.clock_reading import ClockReading, trusted_reading
from rocketd.core.model.events import Refusal
from rocketd.core.model.run import Action
from rocketd.daemon.clock import Steadiness
from rocketd.daemon.ports import Journal, Store
from rocketd.daemon.record_writer import FAILED, RecordWriter

PRUNE_INTERVAL: Final[Duration] = HOUR
"""How often old records are looked for, and for how long the clock must have been left alone."""
CHUNK: Final = 100
"""Records in one transaction: some 10 ms, which a start may have to wait."""


def oldest_kept(keep: Duration | None, before: Instant | None, now: Instant) -> Instant:
    """From when on records stay if somebody asks: from `before`, else as `keep` says. Raises Refused."""
    if before is not None:
        return min(before, now)
    if keep is None:
        hint = "--before says which records are old all the same"
        raise Refusal('keep = "infinity" in [store]: no record is too old', hint=hint)
    return now - keep


class RetentionJob:
    """Prunes the log once an hour, and when somebody asks; what conditions can still ask about stays."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        recorder: RecordWriter,
        history: History,
        keep: Duration | None,
        *,
        clock: Clock,
        steady: Steadiness,
        journal: Journal,
        boot_id: str,
    ) -> None:
        """`keep` None: nothing goes by itself."""
        self.keep = keep
        self._recorder = recorder
        self._history = history
        self._clock = clock
        self._steady = steady
        self._journal = journal
        self._boot_id = boot_id
        self._looked = clock.boottime()
        """When old records were last looked for, or the start."""
        self._trusting = False
        self._asked: deque[_PruneRequest] = deque()
        """One after the other: the walk through the log is the store's, and there is one."""

    @property
    def protected(self) -> dict[tuple[str, Action], Duration]:
        """What conditions ask about: of a task and an action, how far back."""
        return dict(self._history.reach)

    def on_heartbeat(self, now: Instant) -> None:
        """Begin to prune, if it is time."""
        over = min(self._clock.boottime() - self._looked, self._steady.duration) >= PRUNE_INTERVAL
        if over and self.keep is not None and not (self._asked or self._trusting):
            self._looked, self._trusting = self._clock.boottime(), True
            self._find_out(ClockReading(now, self._boot_id, self._clock.boottime()))

    def _find_out(self, shown: ClockReading) -> None:
        """Ask the store up to when time is trusted to have come, and note how far it has come by now."""
        found: list[Instant] = []

        def trust(store: Store) -> int:
            before = store.clock_readings().get("trusted")
            reading = shown if before is None else trusted_reading(before, shown)
            store.save_trusted_reading(reading)
            found.append(reading.wall)
            return 1

        def known(result: int) -> None:
            self._trusting = False
            if result != FAILED and self.keep is not None:
                self._prune_old(found[0] - self.keep, found[0])

        self._recorder.submit(trust, known)

    def _prune_old(self, before: Instant, now: Instant) -> None:
        def tell(_: bool, deleted: int) -> None:  # noqa: FBT001 - as it is told
            if deleted:
                self._journal.write(daemon_messages.pruned_by_age(deleted, before))

        self._ask(_PruneRequest(before, now, tell))

    def prune(self, before: Instant, now: Instant, then: Callable[[bool], None]) -> None:
        """Have what is older than that deleted, and `then` told whether it could be."""
        self._ask(_PruneRequest(before, now, lambda done, _: then(done)))

    def _ask(self, asked: "_PruneRequest") -> None:
        self._asked.append(asked)
        if len(self._asked) == 1:
            self._go_on()

    def _go_on(self) -> None:
        asked, spare = self._asked[0], self.protected

        def prune(store: Store) -> int:
            before = store.deleted
            left = store.prune(asked.before, spare, asked.now, CHUNK)
            asked.deleted += store.deleted - before
            return left

        def pruned(left: int) -> None:
            if left > 0:
                self._go_on()
                return
            self._asked.popleft()
            if self._asked:
                self._go_on()
            asked.then(left != FAILED, asked.deleted)

        self._recorder.submit(prune, pruned)


@dataclass(slots=True)
class _PruneRequest:
    before: Instant
    now: Instant
    then: Callable[[bool, int], None]
    """Hears whether all of it could be done, and how many records have gone."""
    deleted: int = 0
