"""A connection to systemd over the system bus: it starts, stops and reads units (org.freedesktop.systemd1(5)).

One connection is used until it is gone. dbus-fast takes a full socket for a lost connection and closes it, so its
writer gets a socket that waits instead; and no more than `AT_ONCE` calls are under way, as the bus allows 128.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from rocketd.system_bus import BUS, OWNER_RULE, SYSTEMD, SystemdFilter, connect_to_bus

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

AT_ONCE: Final = 64
_ROOT: Final = "/org/freedesktop/systemd1"
_MANAGER: Final = f"{SYSTEMD}.Manager"
UNIT: Final = f"{SYSTEMD}.Unit"
SERVICE: Final = f"{SYSTEMD}.Service"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_BUS_PATH: Final = "/org/freedesktop/DBus"
_CHANGES: Final = f"type='signal',sender='{SYSTEMD}',interface='{_PROPERTIES}',member='PropertiesChanged'"
_RULES: Final = (
    f"type='signal',sender='{SYSTEMD}',interface='{_MANAGER}',member='JobRemoved',path='{_ROOT}'",
    f"{_CHANGES},path_namespace='{_ROOT}/unit',arg0='{UNIT}'",
    f"{_CHANGES},path_namespace='{_ROOT}/unit',arg0='{SERVICE}'",
    f"type='signal',sender='{SYSTEMD}',interface='{_MANAGER}',member='Reloading',path='{_ROOT}'",
    OWNER_RULE,
)
_SUBSCRIBED: Final = f"{SYSTEMD}.AlreadySubscribed"
_NO_ANSWER: Final = frozenset(
    f"org.freedesktop.DBus.Error.{name}" for name in ("NoReply", "Disconnected", "ServiceUnknown", "NameHasNoOwner")
)
"""Errors by which the bus says that systemd is not there: it executes itself anew, and what it did is not known."""
TIMEOUT: Final = 30.0
"""Seconds for an answer."""


class UnitRefused(Exception):
    """systemd, or the bus, refused what it was asked; `name` is that of the error."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text or name)
        self.name = name


class ConnectionLost(Exception):
    """The connection was lost: whether what was asked has been done is not known."""


