"""The administrator's verbs, with those about all hosts that share a history."""

from rocketd.daemon.control import Control
from rocketd.daemon.fleet_view import FleetView, NoFleet
from rocketd.daemon.json_format import JsonObject


class FleetControl(Control):
    """What an operator can see and do on this host, and see of the others."""

    fleet: FleetView = NoFleet()
    """The hosts that share a history with this one."""

    def status(self) -> JsonObject:
        """The same, and the fleet."""
        return {**super().status(), "fleet": self.fleet.name or None}
