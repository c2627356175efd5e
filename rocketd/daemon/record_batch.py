"""What the record writer does in one turn: changes for one transaction, what follows it, and what else is asked."""

from collections.abc import Callable

from rocketd.core.dataclass import dataclass, field
from rocketd.core.model.records import Change
from rocketd.daemon.ports import Store


def nothing() -> None:
    """Do nothing: nobody waits for a record."""


@dataclass(slots=True)
class RecordBatch:
    """Everything that has come up since the last one."""

    changes: list[Change] = field(default_factory=list)
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    """Called on the loop's thread once the changes are safe."""
    liveness_checks: list[Callable[[], None]] = field(default_factory=list)
    """Called on the loop's thread in any case."""
    submitted: list[tuple[Callable[[Store], int], Callable[[int], None]]] = field(default_factory=list)
    """What else is done on the store, and what gets its result."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.callbacks or self.liveness_checks or self.submitted)
