"""Replication of run records to a repository: opens it, imports its records at start, and reports outages."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

from rocketd.background_threads import close_in_thread, in_thread
from rocketd.core.conditions.after import awaited_tasks
from rocketd.core.conditions.masked_condition import unmasked
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration
from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, SECOND, Duration
from rocketd.core.messages import daemon_messages
from rocketd.core.model.task import Task
from rocketd.core.plural import counted
from rocketd.daemon.loop import Loop
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.replication.former_names import former_names, under_present_names
from rocketd.store.replication.replicated_store import ReplicatedStore
from rocketd.store.replication.replicator import ImportQuery, Replicator, RepositoryOutage
from rocketd.store.replication.write_through_store import WriteThroughStore
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.store import this_origin

READ_TIMEOUT: Final = 30.0
"""Seconds that a repository may take to return its records at start."""
OUTAGE_LIMIT: Final = 10.0
"""Seconds for which a repository may fail before that stops the loop, where such errors are not silenced."""
_OVERLAP: Final[Duration] = DAY
"""How far before the last sign of life a repository is asked: what came later is what may be missing."""


@dataclass(frozen=True, slots=True)
class ReplicationOptions:
    """Which repository the records of which state directory are copied to."""

    directory: Path
    open_repo: Callable[[], BaseRepo]
    name: str
    """The repository's name in sentences."""
    silenced: bool
    """Whether an outage of the repository does not stop the loop."""
    durability: Durability | None = "full"
    """None: the directory is removed with the program, so the repository alone knows the past, of whichever host."""

    @property
    def is_temporary(self) -> bool:
        """Whether the state directory is removed with the program."""
        return self.durability is None


def followed_tasks(tasks: Collection[Task]) -> dict[str, frozenset[str]]:
    """Return for each of these tasks those whose ends it waits for, if there are such."""
    return {task.name: names for task in tasks if (names := awaited_tasks(unmasked(task.when)))}


class Replication:
    """Keeps records in a state directory and in a repository; the exit stack closes both."""

    def __init__(
        self,
        options: ReplicationOptions,
        loop: Loop,
        stack: AsyncExitStack,
        report_damage: ReportDamage,
        previous: Replicator | None = None,
    ) -> None:
        """`previous`: see `Replicator`; `report_damage`: see `SqliteStore`.

        Raises StoreError if the store in the state directory cannot be used.
        """
        self._name = options.name
        self._silenced = options.silenced
        self._is_temporary = options.is_temporary
        self._loop = loop
        self._stack = stack
        self._report_damage = report_damage
        self._asyncio = asyncio.get_running_loop()
        self.replicator = Replicator(
            options.open_repo,
            options.directory,
            "" if options.is_temporary else this_origin().host,
            self._on_outage,
            options.durability or "normal",
            previous=previous,
            report_damage=report_damage,
        )
        self.store = self._open_store(options)
        stack.push_async_callback(close_in_thread, self.store.close)

    def _open_store(self, options: ReplicationOptions) -> ReplicatedStore:
        directory, replicator, report_damage = options.directory, self.replicator, self._report_damage
        if options.durability is None:
            return WriteThroughStore(
                directory, replicator, survives_outage=options.silenced, report_damage=report_damage
            )
        return ReplicatedStore(directory, replicator, durability=options.durability, report_damage=report_damage)

    async def import_records(self, tasks: Collection[Task]) -> list[str]:
        """Import the records of these tasks that only the repository has; return notes for the journal.

        Raises StoreError if it cannot be read; if that is silenced and may be temporary, a note says so instead.
        """
        self._stack.push_async_callback(in_thread, self.replicator.close)
        self.replicator.start()
        try:
            imported = await self._import_rows(tasks)
        except StoreError as error:
            if not error.temporary or not self._silenced or not self.store.states():
                raise  # and nothing runs: what is due could have run already
            known = "conditions use only the records in the state directory"
            return [f"{self._name} could not be read at start, so {known}: {error.message}"]
        if moved := self.replicator.repaired:
            self._report_damage("repository file", moved)
        if why := self.replicator.skipped_reason:
            self._report_damage(
                "repository records",
                f"{self._name} holds records that cannot be read: {why}; the other records are used",
            )
        imported_notes = (
            [f"imported {counted(imported, 'record')} that existed only in the repository"] if imported else []
        )
        return imported_notes + self._limitations()

    async def _import_rows(self, tasks: Collection[Task]) -> int:
        states, alive = self.store.states(), self.store.last_alive()
        since = None if alive is None else alive - _OVERLAP
        numbers = {name: state.next_number for name, state in states.items()}
        fingerprints = {task.name: task.fingerprint for task in tasks}
        former = former_names(tasks, states)
        reading = self.replicator.read(ImportQuery(fingerprints.keys() | former.keys(), numbers, since))
        try:
            rows = await asyncio.wait_for(asyncio.wrap_future(reading), READ_TIMEOUT)
        except TimeoutError:
            timeout = format_duration(round(READ_TIMEOUT) * SECOND)
            raise StoreError(f"the run log's repository has not answered for {timeout}", temporary=True) from None
        return self.store.import_rows(under_present_names(rows, former), fingerprints, followed_tasks(tasks))

    def _limitations(self) -> list[str]:
        """Return notes on what the repository cannot do that the run log in the state directory can."""
        notes = [f"run records go to {self._name} as well as to the state directory"]
        if missing := self.replicator.missing_fields:
            notes.append(f"{self._name} does not store these fields of a record: {', '.join(missing)}")
        if not self.replicator.is_unique:
            notes.append(f"{self._name} does not enforce unique records")
        return notes

    def _on_outage(self, outage: RepositoryOutage | None) -> None:
        """Handle an outage, on the replicator's thread."""
        with suppress(RuntimeError):  # the loop has ended, as at a stop that did not wait any longer
            self._asyncio.call_soon_threadsafe(self._report_outage, outage)

    def _report_outage(self, outage: RepositoryOutage | None) -> None:
        previous = self._loop.health.troubles.get("repository")
        if outage is None:
            self._loop.journal.write(daemon_messages.repository_recovered())
            self._loop.health.set_trouble("repository", "")
            return
        if previous is None:
            message = daemon_messages.repository_away(outage.error.message, in_memory=self._is_temporary)
            self._loop.journal.write(message)
        self._loop.health.set_trouble(
            "repository", f"{outage.error.message}; {outage.waiting} records wait in the outbox"
        )
        hopeless = outage.seconds >= OUTAGE_LIMIT or not outage.error.temporary
        if hopeless and not self._silenced:
            self._loop.fail(outage.error)
