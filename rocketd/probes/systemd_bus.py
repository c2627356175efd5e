"""A connection to the system bus, on which systemd reports the states of units: org.freedesktop.systemd1(5)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from rocketd.system_bus import BUS, OWNER_RULE, SYSTEMD, SystemdFilter, connect_to_bus

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

_MANAGER: Final = "/org/freedesktop/systemd1"
_MANAGER_INTERFACE: Final = f"{SYSTEMD}.Manager"
_UNIT_INTERFACE: Final = f"{SYSTEMD}.Unit"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_BUS_PATH: Final = "/org/freedesktop/DBus"
_RULES: Final = (
    f"type='signal',sender='{SYSTEMD}',interface='{_MANAGER_INTERFACE}',member='Reloading'",
    OWNER_RULE,
)


class BusRequestFailed(Exception):
    """The bus or systemd has answered a request with an error."""


class SystemdBus:
    """One connection, used until it is closed."""

    def __init__(self, on_state: Callable[[str, str], None], on_reset: Callable[[], None]) -> None:
        """`on_state` is called with a unit and its new state, `on_reset` when all units must be queried again."""
        self._on_state = on_state
        self._on_reset = on_reset
        self._bus: MessageBus | None = None
        self._units: dict[str, set[str]] = {}  # by path; one without units stays matched, as it may be needed again
        self._paths: dict[str, str] = {}
        self._signals = SystemdFilter(self._signal, on_reset)

    async def connect(self, address: str | None) -> None:
        """Connect to the bus; raises OSError, BusRequestFailed, ImportError, and the library's exceptions."""
        self._bus = await connect_to_bus(address)
        self._bus.add_message_handler(self._signals)
        for rule in _RULES:
            await self._match(rule)
        with suppress(BusRequestFailed):  # it is not there yet
            (owner,) = await self._call(BUS, _BUS_PATH, BUS, "GetNameOwner", SYSTEMD)
            self._signals.begin(owner)

    async def wait_closed(self) -> None:
        """Wait until the connection is closed; raises the cause."""
        assert self._bus is not None  # noqa: S101 - else it is a bug
        await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call] # the library's

    def close(self) -> None:
        """Disconnect."""
        if self._bus is not None and self._bus.connected:
            self._bus.disconnect()

    async def state(self, unit: str) -> str:
        """Return the unit's state; every change is reported from now on. Raises BusRequestFailed."""
        path = self._paths.get(unit)
        if path is None:
            path = str((await self._call(SYSTEMD, _MANAGER, _MANAGER_INTERFACE, "LoadUnit", unit))[0])
            if path not in self._units:
                await self._match(_rule(path))
            self._paths[unit] = path
            self._units.setdefault(path, set()).add(unit)
        answer = await self._call(SYSTEMD, path, _PROPERTIES, "Get", _UNIT_INTERFACE, "ActiveState")
        return str(answer[0].value)

    def forget(self, unit: str) -> None:
        """Stop reporting this unit."""
        path = self._paths.pop(unit, None)
        if path is not None:
            self._units[path].discard(unit)

    def forget_all(self) -> None:
        """Stop reporting all units: their names may stand for other paths now."""
        self._paths.clear()
        for units in self._units.values():
            units.clear()

    async def subscribe(self) -> None:
        """Have systemd send signals; its error for a second subscription is ignored."""
        try:
            await self._call(SYSTEMD, _MANAGER, _MANAGER_INTERFACE, "Subscribe")
        except BusRequestFailed as error:
            if "AlreadySubscribed" not in str(error):
                raise

    async def _match(self, rule: str) -> None:
        await self._call(BUS, _BUS_PATH, BUS, "AddMatch", rule)

    async def _call(self, destination: str, path: str, interface: str, member: str, *texts: str) -> list[Any]:
        """Call a method with string arguments; raises BusRequestFailed, EOFError, OSError."""
        from dbus_fast import Message, MessageType  # noqa: PLC0415 - as above

        assert self._bus is not None  # noqa: S101 - else it is a bug
        message = Message(destination, path, interface, member, signature="s" * len(texts), body=list(texts))
        reply = await self._bus.call(message)
        if reply.message_type is MessageType.ERROR:
            raise BusRequestFailed(f"{reply.error_name}: {' '.join(map(str, reply.body))}")
        return reply.body

    def _signal(self, message: Message) -> None:
        match message.member, message.body:
            case "PropertiesChanged", [str(interface), changed, _] if interface == _UNIT_INTERFACE:
                if "ActiveState" in changed:
                    for unit in tuple(self._units.get(str(message.path), ())):
                        self._on_state(unit, str(changed["ActiveState"].value))
            case "Reloading", [False]:
                self._on_reset()


def _rule(path: str) -> str:
    return (
        f"type='signal',sender='{SYSTEMD}',interface='{_PROPERTIES}',member='PropertiesChanged',"
        f"path='{path}',arg0='{_UNIT_INTERFACE}'"
    )
