"""Stores that send their records to a repository as well."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from rocketd.core.instant import DAY
from rocketd.store.forwarder import Away, Forwarder, Wanted
from rocketd.store.forwarding import ForwardingStore
from rocketd.store.redbird_import import BaseRepo
from rocketd.store.rows import Origin


class Heard:
    """What a forwarder tells."""

    def __init__(self) -> None:
        self.queue: Queue[Away | None] = Queue()

    def until(self, wanted: Callable[[Away | None], bool]) -> None:
        """Listen until it tells something like this."""
        while not wanted(self.queue.get(timeout=30)):
            pass


@contextmanager
def opened(
    directory: Path,
    open_repo: Callable[[], BaseRepo],
    host: str = "here",
    heard: Heard | None = None,
    after: Forwarder | None = None,
) -> Iterator[ForwardingStore]:
    """A store that forwards; at its end the repository has everything, if it can be had."""
    directory.mkdir(exist_ok=True)
    forwarder = Forwarder(open_repo, directory, host, (heard or Heard()).queue.put, after=after)
    store = ForwardingStore(directory, forwarder, origin=Origin(host, "boot"))
    forwarder.start()
    try:
        yield store
    finally:
        forwarder.close()
        store.close()


def read_back(store: ForwardingStore, *tasks: str) -> int:
    """Do what a daemon does at start; says how many records were taken over."""
    numbers = {name: state.next_number for name, state in store.states().items()}
    alive = store.last_alive()
    wanted = Wanted(frozenset(tasks), numbers, None if alive is None else alive - DAY)
    rows = store._forwarder.read(wanted).result(timeout=30)  # noqa: SLF001 - as its owner does
    return store.adopt(rows, dict.fromkeys(tasks, "1 UTC daily"))
