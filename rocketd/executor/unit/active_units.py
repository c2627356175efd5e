"""The runs that have a unit, or are about to have one, and have not ended."""

from collections.abc import Iterator

from rocketd.core.model.run import RunKey
from rocketd.executor.unit.unit_run import UnitRun


class ActiveUnits:
    """Finds a run by what is known of it."""

    def __init__(self) -> None:
        self._by_key: dict[RunKey, UnitRun] = {}
        self._by_path: dict[str, UnitRun] = {}
        self._by_unit: dict[str, UnitRun] = {}
        self._by_id: dict[str, UnitRun] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[UnitRun]:
        return iter(tuple(self._by_key.values()))

    def __contains__(self, key: RunKey) -> bool:
        return key in self._by_key

    def add(self, one: UnitRun) -> None:
        """Add a run."""
        self._by_key[one.run.key] = self._by_path[one.path] = self._by_unit[one.unit] = self._by_id[one.run.run_id] = (
            one
        )

    def remove(self, one: UnitRun) -> None:
        """Remove a run."""
        self._by_key.pop(one.run.key, None)
        self._by_path.pop(one.path, None)
        self._by_unit.pop(one.unit, None)
        self._by_id.pop(one.run.run_id, None)

    def remove_all(self) -> frozenset[RunKey]:
        """Remove every run, and return which they were."""
        keys = frozenset(self._by_key)
        for one in self:
            self.remove(one)
        return keys

    def get(self, key: RunKey) -> UnitRun | None:
        """Return a run; None: it is not active."""
        return self._by_key.get(key)

    def at_path(self, path: str) -> UnitRun | None:
        """Return the run whose unit is at that path of the bus."""
        return self._by_path.get(path)

    def of_unit(self, unit: str) -> UnitRun | None:
        """Return the run of the unit of that name."""
        return self._by_unit.get(unit)

    def of_run_id(self, run_id: str) -> UnitRun | None:
        """Return the run of that id."""
        return self._by_id.get(run_id)
