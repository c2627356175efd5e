"""Old records go, a few at a time, on the writing thread: never so many that a start waits for them.

It has no clock of its own: the heartbeat looks whether an hour is over.
"""

from typing import Final

from rocketd.core.history import History
from rocketd.core.instant import HOUR, MINUTE, Duration, Instant
from rocketd.daemon.ports import Store
from rocketd.daemon.recorder import Recorder

FIRST: Final[Duration] = MINUTE
"""How long after the start: by then nobody is in a hurry."""
EVERY: Final[Duration] = HOUR
CHUNK: Final = 100
"""Records in one transaction: some 10 ms, which a start may have to wait."""


class Retention:
    """Prunes the log once an hour; what conditions can still ask about stays."""

    def __init__(self, recorder: Recorder, history: History, keep: Duration | None, now: Instant) -> None:
        """`keep` None: nothing ever goes."""
        self.keep = keep
        self._recorder = recorder
        self._history = history
        self._next = now + FIRST
        self._busy = False

    def beat(self, now: Instant) -> None:
        """Begin to prune, if it is time."""
        if self.keep is not None and not self._busy and now >= self._next:
            self._busy = True
            self._prune(now, now - self.keep)

    def _prune(self, now: Instant, before: Instant) -> None:
        spare = dict(self._history.reach)

        def prune(store: Store) -> int:
            return store.prune(before, spare, now, CHUNK)

        def pruned(count: int) -> None:
            if count:
                self._prune(now, before)
            else:
                self._busy, self._next = False, now + EVERY

        self._recorder.chore(prune, pruned)
