"""The prober of a host: `Prober` of `daemon/ports.py`, with one observer for each kind of probe.

    prober = HostProber(report, now)
    prober.add(PathExists, PathObserver(…))

An observer starts and stops observing probes on request, and reports as often as it likes. An exception is a problem of
that probe alone. Reports of one probe are passed on every `MIN_INTERVAL` at most, the latest one: a flood of changes
wakes the scheduler ten times per second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from rocketd.core.conditions.probe import Probe, observed
from rocketd.core.instant import Instant
from rocketd.core.model.events import Observed
from rocketd.core.prober import Prober

MIN_INTERVAL: Final = 0.1
"""Seconds between two reports of one probe."""

P = TypeVar("P", bound=Probe)
P_contra = TypeVar("P_contra", bound=Probe, contravariant=True)

ReportValue: TypeAlias = Callable[[bool | None, str], None]
"""Called on the loop's thread with whether the probe holds, or with None and the problem."""


class Observer(Protocol[P_contra]):
    """Observes the probes of one kind. All methods are called on the loop's thread, and return at once."""

    def start(self, probe: P_contra, report: ReportValue) -> None:
        """Report the probe's value soon, and then at its interval or whenever it changes."""
        ...

    def stop(self, probe: P_contra) -> None:
        """Stop observing the probe."""
        ...

    async def close(self) -> None:
        """Release all resources."""
        ...


class HostProber:
    """Passes each probe to the observer of its kind, and reports the values."""

    def __init__(
        self, report: Callable[[Observed], None], now: Callable[[], Instant], fallback: Prober | None = None
    ) -> None:
        """`fallback` gets the probes of kinds that have no observer here."""
        self._report = report
        self._now = now
        self._fallback = fallback
        self._observers: dict[type[Probe], Observer[Any]] = {}
        self._observations: dict[Probe, _Observation] = {}

    def add(self, kind: type[P], observer: Observer[P]) -> None:
        """Have `observer` observe the probes of this kind."""
        self._observers[kind] = observer

    def set_probes(self, probes: frozenset[Probe]) -> None:
        """Observe these and no others."""
        for probe in self._observations.keys() - probes:
            self._observations.pop(probe).close()
            self._observers[type(probe)].stop(probe)
        known = {probe for probe in probes if type(probe) in self._observers}
        for probe in known - self._observations.keys():
            self._start(probe)
        if self._fallback is not None:
            self._fallback.set_probes(probes - known)

    async def close(self) -> None:
        """Stop observing."""
        for observation in self._observations.values():
            observation.close()
        for observer in set(self._observers.values()):
            await observer.close()
        if self._fallback is not None:
            await self._fallback.close()

    def _start(self, probe: Probe) -> None:
        observer = self._observers[type(probe)]
        observation = self._observations[probe] = _Observation(probe, self._report_value)
        try:
            observer.start(probe, observation.report)
        except Exception as error:  # noqa: BLE001 - any exception is a problem of this probe
            observation.report(None, f"{type(error).__name__}: {error}")

    def _report_value(self, probe: Probe, value: bool | None, problem: str) -> None:  # noqa: FBT001 - a value
        self._report(observed(probe, value, self._now(), problem))


class _Observation:
    """The reports of one probe, passed on every MIN_INTERVAL at most."""

    def __init__(self, probe: Probe, report_value: Callable[[Probe, bool | None, str], None]) -> None:
        self._probe = probe
        self._report_value = report_value
        self._loop = asyncio.get_running_loop()
        self._reported_at = -MIN_INTERVAL
        self._latest: tuple[bool | None, str] = (None, "")
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def report(self, value: bool | None, problem: str = "") -> None:  # noqa: FBT001 - a value
        self._latest = (value, problem)
        if self._closed or self._timer is not None:
            return
        at = self._reported_at + MIN_INTERVAL
        if at > self._loop.time():
            self._timer = self._loop.call_at(at, self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        self._timer = None
        self._reported_at = self._loop.time()
        self._report_value(self._probe, *self._latest)

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
