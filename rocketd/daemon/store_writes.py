"""Writing to the store what may be in it already, as it is after a kill between the store and the spool."""

from collections.abc import Sequence

from rocketd.core.errors import DuplicateRun
from rocketd.core.model.events import Started
from rocketd.core.model.records import Change
from rocketd.daemon.ports import Store


def write_batches(store: Store, batches: Sequence[Sequence[Change]]) -> None:
    """Write what came out of the spool: in one transaction, or one by one if some of it is there already."""
    try:
        store.write([change for changes in batches for change in changes])
    except DuplicateRun:
        for changes in batches:
            write_idempotently(store, changes)


def write_idempotently(store: Store, changes: Sequence[Change]) -> None:
    """Write them, perhaps for a second time: if the store has one of these very starts, it has all of them."""
    try:
        store.write(changes)
    except DuplicateRun as error:
        if not any(isinstance(one, Started) and one.run.run_id == error.run_id for one in changes):
            raise
