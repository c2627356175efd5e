"""Stores that send their records to a repository as well."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from rocketd.core.instant import DAY
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.replication.replicated_store import ReplicatedStore
from rocketd.store.replication.replicator import ImportQuery, Replicator, RepositoryOutage
from rocketd.store.sqlite.rows import Origin


class Heard:
    """What a forwarder tells."""

    def __init__(self) -> None:
        self.queue: Queue[RepositoryOutage | None] = Queue()

    def until(self, wanted: Callable[[RepositoryOutage | None], bool]) -> None:
        """Listen until it tells something like this."""
        while not wanted(self.queue.get(timeout=30)):
            pass


@contextmanager
def opened(
    directory: Path,
    open_repo: Callable[[], BaseRepo],
    host: str = "here",
    heard: Heard | None = None,
    after: Replicator | None = None,
) -> Iterator[ReplicatedStore]:
    """A store that forwards; at its end the repository has everything, if it can be had."""
    directory.mkdir(exist_ok=True)
    forwarder = Replicator(open_repo, directory, host, (heard or Heard()).queue.put, previous=after)
    store = ReplicatedStore(directory, forwarder, origin=Origin(host, "boot"))
    forwarder.start()
    try:
        yield store
    finally:
        forwarder.close()
        store.close()


def read_back(store: ReplicatedStore, *tasks: str) -> int:
    """Do what a daemon does at start; says how many records were taken over."""
    numbers = {name: state.next_number for name, state in store.states().items()}
    alive = store.last_alive()
    wanted = ImportQuery(frozenset(tasks), numbers, None if alive is None else alive - DAY)
    rows = store._replicator.read(wanted).result(timeout=30)  # noqa: SLF001 - as its owner does
    return store.import_rows(rows, dict.fromkeys(tasks, "1 UTC daily"))
