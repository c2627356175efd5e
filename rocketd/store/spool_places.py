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
        self, state_directory: Path, runtime_directory: Path, report_damage: ReportDamage = lambda _, __: None
    ) -> None:
        """Take up what an earlier daemon left; `report_damage` is called for what is damaged."""
        self._primary = SpoolFile(state_directory, report_damage, reserve=True)
        self._make_fallback = partial(SpoolFile, runtime_directory, report_damage, name=_name(state_directory))
        self._fallback: SpoolFile | None = None
        with suppress(StoreError):  # done without until it is needed
            self._fallback = self._make_fallback()

    @property
    def pending(self) -> int:
        """How many calls are in it that the store has not had."""
        return self._primary.pending + self._fallback_pending

    @property
    def _fallback_pending(self) -> int:
        return 0 if self._fallback is None else self._fallback.pending

    @property
    def warning(self) -> str:
        """Where the newest ones wait, if that is not the state directory, and what that means."""
        if self._fallback is None or not self._fallback.pending:
            return ""
        return f"the newest records wait in {self._fallback.path}, which a reboot empties"

    def append(self, changes: Sequence[Change]) -> None:
        """Append them; durable when it returns, as far as the place is."""
        if self._fallback_pending:
            self._append_to_fallback(changes)
            return
        try:
            self._primary.append(changes)
        except StoreError as error:
            try:
                self._append_to_fallback(changes)
            except StoreError:
                raise error from None

    def _append_to_fallback(self, changes: Sequence[Change]) -> None:
        if self._fallback is None:
            self._fallback = self._make_fallback()
        self._fallback.append(changes)

    def drain(self, write: Callable[[Sequence[Sequence[Change]]], None]) -> None:
        """Pass the calls to `write`, oldest first, and forget what it took. An exception of `write` ends the drain."""
        self._primary.drain(write)
        if self._fallback is not None:
            self._fallback.drain(write)

    def contents(self) -> Sequence[Change]:
        """All that waits, in order."""
        return [*self._primary.contents(), *(() if self._fallback is None else self._fallback.contents())]

    def reserve_space(self) -> None:
        """Reserve disk space for more, if the file system can."""
        self._primary.reserve_space()


def _name(state_directory: Path) -> str:
    """Two daemons may share a runtime directory, but not a state directory."""
    return f"spool-{blake2b(bytes(state_directory.absolute()), digest_size=4).hexdigest()}.jsonl"
