"""Old records go, a few at a time, on the writing thread: never so many that a start waits for them.

It has no clock of its own: the heartbeat looks whether an hour is over.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from rocketd.core.decisions import Refused
from rocketd.core.history import History
from rocketd.core.instant import HOUR, MINUTE, Duration, Instant
from rocketd.core.run import Action
from rocketd.daemon.ports import Store
from rocketd.daemon.recorder import FAILED, Recorder

FIRST: Final[Duration] = MINUTE
"""How long after the start: by then nobody is in a hurry."""
EVERY: Final[Duration] = HOUR
CHUNK: Final = 100
"""Records in one transaction: some 10 ms, which a start may have to wait."""


def oldest_kept(keep: Duration | None, before: Instant | None, now: Instant) -> Instant:
    """From when on records stay if somebody asks: from `before`, else as `keep` says. Raises Refused."""
    if before is not None:
        return min(before, now)
    if keep is None:
        hint = "--before says which records are old all the same"
        raise Refused('keep = "infinity" in [store]: no record is too old', hint=hint)
    return now - keep


class Retention:
    """Prunes the log once an hour, and when somebody asks; what conditions can still ask about stays."""

    def __init__(self, recorder: Recorder, history: History, keep: Duration | None, now: Instant) -> None:
        """`keep` None: nothing goes by itself."""
        self.keep = keep
        self._recorder = recorder
        self._history = history
        self._next = now + FIRST
        self._asked: deque[_Asked] = deque()
        """One after the other: the walk through the log is the store's, and there is one."""

    @property
    def spare(self) -> dict[tuple[str, Action], Duration]:
        """What conditions ask about: of a task and an action, how far back."""
        return dict(self._history.reach)

    def beat(self, now: Instant) -> None:
        """Begin to prune, if it is time."""
        self._next = min(self._next, now + EVERY)  # the clock may have been set back since then
        if self.keep is not None and not self._asked and now >= self._next:
            self.prune(now - self.keep, now, lambda _: None)

    def prune(self, before: Instant, now: Instant, then: Callable[[bool], None]) -> None:
        """Have what is older than that deleted, and `then` told whether it could be."""
        self._asked.append(_Asked(before, now, then))
        if len(self._asked) == 1:
            self._go_on()

    def _go_on(self) -> None:
        before, now, then = self._asked[0]
        spare = self.spare

        def prune(store: Store) -> int:
            return store.prune(before, spare, now, CHUNK)

        def pruned(count: int) -> None:
            if count > 0:
                self._go_on()
                return
            self._asked.popleft()
            self._next = now + EVERY
            if self._asked:
                self._go_on()
            then(count != FAILED)

        self._recorder.chore(prune, pruned)


class _Asked(NamedTuple):
    before: Instant
    now: Instant
    then: Callable[[bool], None]
