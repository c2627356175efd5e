"""Active runs of tasks that have another name since: what carries them out knows them by the old one."""

from dataclasses import replace
from typing import TypeVar

from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Run, RunKey

E = TypeVar("E", bound=Spawned | Finished | Withdrawn)


class RenamedRuns:
    """Translates between both names. On the loop's thread."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, str]] = {}
        """By run id: under which name the run was started, and which it has now."""

    def add(self, run: Run, name: str) -> None:
        """Note that the task of a run has this name from now on."""
        original, _ = self._names.get(run.run_id, (run.task, ""))
        self._names[run.run_id] = original, name

    def current(self, run: Run) -> Run:
        """Return a run under the name that its task has now."""
        names = self._names.get(run.run_id)
        return run if names is None else replace(run, task=names[1])

    def original(self, run: Run) -> Run:
        """Return a run as it was started."""
        names = self._names.get(run.run_id)
        return run if names is None else replace(run, task=names[0])

    def key(self, run: Run) -> RunKey:
        """Return the key of a run as it was started."""
        return self.original(run).key

    def event(self, event: E) -> E:
        """Return an event under the name that its task has now."""
        return replace(event, run=self.current(event.run)) if event.run.run_id in self._names else event

    def forget(self, run: Run) -> None:
        """Note that a run is over."""
        self._names.pop(run.run_id, None)
