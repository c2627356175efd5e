"""Observes whether systemd units are active, by the signals that systemd sends on the system bus.

Each unit is queried once; from then on systemd reports every change (org.freedesktop.systemd1(5)). All units are
queried again after a reload of systemd, which may change what a name stands for, and after a restart of it. Without a
bus, all units are unknown, and the connection is tried again every `RETRY` while there are units to observe; so is a
unit that systemd has not answered for.

dbus-fast is imported with the first unit: a daemon without such conditions does not need it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from rocketd.probes.prober import ReportValue
from rocketd.probes.systemd_bus import BusRequestFailed, SystemdBus

if TYPE_CHECKING:
    from rocketd.core.conditions.host_conditions import UnitActive

RETRY: Final = 30.0
"""Seconds until a missing bus, or a unit without an answer, is tried again."""
TIMEOUT: Final = 10.0
"""Seconds for each answer of the bus and of systemd."""

_ACTIVE: Final = frozenset({"active", "reloading", "refreshing"})
"""The states that `systemctl is-active` calls active."""


class UnitObserver:
    """Observes whether units are active."""

    def __init__(self, address: str | None = None, retry: float = RETRY) -> None:
        """`address` is the bus; None: the system's."""
        self._address = address
        self._retry = retry
        self._reports: dict[str, ReportValue] = {}
        self._connection_task: asyncio.Task[None] | None = None
        self._session: SystemdBus | None = None
        self._queries: set[asyncio.Task[None]] = set()
        self._retries: dict[str, asyncio.TimerHandle] = {}

    def start(self, probe: UnitActive, report: ReportValue) -> None:
        """Report now, and whenever it changes."""
        self._reports[probe.unit] = report
        if self._session is not None:
            self._query(self._session, [probe.unit])
        elif self._connection_task is None:
            self._connection_task = asyncio.get_running_loop().create_task(self._run())

    def stop(self, probe: UnitActive) -> None:
        """Stop observing the unit; after the last one, disconnect from the bus."""
        del self._reports[probe.unit]
        self._cancel_retry(probe.unit)
        if self._session is not None:
            self._session.forget(probe.unit)
        if not self._reports and self._connection_task is not None:
            self._connection_task.cancel()
            self._connection_task = self._session = None

    async def close(self) -> None:
        """Disconnect from the bus."""
        for unit in tuple(self._retries):
            self._cancel_retry(unit)
        tasks = [*self._queries, *([] if self._connection_task is None else [self._connection_task])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._connect_and_watch()
            except (OSError, BusRequestFailed, ImportError, TimeoutError) as error:
                problem = str(error) or "the system bus does not answer"
            except Exception as error:  # noqa: BLE001 - other exceptions of the library are problems of these units
                problem = f"{type(error).__name__}: {error}"
            else:
                problem = "the connection to the system bus was closed"
            for report in self._reports.values():
                report(None, problem)
            await asyncio.sleep(self._retry)

    async def _connect_and_watch(self) -> None:
        """Stay connected to the bus until it is closed."""
        session = SystemdBus(self._on_state, self._on_reset)
        try:
            async with asyncio.timeout(TIMEOUT):
                await session.connect(self._address)
                await session.subscribe()
            self._session = session
            self._query(session, list(self._reports))
            await session.wait_closed()
        finally:
            if self._session is session:
                self._session = None
            session.close()

    def _query(self, session: SystemdBus, units: list[str], *, subscribe: bool = False) -> None:
        task = asyncio.get_running_loop().create_task(self._query_each(session, units, subscribe=subscribe))
        self._queries.add(task)
        task.add_done_callback(self._queries.discard)

    async def _query_each(self, session: SystemdBus, units: list[str], *, subscribe: bool) -> None:
        for unit in units:
            value: bool | None
            try:
                async with asyncio.timeout(TIMEOUT):
                    if subscribe:
                        await session.subscribe()
                    value, problem = await session.state(unit) in _ACTIVE, ""
            except TimeoutError:
                value, problem = None, "systemd does not answer"
            except Exception as error:  # noqa: BLE001 - any exception of the library is a problem of this unit
                value, problem = None, str(error) or type(error).__name__
            if self._session is session and unit in self._reports:
                self._reports[unit](value, problem)
                self._cancel_retry(unit)
                if value is None:
                    retry = partial(self._query, session, [unit], subscribe=subscribe)
                    self._retries[unit] = asyncio.get_running_loop().call_later(self._retry, retry)

    def _cancel_retry(self, unit: str) -> None:
        retry = self._retries.pop(unit, None)
        if retry is not None:
            retry.cancel()

    def _on_state(self, unit: str, state: str) -> None:
        if unit in self._reports:
            self._reports[unit](state in _ACTIVE, "")

    def _on_reset(self) -> None:
        """Query all units again; systemd may have lost the subscription."""
        if self._session is not None:
            self._session.forget_all()
            self._query(self._session, list(self._reports), subscribe=True)
