"""The two places of the spool: the state directory, and the runtime directory if the first cannot be written.

    the state directory     with space reserved for some thousand records, so that they fit even on a full disk
    the runtime directory   in memory: it survives the daemon, not a reboot; for when the reserved space is used up, or
                            the disk cannot be written at all

The store gets the records in order: once one is in the second place, all later ones go there as well.
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
    """A spool in two places. Use it from one thread at a time. Methods raise StoreError."""

    def __init__(
        self, state_directory: Path, runtime_directory: Path, report_damage: ReportDamage = lambda _, __: None
    ) -> None:
        """Open the spool that an earlier daemon may have left; `report_damage` is called for damage."""
        self._primary = SpoolFile(state_directory, report_damage, reserve=True)
        self._make_fallback = partial(SpoolFile, runtime_directory, report_damage, name=_name(state_directory))
        self._fallback: SpoolFile | None = None
        with suppress(StoreError):  # not opened until it is needed
            self._fallback = self._make_fallback()

    @property
    def pending(self) -> int:
        """The number of lines that the store does not have yet."""
        return self._primary.pending + self._fallback_pending

    @property
    def _fallback_pending(self) -> int:
        return 0 if self._fallback is None else self._fallback.pending

    @property
    def warning(self) -> str:
        """A warning if the newest records are not in the state directory; else empty."""
        if self._fallback is None or not self._fallback.pending:
            return ""
        return f"the newest records wait in {self._fallback.path}, which a reboot empties"

    def append(self, changes: Sequence[Change]) -> None:
        """Append changes, as durably as the place allows."""
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
        """Return all waiting changes, in order."""
        return [*self._primary.contents(), *(() if self._fallback is None else self._fallback.contents())]

    def reserve_space(self) -> None:
        """Reserve disk space for more, if the file system can."""
        self._primary.reserve_space()


def _name(state_directory: Path) -> str:
    """Two daemons may share a runtime directory, but not a state directory."""
    return f"spool-{blake2b(bytes(state_directory.absolute()), digest_size=4).hexdigest()}.jsonl"
