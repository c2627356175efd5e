"""The prober of a host: `Prober` of `daemon/ports.py`, made of one observer for each kind of probe.

    prober = HostProber(report, now)
    prober.add(PathExists, PathObserver(…))

An observer is told when to begin with a probe and when to end, and tells what it sees as often as it likes. What it
raises is a problem of that probe alone. One that tells more often than every `GAP` is heard every `GAP`, the newest
first: whoever floods it wakes the scheduler ten times a second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from rocketd.core.conditions.probe import Probe, observed
from rocketd.core.instant import Instant
from rocketd.core.model.events import Observed

GAP: Final = 0.1
"""Seconds between two reports of one probe."""

P = TypeVar("P", bound=Probe)
P_contra = TypeVar("P_contra", bound=Probe, contravariant=True)

Tell: TypeAlias = Callable[[bool | None, str], None]
"""Takes whether the probe holds, or None and why that could not be told; on the loop's thread."""


class Observer(Protocol[P_contra]):
    """Observes the probes of one kind. Everything is called on the loop's thread and returns at once."""

    def begin(self, probe: P_contra, tell: Tell) -> None:
        """From now on tell what the probe shows: at once, and as its interval says or whenever it changes."""
        ...

    def end(self, probe: P_contra) -> None:
        """Do so no longer."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Prober(Protocol):
    """`Prober` of `daemon/ports.py`."""

    def set_probes(self, probes: frozenset[Probe]) -> None: ...
    async def close(self) -> None: ...


class HostProber:
    """Hands each wanted probe to the observer of its kind, and reports what that tells."""

    def __init__(
        self, report: Callable[[Observed], None], now: Callable[[], Instant], other: Prober | None = None
    ) -> None:
        """`other` is handed the probes of kinds that nobody here knows."""
        self._report = report
        self._now = now
        self._other = other
        self._observers: dict[type[Probe], Observer[Any]] = {}
        self._sights: dict[Probe, _Observation] = {}

    def add(self, kind: type[P], observer: Observer[P]) -> None:
        """Have this one observe the probes of that kind."""
        self._observers[kind] = observer

    def set_probes(self, probes: frozenset[Probe]) -> None:
        """Observe these and no others."""
        for probe in self._sights.keys() - probes:
            self._sights.pop(probe).close()
            self._observers[type(probe)].end(probe)
        known = {probe for probe in probes if type(probe) in self._observers}
        for probe in known - self._sights.keys():
            self._begin(probe)
        if self._other is not None:
            self._other.set_probes(probes - known)

    async def close(self) -> None:
        """Observe nothing any longer."""
        for sight in self._sights.values():
            sight.close()
        for observer in set(self._observers.values()):
            await observer.close()
        if self._other is not None:
            await self._other.close()

    def _begin(self, probe: Probe) -> None:
        observer = self._observers[type(probe)]
        sight = self._sights[probe] = _Observation(probe, self._say)
        try:
            observer.begin(probe, sight.tell)
        except Exception as error:  # noqa: BLE001 - whatever it raises is a problem of this probe
            sight.tell(None, f"{type(error).__name__}: {error}")

    def _say(self, probe: Probe, value: bool | None, problem: str) -> None:  # noqa: FBT001 - a value
        self._report(observed(probe, value, self._now(), problem))


class _Observation:
    """What is told of one probe, and heard no more than every GAP."""

    def __init__(self, probe: Probe, say: Callable[[Probe, bool | None, str], None]) -> None:
        self._probe = probe
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._heard = -GAP
        self._newest: tuple[bool | None, str] = (None, "")
        self._later: asyncio.TimerHandle | None = None
        self._closed = False

    def tell(self, value: bool | None, problem: str = "") -> None:  # noqa: FBT001 - a value
        self._newest = (value, problem)
        if self._closed or self._later is not None:
            return
        at = self._heard + GAP
        if at > self._loop.time():
            self._later = self._loop.call_at(at, self._hear)
        else:
            self._hear()

    def _hear(self) -> None:
        self._later = None
        self._heard = self._loop.time()
        self._say(self._probe, *self._newest)

    def close(self) -> None:
        self._closed = True
        if self._later is not None:
            self._later.cancel()
