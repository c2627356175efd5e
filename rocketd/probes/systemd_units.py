"""Whether a unit of systemd is active, by the signals that systemd sends on the system bus.

Each unit is asked about once; from then on systemd tells of every change (org.freedesktop.systemd1(5)). It is asked
again after a reload of its own, which may have changed what a name means, and when it has begun anew. Where there is
no bus, or it has gone, its units are unknown, and it is tried again every `RETRY`, as long as one is wanted; so is a
unit of which systemd did not tell.

dbus-fast is imported with the first unit: a daemon without such conditions does without it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from rocketd.probes.prober import Tell
from rocketd.probes.systemd_bus import NotAnswered, SystemdBus

if TYPE_CHECKING:
    from rocketd.core.conditions.host_conditions import UnitActive

RETRY: Final = 30.0
"""Seconds until a bus that was not there, or a unit that was not told of, is tried again."""
PATIENCE: Final = 10.0
"""Seconds that the bus and systemd may take to answer."""

_ACTIVE: Final = frozenset({"active", "reloading", "refreshing"})
"""What `systemctl is-active` calls active."""


class UnitObserver:
    """Observes whether units are active."""

    def __init__(self, address: str | None = None, retry: float = RETRY) -> None:
        """`address` is the bus; None: the system's."""
        self._address = address
        self._retry = retry
        self._tells: dict[str, Tell] = {}
        self._serving: asyncio.Task[None] | None = None
        self._session: SystemdBus | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._later: dict[str, asyncio.TimerHandle] = {}

    def begin(self, probe: UnitActive, tell: Tell) -> None:
        """Tell now, and whenever it changes."""
        self._tells[probe.unit] = tell
        if self._session is not None:
            self._ask(self._session, [probe.unit])
        elif self._serving is None:
            self._serving = asyncio.get_running_loop().create_task(self._serve())

    def end(self, probe: UnitActive) -> None:
        """Tell no more; without any unit left, the bus is left."""
        del self._tells[probe.unit]
        self._ask_no_more(probe.unit)
        if self._session is not None:
            self._session.forget(probe.unit)
        if not self._tells and self._serving is not None:
            self._serving.cancel()
            self._serving = self._session = None

    async def close(self) -> None:
        """Leave the bus."""
        for unit in tuple(self._later):
            self._ask_no_more(unit)
        leaving = [*self._asking, *([] if self._serving is None else [self._serving])]
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            try:
                await self._follow()
            except (OSError, NotAnswered, ImportError, TimeoutError) as error:
                problem = str(error) or "the system bus does not answer"
            except Exception as error:  # noqa: BLE001 - what else the library raises is a problem of these units alone
                problem = f"{type(error).__name__}: {error}"
            else:
                problem = "the system bus has gone"
            for tell in self._tells.values():
                tell(None, problem)
            await asyncio.sleep(self._retry)

    async def _follow(self) -> None:
        """Be on the bus until it goes."""
        session = SystemdBus(self._heard, self._again)
        try:
            async with asyncio.timeout(PATIENCE):
                await session.connect(self._address)
                await session.subscribe()
            self._session = session
            self._ask(session, list(self._tells))
            await session.gone()
        finally:
            if self._session is session:
                self._session = None
            session.close()

    def _ask(self, session: SystemdBus, units: list[str], *, subscribe: bool = False) -> None:
        task = asyncio.get_running_loop().create_task(self._ask_each(session, units, subscribe=subscribe))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask_each(self, session: SystemdBus, units: list[str], *, subscribe: bool) -> None:
        for unit in units:
            value: bool | None
            try:
                async with asyncio.timeout(PATIENCE):
                    if subscribe:
                        await session.subscribe()
                    value, problem = await session.state(unit) in _ACTIVE, ""
            except TimeoutError:
                value, problem = None, "systemd does not answer"
            except Exception as error:  # noqa: BLE001 - what the library raises is a problem of this unit alone
                value, problem = None, str(error) or type(error).__name__
            if self._session is session and unit in self._tells:
                self._tells[unit](value, problem)
                self._ask_no_more(unit)
                if value is None:
                    later = partial(self._ask, session, [unit], subscribe=subscribe)
                    self._later[unit] = asyncio.get_running_loop().call_later(self._retry, later)

    def _ask_no_more(self, unit: str) -> None:
        later = self._later.pop(unit, None)
        if later is not None:
            later.cancel()

    def _heard(self, unit: str, state: str) -> None:
        if unit in self._tells:
            self._tells[unit](state in _ACTIVE, "")

    def _again(self) -> None:
        """Ask about every unit anew, of a systemd that may have forgotten who subscribed."""
        if self._session is not None:
            self._session.forget_all()
            self._ask(self._session, list(self._tells), subscribe=True)
