"""A systemd on a real message bus that does with units what a test says: it tells in any order, or nothing at all."""

import asyncio
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

NAME = "org.freedesktop.systemd1"
ROOT = "/org/freedesktop/systemd1"
UNIT, SERVICE, MANAGER = f"{NAME}.Unit", f"{NAME}.Service", f"{NAME}.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
LAUNCHED = bytes(6 * 4 + 232)
"""What a launcher reports that has executed its program."""
UNKNOWN = 2**64 - 1
"""What systemd says of a counter that nobody counts."""
Values = dict[str, Variant]


def service(run_id: str, **changes: Variant) -> Values:
    """The properties of a service that systemd shows, as far as they are read, when its process has begun."""
    return {
        "ExecMainPID": Variant("u", 4711),
        "ExecMainCode": Variant("i", 0),
        "ExecMainStatus": Variant("i", 0),
        "ExecMainStartTimestampMonotonic": Variant("t", 1_000_000),
        "ExecMainExitTimestampMonotonic": Variant("t", 0),
        "Result": Variant("s", "success"),
        "LogExtraFields": Variant("aay", [b"ROCKETD_TASK=job", f"ROCKETD_RUN_ID={run_id}".encode()]),
        "CPUUsageNSec": Variant("t", UNKNOWN),
        "IOReadBytes": Variant("t", UNKNOWN),
        "IOWriteBytes": Variant("t", UNKNOWN),
        **changes,
    }


EXITED = {
    "ExecMainCode": Variant("i", 1),
    "ExecMainStatus": Variant("i", 3),
    "ExecMainExitTimestampMonotonic": Variant("t", 3_000_000),
}
"""What changes when its process exits with 3, after two seconds."""


class ScriptedSystemd:
    """What a test does not say happens in the usual order: a unit is started, has a process, and goes on."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        """The sub-states of the units, by name."""
        self.services: dict[str, Values] = {}
        self.calls: list[str] = []
        self.answers: dict[str, list[Callable[[Message], Message | None]]] = {}
        """What to do, by the member of a call, with the next ones; None: no answer."""
        self.started: Callable[[str], None] = self.runs
        """What a unit does after the answer to its start."""
        self._bus: MessageBus | None = None

    async def begin(self, address: str) -> None:
        """Come onto the bus."""
        self._bus = bus = await MessageBus(bus_address=address, bus_type=BusType.SYSTEM).connect()
        bus.add_message_handler(self._handle)
        await bus.request_name(NAME)

    def end(self) -> None:
        """Leave the bus, as systemd does to execute itself anew; calls that have no answer fail."""
        if self._bus is not None:
            self._bus.disconnect()

    # -- what it tells ----------------------------------------------------------------------------------------------

    def runs(self, unit: str) -> None:
        """Tell that its process has begun."""
        self.states[unit] = "running"
        self.tell_job(unit)
        self.tell_service(unit)
        self.tell_state(unit)

    def exits(self, unit: str, **values: Variant) -> None:
        """Have its process exit with 3, and tell nobody."""
        self.services[unit] |= {**EXITED, **values}
        self.states[unit] = "exited"

    def tell(self, unit: str, what: str) -> None:
        """Have something happen to a unit, and tell that alone."""
        match what:
            case "job":
                self.tell_job(unit)
            case "running":
                self.states[unit] = "running"
                self.tell_state(unit)
            case "process":
                self.tell_service(unit)
            case "exited":
                self.exits(unit)
                self.tell_state(unit)
            case "exit code":
                self.exits(unit)
                self.tell_service(unit)

    def tell_job(self, unit: str, result: str = "done") -> None:
        self._signal(ROOT, MANAGER, "JobRemoved", "uoss", [1, f"{ROOT}/job/1", unit, result])

    def tell_service(self, unit: str) -> None:
        told = {name: value for name, value in self.services[unit].items() if name.startswith("ExecMain")}
        self._signal(self._path(unit), PROPERTIES, "PropertiesChanged", "sa{sv}as", [SERVICE, told, []])

    def tell_state(self, unit: str) -> None:
        state = {"SubState": Variant("s", self.states[unit])}
        self._signal(self._path(unit), PROPERTIES, "PropertiesChanged", "sa{sv}as", [UNIT, state, []])

    def tell_reloading(self, *, active: bool) -> None:
        self._signal(ROOT, MANAGER, "Reloading", "b", [active])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        assert self._bus is not None
        self._bus.send(Message.new_signal(path, interface, member, signature, body))

    # -- what it is asked -------------------------------------------------------------------------------------------

    def _handle(self, call: Message) -> Message | bool | None:
        if call.message_type is not MessageType.METHOD_CALL or call.destination in {"org.freedesktop.DBus", None}:
            return None
        self.calls.append(str(call.member))
        if waiting := self.answers.get(str(call.member)):
            return waiting.pop(0)(call) or True
        return self.answer(call)

    def answer(self, call: Message) -> Message:
        """Answer as systemd does."""
        unit = self._unit_at(call.path or "")
        signature: str = ""
        body: list[Any] = []
        match call.member, call.body:
            case "StartTransientUnit", [str(name), *_] if name in self.states:
                return Message.new_error(call, f"{NAME}.UnitExists", f"Unit {name} was already loaded")
            case "StartTransientUnit", [str(name), _, pairs, _]:
                self.load(name, pairs)
                asyncio.get_running_loop().call_soon(self.started, name)  # after the answer
                signature, body = "o", [f"{ROOT}/job/1"]
            case "GetAll", [str(interface)] if interface == SERVICE:
                signature, body = "a{sv}", [self.services.get(unit, {})]
            case "Get", [_, "SubState"]:
                signature, body = "v", [Variant("s", self.states.get(unit, "dead"))]
            case "Get", [_, "SystemState"]:
                signature, body = "v", [Variant("s", "running")]
            case "ListUnitsByPatterns", [_, [str(pattern)]]:
                rows = [self._row(unit) for unit in self.states.items() if fnmatchcase(unit[0], pattern)]
                signature, body = "a(ssssssouso)", [rows]
        return Message.new_method_return(call, signature, body)

    def _row(self, unit: tuple[str, str]) -> list[object]:
        return [unit[0], "", "loaded", "active", unit[1], "", "/", 0, "", "/"]

    def load(self, unit: str, properties: list[list[Any]]) -> None:
        """Have a unit, whose launcher has executed its program."""
        given = {str(name): value.value for name, value in properties}
        fields = [bytes(field).decode() for field in given["LogExtraFields"]]
        run_id = next(field.partition("=")[2] for field in fields if field.startswith("ROCKETD_RUN_ID="))
        Path(given["StandardErrorFileToAppend"]).write_bytes(LAUNCHED)
        self.states[unit], self.services[unit] = "start", service(run_id)

    def _path(self, unit: str) -> str:
        from rocketd.executor.unit.unit_name import object_path  # noqa: PLC0415 - only what is under test escapes

        return object_path(unit)

    def _unit_at(self, path: str) -> str:
        return next((unit for unit in self.states if self._path(unit) == path), "")
