"""The list of tasks a page at a time: searched, filtered and put in order without making the rows of all of them.

What a task is (running, failed, paused) is looked up again only when something has happened to it. So a page of ten
thousand tasks costs little more than its own rows.
"""

import asyncio
import json
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from rocketd.core.instant import FOREVER, Instant
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.model.task_patterns import TaskPattern, is_pattern
from rocketd.core.notifications.deadlines import overdue_at
from rocketd.core.notifications.occasions import failed_last
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.json_format import EncodedItems, Json, JsonObject
from rocketd.daemon.lookup import find_disabled
from rocketd.daemon.loop import Loop
from rocketd.daemon.serializers import disabled_object, task_object
from rocketd.daemon.task_cache import TaskCache, shown_state
from rocketd.daemon.task_file_source import TaskFileSource
from rocketd.daemon.task_index import Place, TaskIndex
from rocketd.daemon.usual_runtimes import KnownRuntimes

STATES: Final = ("running", "failed", "late", "missed", "paused", "disabled", "enabled")
"""What a list can be limited to. Late: no success for longer than its `max_age`."""
ORDERS: Final = ("name", "next", "last")
PAGE_TASKS: Final = 100
MAX_TASKS: Final = 1_000
UPDATED_PER_TURN: Final = 512
"""Tasks that are looked up between two turns of the loop; about 4 ms."""
ROWS_PER_TURN: Final = 128
"""Rows that are made between two turns of the loop; about 3 ms."""


class TaskQuery(NamedTuple):
    """Which tasks are wanted."""

    match: str = ""
    """A part of the name, the description, the condition, the file or a tag; or a pattern of names as in a shell."""
    state: str = ""
    tag: str = ""
    order: str = "name"
    limit: int = PAGE_TASKS
    after: Place | None = None
    fields: frozenset[str] = frozenset()
    """The keys that are wanted, beside the name; empty: all."""
    only: Collection[str] | None = None
    """The tasks that may be shown; None: all."""


