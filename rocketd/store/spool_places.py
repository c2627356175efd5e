"""The places in which records wait for the store: the state directory, and where that takes nothing, another.

    the state directory     room is kept there for some thousand records, so that a full disk takes them as well
    the runtime directory   in memory: it outlives the daemon, and not a reboot; for when the room is used up, or where
                            nothing can be written to the disk at all

What waits is given to the store in order: once something is in the second place, all that comes later goes there.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path

from rocketd.core.errors import StoreError
from rocketd.core.model.records import Change
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.spool_file import SpoolFile


class SpoolPlaces:
    """A spool in two places. One thread at a time. Methods raise StoreError."""

    def __init__(
        self, state_directory: Path, runtime_directory: Path, found: ReportDamage = lambda _, __: None
    ) -> None:
        """Take up what an earlier daemon left; `found` hears of what is damaged."""
        self._first = SpoolFile(state_directory, found, room=True)
        self._make_second = partial(SpoolFile, runtime_directory, found, name=_name(state_directory))
        self._second: SpoolFile | None = None
        with suppress(StoreError):  # done without until it is needed
            self._second = self._make_second()

    @property
    def pending(self) -> int:
        """How many calls are in it that the store has not had."""
        return self._first.pending + self._second_pending

    @property
    def _second_pending(self) -> int:
        return 0 if self._second is None else self._second.pending

    @property
    def warning(self) -> str:
        """Where the newest ones wait, if that is not the state directory, and what that means."""
        if self._second is None or not self._second.pending:
            return ""
        return f"the newest records wait in {self._second.path}, which a reboot empties"

    def append(self, changes: Sequence[Change]) -> None:
        """Append them; durable when it returns, as far as the place is."""
        if self._second_pending:
            self._append_second(changes)
            return
        try:
            self._first.append(changes)
        except StoreError as error:
            try:
                self._append_second(changes)
            except StoreError:
                raise error from None

    def _append_second(self, changes: Sequence[Change]) -> None:
        if self._second is None:
            self._second = self._make_second()
        self._second.append(changes)

    def drain(self, write: Callable[[Sequence[Sequence[Change]]], None]) -> None:
        """Give the calls to `write`, oldest first, and forget what it took. What `write` raises ends that."""
        self._first.drain(write)
        if self._second is not None:
            self._second.drain(write)

    def contents(self) -> Sequence[Change]:
        """All that waits, in order."""
        return [*self._first.contents(), *(() if self._second is None else self._second.contents())]

    def reserve_space(self) -> None:
        """See to it that there is room for more, if it can be had."""
        self._first.reserve_space()


def _name(state_directory: Path) -> str:
    """Two daemons may share a runtime directory, but not a state directory."""
    return f"spool-{blake2b(bytes(state_directory.absolute()), digest_size=4).hexdigest()}.jsonl"