class UnitManager:
    """One connection to systemd."""

    def __init__(
        self,
        changed: Callable[[str, str, Mapping[str, Any]], None],
        job_removed: Callable[[str, str], None],
        reset: Callable[[UnitManager], None],
    ) -> None:
        """`changed` takes a unit's path, an interface and properties; `job_removed` a unit and the job's result.

        `reset` is called when systemd has read its units anew, or executed itself anew: what changed meanwhile may have
        been told to nobody, and a call that was under way has failed.
        """
        self._changed = changed
        self._job_removed = job_removed
        self._reset = reset
        self._room = asyncio.Semaphore(AT_ONCE)
        self._bus: MessageBus | None = None
        self._gone: asyncio.Future[None] | None = None
        self._signals = SystemdFilter(self._signal, lambda: self._reset(self))

    async def connect(self, address: str | None = None) -> None:
        """Connect and follow all units; raises OSError, UnitRefused, ConnectionLost, and more."""
        async with asyncio.timeout(TIMEOUT):
            self._bus = bus = await connect_to_bus(address)
            writer: Any = bus._writer  # noqa: SLF001 - see above
            writer.sock = _WaitingSocket(writer.sock)
            bus.add_message_handler(self._signals)
            self._gone = asyncio.ensure_future(bus.wait_for_disconnect())  # type: ignore[no-untyped-call] # the library's
            for rule in _RULES:
                await self._call((BUS, _BUS_PATH, BUS), "AddMatch", "s", rule)
            (owner,) = await self._call((BUS, _BUS_PATH, BUS), "GetNameOwner", "s", SYSTEMD)
            self._signals.begin(owner)
            await self.subscribe()

    async def subscribe(self) -> None:
        """Have systemd send signals; raises UnitRefused, ConnectionLost."""
        try:
            await self._ask("Subscribe")
        except UnitRefused as refused:
            if refused.name != _SUBSCRIBED:
                raise

    async def gone(self) -> None:
        """Wait until the connection is lost."""
        assert self._gone is not None  # noqa: S101 - a defect of ours
        await asyncio.wait([self._gone])
        self._gone.exception()

    def close(self) -> None:
        """Leave the bus."""
        if self._bus is not None and self._bus.connected:
            self._bus.disconnect()

    async def start(self, unit: str, properties: Sequence[Sequence[object]]) -> None:
        """Start a transient unit; raises UnitRefused, also if there is one of that name, and ConnectionLost."""
        await self._ask("StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", list(properties), [])

    async def stop(self, unit: str) -> None:
        """Stop a unit: TERM, its grace, KILL. Raises UnitRefused, ConnectionLost."""
        await self._ask("StopUnit", "ss", unit, "replace")

    async def kill(self, unit: str, signal: int) -> None:
        """Send a signal to every process of a unit; raises UnitRefused, ConnectionLost."""
        await self._ask("KillUnit", "ssi", unit, "all", signal)

    async def hold(self, unit: str) -> None:
        """Have systemd keep a unit that stops, with all that it knows of it, until `collect`."""
        await self._ask("RefUnit", "s", unit)

    async def collect(self, unit: str) -> None:
        """Let go of a unit that has ended, and end what its program left behind; raises ConnectionLost."""
        for member, *arguments in (("StopUnit", unit, "replace"), ("ResetFailedUnit", unit), ("UnrefUnit", unit)):
            try:
                await self._ask(member, "s" * len(arguments), *arguments)
            except UnitRefused:  # each is right in some of the states in which a unit can be
                continue

    async def properties(self, path: str, interface: str) -> dict[str, Any]:
        """Return what systemd knows of a unit; of one that is gone, defaults. Raises UnitRefused, ConnectionLost."""
        (found,) = await self._call((SYSTEMD, path, _PROPERTIES), "GetAll", "s", interface)
        return {name: value.value for name, value in found.items()}

    async def units(self, pattern: str) -> Mapping[str, str]:
        """Return the names and sub-states of the loaded units that match; raises UnitRefused, ConnectionLost."""
        (rows,) = await self._ask("ListUnitsByPatterns", "asas", [], [pattern])
        return {row[0]: row[4] for row in rows}

    async def sub_state(self, path: str) -> str:
        """Return the sub-state of a unit; one that is gone is `dead`. Raises UnitRefused, ConnectionLost."""
        (state,) = await self._call((SYSTEMD, path, _PROPERTIES), "Get", "ss", UNIT, "SubState")
        return str(state.value)

    async def is_stopping(self) -> bool:
        """Whether the host goes down; raises UnitRefused, ConnectionLost."""
        call = (SYSTEMD, _ROOT, _PROPERTIES)
        (state,) = await self._call(call, "Get", "ss", _MANAGER, "SystemState")
        return bool(state.value == "stopping")

    async def _ask(self, member: str, signature: str = "", *body: object) -> list[Any]:
        return await self._call((SYSTEMD, _ROOT, _MANAGER), member, signature, *body)

    async def _call(self, to: tuple[str, str, str], member: str, signature: str, *body: object) -> list[Any]:
        from dbus_fast import Message, MessageType  # noqa: PLC0415 - as above

        async with self._room:
            if self._bus is None or self._gone is None or self._gone.done():
                await asyncio.sleep(0)  # whoever asks again at once must let the loss be noticed
                raise ConnectionLost
            calling: asyncio.Future[Any] = asyncio.ensure_future(
                self._bus.call(Message(*to, member, signature=signature, body=list(body)))
            )
            waiting: list[asyncio.Future[Any]] = [calling, self._gone]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=TIMEOUT)
            if calling not in done:
                calling.cancel()
                self.close()  # who does not answer is asked anew, on a new connection
                raise ConnectionLost
        if calling.exception() is not None:
            raise ConnectionLost from calling.exception()
        reply = calling.result()
        if reply.message_type is MessageType.ERROR and reply.error_name in _NO_ANSWER:
            self.close()  # another connection is made when it is there again
            raise ConnectionLost
        if reply.message_type is MessageType.ERROR:
            raise UnitRefused(reply.error_name or "", " ".join(map(str, reply.body)))
        return list(reply.body)

    def _signal(self, message: Message) -> None:
        match message.member, message.body:
            case "PropertiesChanged", [str(interface), changed, _]:
                self._changed(message.path or "", interface, {name: value.value for name, value in changed.items()})
            case "JobRemoved", [_, _, str(unit), str(result)]:
                self._job_removed(unit, result)
            case "Reloading", [False]:
                self._reset(self)


class _WaitingSocket:
    """A socket that takes nothing when it is full, rather than raise: the writer waits then until it has room."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, data: bytes) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)
