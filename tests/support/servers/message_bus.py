"""A real message bus, dbus-daemon, for one test; and somebody on it who pretends to be systemd."""

import subprocess
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from rocketd.executor.unit.manager import _WaitingSocket


class Bus:
    """A message bus; it may end and begin again at the same address."""

    def __init__(self, directory: Path) -> None:
        self.address = f"unix:path={directory}/bus"
        self._socket = directory / "bus"

    def begin(self) -> None:
        self._socket.unlink(missing_ok=True)
        command = [
            "dbus-daemon",
            "--session",
            "--nofork",
            "--nopidfile",
            "--print-address",
            f"--address={self.address}",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


async def send_to_others(address: str, *signals: Message) -> None:
    """Send signals to each connection of a bus by its own name, as any user may; each has them before this returns."""
    forger = await MessageBus(bus_address=address, bus_type=BusType.SYSTEM).connect()
    writer: Any = forger._writer  # noqa: SLF001 - which else takes a full socket for a lost connection
    writer.sock = _WaitingSocket(writer.sock)
    bus = "org.freedesktop.DBus"

    async def call(member: str) -> Message:
        reply = await forger.call(Message(bus, "/org/freedesktop/DBus", bus, member))
        assert reply is not None
        return reply

    for name in (await call("ListNames")).body[0]:
        if name.startswith(":") and name != forger.unique_name:
            for one in signals:
                forger.send(
                    Message(
                        name,
                        one.path,
                        one.interface,
                        one.member,
                        MessageType.SIGNAL,
                        signature=one.signature,
                        body=one.body,
                    )
                )
    await call("GetId")  # the bus takes messages of a connection in order
    forger.disconnect()
