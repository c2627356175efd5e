"""Which tasks depend on which probes, and which probes must be observed now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocketd.core.conditions.probe import Probe


class ProbeSubscriptions:
    """Subscriptions by probe and by task, so that the cost of a change in one task depends on that task alone."""

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[str, None]] = {}
        self._tasks_of_probe: dict[str, set[str]] = {}
        self._probes_of_task: dict[str, frozenset[Probe]] = {}
        self._probes: dict[str, Probe] = {}
        self._changed: dict[str, Probe] = {}
        self.required: frozenset[Probe] = frozenset()
        """The probes that at least one task needed at the end of the last pass: the same object until that changes."""

    def end_pass(self) -> Iterable[str]:
        """End a pass, and return the probes that no task needs any longer."""
        changed, self._changed = self._changed, {}
        unneeded = [name for name, probe in changed.items() if name not in self._probes and probe in self.required]
        if unneeded or any(name in self._probes and probe not in self.required for name, probe in changed.items()):
            self.required = frozenset(self._probes.values())
        return unneeded

    def subscribe(self, task: str, probes: Iterable[Probe]) -> None:
        """Subscribe the task to the probes of its conditions."""
        for probe in probes:
            self._subscribers.setdefault(str(probe), {})[task] = None

    def is_required(self, probe: str) -> bool:
        """Whether at least one task needs the probe of that name."""
        return probe in self._probes

    def subscribers(self, probe: str) -> Iterable[str]:
        """Return the tasks that an observation of that probe concerns."""
        return tuple(self._subscribers.get(probe, ()))

    def set_required(self, task: str, probes: frozenset[Probe]) -> None:
        """Set which probes the task needs now."""
        before = self._probes_of_task.get(task, frozenset())
        for probe in probes - before:
            self._tasks_of_probe.setdefault(str(probe), set()).add(task)
            self._probes[str(probe)] = self._changed[str(probe)] = probe
        self._probes_of_task[task] = probes
        for probe in before - probes:
            name = str(probe)
            self._tasks_of_probe[name].discard(task)
            if not self._tasks_of_probe[name]:
                self._changed[name] = probe
                del self._tasks_of_probe[name], self._probes[name]

    def unsubscribe(self, task: str, probes: Iterable[Probe]) -> None:
        """Unsubscribe the task from the probes of its conditions."""
        for name in map(str, probes):
            self._subscribers[name].pop(task)
            if not self._subscribers[name]:
                del self._subscribers[name]
        self.set_required(task, frozenset())
        del self._probes_of_task[task]
