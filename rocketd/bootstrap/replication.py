"""A store whose records also go to a repository: opened, read back at start, and told about when that fails."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

from rocketd.background_threads import close_in_thread, in_thread
from rocketd.core.conditions.run_conditions import awaited_tasks
from rocketd.core.duration import format_duration
from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, SECOND, Duration
from rocketd.core.messages import daemon_messages
from rocketd.core.model.task import Task
from rocketd.core.plural import counted
from rocketd.daemon.loop import Loop
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.replication.replicated_store import ReplicatedStore
from rocketd.store.replication.replicator import ImportQuery, Replicator, RepositoryOutage
from rocketd.store.replication.write_through_store import WriteThroughStore
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.store import this_origin

READ_TIMEOUT: Final = 30.0
"""Seconds that a repository may take at start to tell what it has."""
OUTAGE_LIMIT: Final = 10.0
"""Seconds for which a repository may fail before that stops the loop, where such errors are not silenced."""
_OVERLAP: Final[Duration] = DAY
"""How far before the last sign of life a repository is asked: what came later is what may be missing."""


class Replication:
    """Keeps records in a state directory and in a repository; the stack closes both."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        directory: Path,
        open_repo: Callable[[], BaseRepo],
        name: str,
        *,
        loop: Loop,
        stack: AsyncExitStack,
        silenced: bool,
        durability: Durability | None = "full",
        after: Replicator | None = None,
        found: ReportDamage,
    ) -> None:
        """`name` is the repository's, for people; `after`: see `Replicator`, `found`: see `SqliteStore`.

        `durability` is None for a directory that goes with the program, so that the repository alone knows the past,
        whichever host it was on. Raises StoreError if the state directory's store cannot be used.
        """
        self._name = name
        self._loop = loop
        self._silenced = silenced
        self._is_temporary = durability is None
        self._found = found
        self._asyncio = asyncio.get_running_loop()
        host, kept = ("" if durability is None else this_origin().host), durability or "normal"
        self.replicator = Replicator(open_repo, directory, host, self._told, kept, after=after, found=found)
        self.store: ReplicatedStore = (
            WriteThroughStore(directory, self.replicator, goes_on=silenced, found=found)
            if durability is None
            else ReplicatedStore(directory, self.replicator, durability=durability, found=found)
        )
        stack.push_async_callback(close_in_thread, self.store.close)
        self._stack = stack

    async def import_records(self, tasks: Collection[Task]) -> list[str]:
        """Take over what only the repository knows of these tasks; gives what is to be told.

        Raises StoreError if it cannot be read; where that is silenced and may pass, it is told.
        """
        self._stack.push_async_callback(in_thread, self.replicator.close)
        self.replicator.start()
        try:
            adopted = await self._adopt(tasks)
        except StoreError as error:
            if not error.temporary or not self._silenced or not self.store.states():
                raise  # and nothing runs: what is due could have run already
            known = "what the state directory knows is all that conditions are judged by"
            return [f"{self._name} could not be read at start, so {known}: {error.message}"]
        if why := self.replicator.skipped_reason:
            self._found(
                "repository records", f"{self._name} holds records that cannot be read: {why}; the others count"
            )
        taken = [f"imported {counted(adopted, 'record')} that existed only in the repository"] if adopted else []
        return taken + self._weaker()

    async def _adopt(self, tasks: Collection[Task]) -> int:
        states, alive = self.store.states(), self.store.last_alive()
        since = None if alive is None else alive - _OVERLAP
        numbers = {name: state.next_number for name, state in states.items()}
        fingerprints = {task.name: task.fingerprint for task in tasks}
        followed = {task.name: names for task in tasks if (names := awaited_tasks(task.when))}
        reading = self.replicator.read(ImportQuery(fingerprints.keys(), numbers, since))
        try:
            rows = await asyncio.wait_for(asyncio.wrap_future(reading), READ_TIMEOUT)
        except TimeoutError:
            long = format_duration(round(READ_TIMEOUT) * SECOND)
            raise StoreError(f"the run log's repository has not answered for {long}", temporary=True) from None
        return self.store.import_rows(rows, fingerprints, followed)

    def _weaker(self) -> list[str]:
        """Say what the repository cannot do that the state directory's own log can."""
        notes = [f"run records go to {self._name} as well as to the state directory"]
        if lacking := self.replicator.missing_fields:
            notes.append(f"{self._name} does not keep of a record: {', '.join(lacking)}")
        if not self.replicator.is_unique:
            notes.append(f"{self._name} does not enforce unique records")
        return notes

    def _told(self, away: RepositoryOutage | None) -> None:
        """Hear from the forwarder's thread."""
        with suppress(RuntimeError):  # the loop has ended, as at a stop that did not wait any longer
            self._asyncio.call_soon_threadsafe(self._show, away)

    def _show(self, away: RepositoryOutage | None) -> None:
        before = self._loop.health.troubles.get("repository")
        if away is None:
            self._loop.journal.write(daemon_messages.repository_recovered())
            self._loop.health.set_trouble("repository", "")
            return
        if before is None:
            message = daemon_messages.repository_away(away.error.message, in_memory=self._is_temporary)
            self._loop.journal.write(message)
        self._loop.health.set_trouble("repository", f"{away.error.message}; {away.waiting} records wait in the spool")
        hopeless = away.seconds >= OUTAGE_LIMIT or not away.error.temporary
        if hopeless and not self._silenced:
            self._loop.fail(away.error)
