"""Reads the fleet's database for operators: a connection for each question, in a thread, for some seconds at most."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.config.fleet_settings import FleetSettings
from rocketd.core.duration import format_duration
from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND
from rocketd.core.model.fleet_filter import FleetRunName, FleetTaskFilter
from rocketd.core.model.records import RunFilter
from rocketd.daemon.json_format import Json, JsonObject, rfc3339
from rocketd.daemon.serializers import run_object
from rocketd.fleet import operator_statements, queries, task_queries
from rocketd.fleet.connection import FleetConnection
from rocketd.fleet.overview import FleetHost, differing
from rocketd.fleet.queries import FleetRun
from rocketd.fleet.task_queries import FleetTask, FleetTaskPage
from rocketd.web.shapes.fitting import fitting
from rocketd.web.shapes.table import keys_of

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

T = TypeVar("T")
TIMEOUT: Final = 15.0
"""Seconds that an answer may take."""
_SCOPE_DIGITS: Final = 8
_PREDECESSOR: Final = "~"
"""Between the name of a host and the beginning of a scope: a machine that had the name before. No name has it."""
_TASK_KEYS: Final = keys_of("Task")


class FleetOrders(Protocol):
    """Does what operators want of this host."""

    def drain(self, drained: bool) -> None: ...  # noqa: FBT001 - it is what is set
    def move(self, names: Sequence[str]) -> None: ...


class FleetReader:
    """The hosts, tasks and runs of a fleet, as JSON. One question at a time, on the loop's thread."""

    def __init__(self, settings: FleetSettings, host: str, fleet: FleetOrders) -> None:
        self._settings = settings
        self._fleet = fleet
        self._host = host
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The name of the fleet."""
        return self._settings.name

    async def hosts(self) -> JsonObject:
        """The fleet, and all its hosts."""
        fleet = self._settings.name
        found, digests = await self._ask(lambda each: (queries.hosts(each, fleet), queries.digests(each, fleet)))
        others = differing(digests)
        listed: list[Json] = [_host_object(one, [*others.get(one.name, ())]) for one in found]
        return {"fleet": fleet, "host": self._host, "hosts": listed}

    async def tasks(self, wanted: FleetTaskFilter) -> JsonObject:
        """A page of the tasks of all hosts."""
        fleet = self._settings.name
        return await self._ask(lambda each: _page_object(task_queries.tasks(each, fleet, wanted), wanted.limit))

    async def runs(self, run_filter: RunFilter, host: str, after: FleetRunName | None = None) -> list[Json]:
        """Runs of all hosts or of one, newest first; `after` names its host as answers do."""
        after = after and after._replace(host=after.host.partition(_PREDECESSOR)[0])
        found = await self._ask(lambda each: queries.runs(each, self._settings.name, run_filter, host, after))
        return [_run_object(one) for one in found]

    async def drain(self, drained: bool) -> JsonObject:  # noqa: FBT001 - it is what is set
        """Own no task from now on, or no longer none."""
        await self._ask(lambda each: operator_statements.drain(each, self.name, self._host, drained))
        self._fleet.drain(drained)
        return {"host": self._host, "drained": drained}

    async def move(self, task: str, host: str) -> JsonObject:
        """Have that host own a task that this one owns."""
        moved = await self._ask(lambda each: operator_statements.move(each, self.name, self._host, task, host))
        self._fleet.move(moved)
        return {"host": host, "tasks": [*moved]}

    async def say_lost(self, host: str) -> JsonObject:
        """Have the runs of a silent host count as lost at once."""
        runs = await self._ask(lambda each: operator_statements.say_lost(each, self.name, self._host, host))
        return {"host": host, "runs": [*runs]}

    async def _ask(self, question: Callable[["Connection[TupleRow]"], T]) -> T:
        async with self._lock:
            connection = FleetConnection(self._settings.url, self._settings.password_file)
            try:
                return await in_thread(lambda: _answer(connection, question), time_limit=TIMEOUT)
            except WorkTimeout:
                connection.abort()
                within = format_duration(round(TIMEOUT) * SECOND)
                raise StoreError(f"the fleet's database does not answer within {within}", temporary=True) from None


def _answer(connection: FleetConnection, question: Callable[["Connection[TupleRow]"], T]) -> T:
    try:
        with connection.transaction() as opened:
            return question(opened)
    finally:
        connection.close()


def _host_object(host: FleetHost, differs: list[Json]) -> JsonObject:
    return {
        "host": host.name,
        "state": str(host.state),
        "lease_left": host.lease_left / SECOND,
        "seen": rfc3339(host.seen_at),
        "silent_for": host.silent_for / SECOND,
        "lost_after": host.lost_after / SECOND,
        "joined": rfc3339(host.joined_at),
        "clock_offset": None if host.clock_offset is None else host.clock_offset / SECOND,
        "version": host.version,
        "tags": [*host.tags],
        "tasks": host.tasks,
        "running": host.running,
        "waiting": host.waiting,
        "owned": host.owned,
        "differs": differs,
        "obstacle": host.obstacle,
        "state_id": host.state_id,
    }


def _page_object(page: FleetTaskPage, limit: int) -> JsonObject:
    listed = page.tasks[:limit]
    more = len(page.tasks) > limit
    return {
        "tasks": [_task_object(one) for one in listed],
        "more": more,
        "next": f"{listed[-1].name}/{listed[-1].host}" if more else None,
        "total": page.total,
        "counts": {**page.counts},
    }


def _task_object(task: FleetTask) -> JsonObject:
    shown: JsonObject = fitting(task.shown, _TASK_KEYS) if isinstance(task.shown, dict) else {}
    return {**shown, "host": task.host, "task": task.name, "alive": task.alive, "owner": task.owner}


def _run_object(run: FleetRun) -> JsonObject:
    name = run.host if run.current else f"{run.host}{_PREDECESSOR}{run.scope[:_SCOPE_DIGITS]}"
    shown = run_object(run.view)
    if shown["action"] == "run" and not run.alive:
        shown["open"] = True
    return {**shown, "host": name, "scope": run.scope}
