"""What an operator can see of several hosts that share a history, whoever reads it."""

from typing import NoReturn, Protocol

from rocketd.core.model.events import Refusal
from rocketd.core.model.fleet_filter import FleetRunName, FleetTaskFilter
from rocketd.core.model.records import RunFilter
from rocketd.daemon.json_format import Json, JsonObject


class FleetView(Protocol):
    """Reads what the hosts of a fleet have sent. Raises Refusal if there is no fleet, and StoreError."""

    @property
    def name(self) -> str:
        """The name of the fleet; empty: this host is in none."""
        ...

    async def hosts(self) -> JsonObject:
        """The fleet, and all its `hosts`."""
        ...

    async def tasks(self, wanted: FleetTaskFilter) -> JsonObject:
        """A page of the `tasks` of all hosts, and where the `next` one begins."""
        ...

    async def runs(self, run_filter: RunFilter, host: str, after: FleetRunName | None = None) -> list[Json]:
        """Runs of all hosts, or of one, newest first: those that come after a run, given by its name."""
        ...

    async def drain(self, drained: bool) -> JsonObject:  # noqa: FBT001 - it is what is set
        """Own no task from now on, or no longer none."""
        ...

    async def move(self, task: str, host: str) -> JsonObject:
        """Have that `host` own a task that this one owns, and the `tasks` that have its mutex."""
        ...

    async def say_lost(self, host: str) -> JsonObject:
        """Have the `runs` of a silent host count as lost at once."""
        ...


class NoFleet:
    """This host is in no fleet."""

    name = ""

    async def hosts(self) -> JsonObject:
        """Refuse."""
        _refuse()

    async def tasks(self, _: FleetTaskFilter) -> JsonObject:
        """Refuse."""
        _refuse()

    async def runs(self, _: RunFilter, __: str, ___: FleetRunName | None = None) -> list[Json]:
        """Refuse."""
        _refuse()

    async def drain(self, _: bool) -> JsonObject:  # noqa: FBT001 - as above
        """Refuse."""
        _refuse()

    async def move(self, _: str, __: str) -> JsonObject:
        """Refuse."""
        _refuse()

    async def say_lost(self, _: str) -> JsonObject:
        """Refuse."""
        _refuse()


def _refuse() -> NoReturn:
    hint = "set url in [fleet] of rocketd.toml; see docs/how-to/several-hosts.md"
    raise Refusal("this host shares its history with no others", hint=hint)
