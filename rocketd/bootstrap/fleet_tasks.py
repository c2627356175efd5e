"""Shows the tasks of this host to the fleet: each when it has changed, some at a time."""

import json
from collections.abc import Iterable
from itertools import chain, islice
from typing import Final

from rocketd.core.escaping import storable
from rocketd.core.model.task import Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.json_format import Json
from rocketd.daemon.serializers import task_object
from rocketd.fleet.membership import SharedTask
from rocketd.fleet.task_digest import task_digest

PER_TURN: Final = 500
"""Tasks that are looked at in one turn of the loop; about 10 ms."""
_LEFT_OUT: Final = frozenset({"task", "file", "disabled", "elsewhere"})


class TaskSender:
    """Keeps what the others have been shown, so that only changes are sent. On the loop's thread."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._shown: dict[str, str] = {}
        self._digests: dict[str, tuple[Task, str]] = {}
        self._changed: dict[str, None] = {}
        self._others: dict[str, None] = {}
        """Those that nothing is known to have happened to; they come last."""

    def changed(self, name: str) -> None:
        """Look at a task again."""
        self._changed[name] = None

    def look_again(self) -> None:
        """Look at all tasks again: time alone changes when one is due next."""
        self._others.update(dict.fromkeys(self._scheduler.tasks))

    def show_all(self) -> list[str]:
        """Show all tasks anew, and return their names."""
        self._shown.clear()
        self._digests.clear()
        self.look_again()
        return [*self._scheduler.tasks]

    def take(self) -> list[SharedTask]:
        """Return the next tasks that have changed."""
        names = list(dict.fromkeys(islice(chain(self._changed, self._others), PER_TURN)))
        for name in names:
            self._changed.pop(name, None)
            self._others.pop(name, None)
        return [*self._those_that_differ(names)]

    def _those_that_differ(self, names: Iterable[str]) -> Iterable[SharedTask]:
        for name in names:
            entry = self._scheduler.tasks.get(name)
            if entry is None:
                self._shown.pop(name, None)
                self._digests.pop(name, None)
                continue
            whole = task_object(entry, self._scheduler.history.of(name))
            shown = json.dumps({key: _storable(value) for key, value in whole.items() if key not in _LEFT_OUT})
            digest = self._digest(entry.task)
            if self._shown.get(name) != shown + digest:
                self._shown[name] = shown + digest
                yield SharedTask(name, digest, shown)

    def _digest(self, task: Task) -> str:
        known = self._digests.get(task.name)
        if known is None or known[0] is not task:
            known = self._digests[task.name] = (task, task_digest(task))
        return known[1]


def _storable(value: Json) -> Json:
    return storable(value).replace("\0", "") if isinstance(value, str) else value