class TaskList:
    """Knows which tasks are in which state. On the loop's thread."""

    def __init__(self, loop: Loop, task_files: TaskFileSource, runtimes: KnownRuntimes) -> None:
        self._loop = loop
        self._task_files = task_files
        self._runtimes = runtimes
        self._reloads = -1
        self._changed: set[str] = set()
        """Tasks to look at again."""
        self._in_state: dict[str, set[str]] = {state: set() for state in STATES}
        self._due_dates: dict[str, Instant] = {}
        """When tasks that have a `max_age` are late."""
        self._texts: dict[str, str] = {}
        self._tagged: dict[str, set[str]] = {}
        self._orders = {order: TaskIndex() for order in ORDERS}
        self._encoded = TaskCache[str](loop.clock.monotonic)
        """The rows as JSON."""
        loop.heartbeat_hooks.append(self._encoded.drop_unused)

    def note(self, names: AbstractSet[str]) -> None:
        """Look at these tasks again before the next page: something has happened to them."""
        self._changed |= names

    def row(self, name: str) -> JsonObject | None:
        """Return a task as an entry of the list; None: it is not there any more."""
        entry = self._loop.scheduler.tasks.get(name)
        if entry is not None:
            return task_object(entry, self._loop.scheduler.history.of(name), self._runtimes.usual(name))
        disabled = find_disabled(self._task_files.disabled, name)
        return disabled_object(disabled) if disabled else None

    async def all_rows(self) -> EncodedItems:
        """Return all tasks, the disabled ones last; the loop has its turns in between."""
        self._encoded.begin_use(self._loop.scheduler.tasks)
        rows: list[str] = []
        for index, name in enumerate(tuple(self._loop.scheduler.tasks)):
            if index % ROWS_PER_TURN == ROWS_PER_TURN - 1:
                await asyncio.sleep(0)
            if entry := self._loop.scheduler.tasks.get(name):  # a reload may have taken it away meanwhile
                rows.append(self._encoded_row(name, entry))
        return EncodedItems([*rows, *(json.dumps(disabled_object(one)) for one in self._task_files.disabled)])

    def _encoded_row(self, name: str, entry: ScheduledTask) -> str:
        history, usual = self._loop.scheduler.history.of(name), self._runtimes.usual(name)
        state = shown_state(entry, history)
        return self._encoded.get(name, state, usual) or self._encoded.put(
            name, state, usual, json.dumps(task_object(entry, history, usual))
        )

    async def page(self, query: TaskQuery) -> JsonObject:
        """Return a page: its tasks, where the next one begins, how many there are in all, and in each state."""
        await self._update()
        found = self._found(query)
        counts: dict[str, Json] = {state: self._count(state, found) for state in STATES}
        wanted = self._of_state(query.state, found) if query.state else found
        order = self._orders[query.order]
        names = order.after(query.after, wanted, query.limit + 1)
        last = names[query.limit - 1] if len(names) > query.limit else None
        # What is counted and where the page ends is known before other requests, or a reload, have their turn.
        answer: JsonObject = {
            "next": None if last is None else f"{order.number(last)}/{last}",
            "total": len(wanted),
            "counts": counts,
        }
        await self._runtimes.read(names[: query.limit])
        shown: list[JsonObject] = []
        for index, name in enumerate(names[: query.limit]):
            if index % ROWS_PER_TURN == ROWS_PER_TURN - 1:
                await asyncio.sleep(0)
            if made := self.row(name):
                shown.append(made)
        if query.fields:
            kept = query.fields | {"task"}
            shown = [{key: value for key, value in row.items() if key in kept} for row in shown]
        return {"tasks": [*shown], **answer}

    async def counts(self) -> JsonObject:
        """Return how many of all tasks are in each state."""
        await self._update()
        return {state: self._count(state, self._texts.keys()) for state in STATES}

    # -- what is known ----------------------------------------------------------------------------------------------

    async def _update(self) -> None:
        if self._loop.events.reloads != self._reloads:
            self._reloads = self._loop.events.reloads
            self._reset()
        while self._changed:
            for _ in range(min(UPDATED_PER_TURN, len(self._changed))):
                self._look_at(self._changed.pop())
            if self._changed:
                await asyncio.sleep(0)

    def _reset(self) -> None:
        """Begin anew: other tasks are loaded."""
        for names in self._in_state.values():
            names.clear()
        self._due_dates.clear()
        self._texts.clear()
        self._tagged.clear()
        for order in self._orders.values():
            order.clear()
        self._changed = set(self._loop.scheduler.tasks)
        for one in self._task_files.disabled:
            self._in_state["disabled"].add(one.task.name)
            self._note_words(one.task)
            self._note_places(one.task.name)

    def _look_at(self, name: str) -> None:
        entry = self._loop.scheduler.tasks.get(name)
        if entry is None:
            return
        history = self._loop.scheduler.history.of(name)
        newest = max(history.last_events.items(), key=lambda item: item[1].position, default=(None, None))[0]
        states = {
            "running": bool(history.spawned_at),
            "failed": failed_last(history),
            "missed": newest is Action.MISSED,
            "paused": entry.paused is not None,
            "enabled": entry.paused is None,
        }
        for state, holds in states.items():
            (self._in_state[state].add if holds else self._in_state[state].discard)(name)
        if (late := overdue_at(entry.task, history)) is not None:
            self._due_dates[name] = late
        self._note_places(name)
        if name not in self._texts:
            self._note_words(entry.task)

    def _note_words(self, task: Task) -> None:
        self._texts[task.name] = "\n".join((task.name, task.description, str(task.when), task.file, *task.tags)).lower()
        for tag in task.tags:
            self._tagged.setdefault(tag, set()).add(task.name)

    def _note_places(self, name: str) -> None:
        for order, places in self._orders.items():
            places.put(name, self._key(name, order))

    def _key(self, name: str, order: str) -> int:
        """Return by what a task is sorted before its name."""
        if order == "name":
            return 0
        entry = self._loop.scheduler.tasks.get(name)
        if entry is None:
            return FOREVER
        if order == "next":
            return FOREVER - 1 if entry.next_start is None else entry.next_start
        last = self._loop.scheduler.history.of(name).last_events.get(Action.RUN)
        return FOREVER - 1 if last is None else -last.run.start

    # -- what is wanted ---------------------------------------------------------------------------------------------

    def _found(self, query: TaskQuery) -> AbstractSet[str]:
        names: AbstractSet[str] = self._texts.keys()
        if query.only is not None:
            names = names & set(query.only)
        if query.tag:
            names = names & self._tagged.get(query.tag, set())
        if query.match and is_pattern(query.match):
            matches = TaskPattern.of(query.match).matches
            names = {name for name in names if matches(name)}
        elif query.match:
            part = query.match.lower()
            names = {name for name in names if part in self._texts[name]}
        return names

    def _of_state(self, state: str, found: AbstractSet[str]) -> AbstractSet[str]:
        if state == "late":
            now = self._loop.clock.now()
            return {name for name, at in self._due_dates.items() if at <= now and name in found}
        return self._in_state[state] if len(found) == len(self._texts) else self._in_state[state] & found

    def _count(self, state: str, found: AbstractSet[str]) -> int:
        if state != "late" and len(found) == len(self._texts):
            return len(self._in_state[state])
        return len(self._of_state(state, found))
