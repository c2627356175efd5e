"""What an operator can see of several hosts that share a history, whoever reads it."""

from typing import NoReturn, Protocol

from rocketd.core.model.events import Refusal
from rocketd.core.model.records import RunFilter
from rocketd.daemon.json_format import Json, JsonObject


class FleetView(Protocol):
    """Reads what the hosts of a fleet have sent. Raises Refusal if there is no fleet, and StoreError."""

    async def hosts(self) -> JsonObject:
        """The fleet, and all its `hosts`."""
        ...

    async def tasks(self) -> JsonObject:
        """The `tasks` of all hosts, and whether there are `more`."""
        ...

    async def runs(self, run_filter: RunFilter) -> list[Json]:
        """Runs of all hosts, newest first."""
        ...


class NoFleet:
    """This host is in no fleet."""

    async def hosts(self) -> JsonObject:
        """Refuse."""
        _refuse()

    async def tasks(self) -> JsonObject:
        """Refuse."""
        _refuse()

    async def runs(self, _: RunFilter) -> list[Json]:
        """Refuse."""
        _refuse()


def _refuse() -> NoReturn:
    hint = "set url in [fleet] of rocketd.toml; see docs/how-to/several-hosts.md"
    raise Refusal("this host shares its history with no others", hint=hint)
