"""Where the daemon's records go: the store of the state directory, and perhaps another repository besides.

What the settings name is only believed if `rocketd.toml` is good. With an error in it, records go where they went last:
a typing mistake must not scatter the log over two places.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rocketd.config.daemon_settings import Settings
from rocketd.config.loaded import Loaded
from rocketd.core import daemon_entries
from rocketd.core.duration import format_duration
from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, SECOND, Duration
from rocketd.daemon.loop import Loop
from rocketd.daemon.recorder import write_calls
from rocketd.store.choice import Choice, remember, remembered
from rocketd.store.database import Durability
from rocketd.store.forwarder import Away, Forwarder
from rocketd.store.forwarding import ForwardingStore
from rocketd.store.spool_file import SpoolFile
from rocketd.store.store import SqliteStore, this_origin

ANSWER: Final = 30.0
"""Seconds that a repository may take at start to tell what it has."""
PATIENCE: Final = 10.0
"""Seconds for which a repository may fail before that stops a daemon in which such errors are not silenced."""
_OVERLAP: Final[Duration] = DAY
"""How far before the last sign of life a repository is asked: what came later is what may be missing."""


@dataclass(slots=True)
class Keeping:
    """The opened store, and what is to be said about it."""

    store: SqliteStore
    spool: SpoolFile
    place: str
    """Where records go, for people."""
    notes: Sequence[str]


class RecordKeeping:
    """Opens the store; the stack closes it."""

    def __init__(self, directory: Path, loaded: Loaded, loop: Loop, stack: AsyncExitStack) -> None:
        self._directory = directory
        self._loaded = loaded
        self._loop = loop
        self._stack = stack
        self._asyncio = asyncio.get_running_loop()
        self._notes: list[str] = []

    async def open(self) -> Keeping:
        """Get the store up to date, with what was put aside and what only the repository knew. Raises StoreError."""
        choice = self._choice()
        elsewhere = choice.is_elsewhere(self._directory)
        forwarder = self._forwarder(choice) if elsewhere else None
        store = self._store(forwarder)
        spool = self._drained(store)
        if forwarder and isinstance(store, ForwardingStore):
            await self._read_back(choice, store, forwarder)
        if self._loaded.settings_good:
            remember(self._directory, choice)
        return Keeping(store, spool, str(choice) if elsewhere else str(store.path), self._notes)

    def _store(self, forwarder: Forwarder | None) -> SqliteStore:
        durability: Durability = self._settings.store.durability.value
        if forwarder is None:
            store = SqliteStore(self._directory, durability=durability)
        else:
            store = ForwardingStore(self._directory, forwarder, durability=durability)
        self._stack.callback(store.close)
        return store

    def _drained(self, store: SqliteStore) -> SpoolFile:
        """Open the spool, and let the store have what is in it before anything else."""
        spool = SpoolFile(self._directory)
        if spool.waiting:
            spool.drain(lambda calls: write_calls(store, calls))
            self._notes.append("records that could not be written before are in the run log now")
        return spool

    @property
    def _settings(self) -> Settings:
        return self._loaded.settings

    def _choice(self) -> Choice:
        """Where records are to go."""
        written = Choice(self._settings.store.url, self._settings.store.repo)
        last = remembered(self._directory)
        if last is None or last == written:
            return written
        if not self._loaded.settings_good:
            self._notes.append(f"rocketd.toml has an error, so run records go where they went before: {last}")
            return last
        self._notes.append(f"run records went to {last} before, and go to {written} from now on")
        return written

    # -- another repository -----------------------------------------------------------------------------------------

    def _forwarder(self, choice: Choice) -> Forwarder:
        durability: Durability = self._settings.store.durability.value
        return Forwarder(choice.open, self._directory, this_origin().host, self._told, durability)

    async def _read_back(self, choice: Choice, store: ForwardingStore, forwarder: Forwarder) -> None:
        self._stack.callback(forwarder.close)
        forwarder.start()
        try:
            await self._adopt(store, forwarder)
        except StoreError as error:
            if not error.temporary or not self._settings.silence_task_logging:
                raise
            known = "what the state directory knows is all that conditions are judged by"
            self._notes.append(f"{choice} could not be read at start, so {known}: {error.message}")
        else:
            self._notes += _weaker(choice, forwarder)

    async def _adopt(self, store: ForwardingStore, forwarder: Forwarder) -> None:
        fingerprints = {task.name: task.fingerprint for task in self._loaded.tasks}
        states = store.states()
        since = store.last_alive() if fingerprints.keys() <= states.keys() else None
        numbers = {name: state.next_number for name, state in states.items()}
        reading = forwarder.read(None if since is None else since - _OVERLAP, numbers)
        try:
            rows = await asyncio.wait_for(asyncio.wrap_future(reading), ANSWER)
        except TimeoutError:
            long = format_duration(round(ANSWER) * SECOND)
            raise StoreError(f"the run log's repository has not answered for {long}", temporary=True) from None
        if adopted := store.adopt(rows, fingerprints):
            self._notes.append(f"{adopted} records that only the repository knew were taken over from it")

    def _told(self, away: Away | None) -> None:
        """Hear from the forwarder's thread."""
        self._asyncio.call_soon_threadsafe(self._show, away)

    def _show(self, away: Away | None) -> None:
        before = self._loop.troubles.get("repository")
        if away is None:
            self._loop.journal.tell(daemon_entries.repository_recovered())
            self._loop.show_trouble("repository", "")
            return
        if before is None:
            self._loop.journal.tell(daemon_entries.repository_away(away.error.message))
        self._loop.show_trouble("repository", f"{away.error.message}; {away.waiting} records wait in the spool")
        hopeless = away.seconds >= PATIENCE or not away.error.temporary
        if hopeless and not self._settings.silence_task_logging:
            self._loop.fail(away.error)


def _weaker(choice: Choice, forwarder: Forwarder) -> list[str]:
    """Say what the repository cannot do that the state directory's own log can."""
    notes = [f"run records go to {choice} as well as to the state directory"]
    if lacking := forwarder.lacking:
        notes.append(f"{choice} does not keep of a record: {', '.join(lacking)}")
    if not forwarder.is_unique:
        notes.append(f"{choice} does not itself refuse a record that comes twice")
    return notes
