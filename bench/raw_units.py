"""Inside a machine: start programs as transient units of systemd with nothing around the calls, and at given times.

raw_units.py burst COUNT INSTANT PROGRAM…    all at that second, 64 calls under way at once
raw_units.py each COUNT INSTANT PROGRAM…     one at each second from then on
"""

import asyncio
import sys
import time
from collections.abc import Sequence

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

AT_ONCE = 64
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")


async def main(how: str, count: int, due: float, program: Sequence[str]) -> None:
    """Start them; returns when systemd has answered each call."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    room = asyncio.Semaphore(AT_ONCE)

    async def start(number: int) -> None:
        properties = [["Type", Variant("s", "exec")], ["ExecStart", Variant("a(sasb)", [[program[0], program, False]])]]
        name = f"raw-{int(due)}-{number}.service"
        call = Message(
            *SYSTEMD, "StartTransientUnit", signature="ssa(sv)a(sa(sv))", body=[name, "fail", properties, []]
        )
        async with room:
            reply = await bus.call(call)
        if reply.message_type is not MessageType.METHOD_RETURN:
            raise RuntimeError(reply.body)

    if how == "burst":
        await asyncio.sleep(due - time.time())
        await asyncio.gather(*map(start, range(count)))
    else:
        for number in range(count):
            await asyncio.sleep(due + number - time.time())
            await start(number)
    bus.disconnect()


if __name__ == "__main__":
    how, count, due, *program = sys.argv[1:]
    asyncio.run(main(how, int(count), float(due), program))
