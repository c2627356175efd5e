"""What every task waits for, a page at a time; what was said of a task is kept until something changes it."""

import asyncio
import json
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from rocketd.background_threads import in_thread
from rocketd.core.history.history import History
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import NoSuchTask
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.json_format import EncodedItems, JsonObject
from rocketd.daemon.loop import Loop
from rocketd.daemon.serializers import why_object
from rocketd.daemon.task_cache import ShownState, TaskCache, explained_state, shown_state

EXPLAINED_PER_TURN: Final = 16
"""Tasks that are explained between two turns of the loop; about 4 ms."""
KEPT_PER_TURN: Final = 256
"""Tasks of which that is done whose explanation is kept."""

PAGE_SIZE: Final = 1_024
"""Tasks that are explained in one answer."""

PAGE_TIME: Final[Duration] = SECOND
"""Where it takes longer, as the run log has to be asked about each, an answer has fewer."""


class _ExplanationText(NamedTuple):
    """An explanation as JSON, and from when until when it stays as it is."""

    begin: Instant
    end: Instant
    text: str


class ExplanationPages:
    """Explains tasks in the order of their names. On the loop's thread."""

    def __init__(self, loop: Loop, explain_then: Callable[[str, Instant], Awaitable[JsonObject]]) -> None:
        """`explain_then` explains a task at another instant than now; raises NoSuchTask."""
        self._loop = loop
        self._explain_then = explain_then
        self._kept = TaskCache[_ExplanationText](loop.clock.monotonic)
        self._names: list[str] = []
        self._reloads = -1
        loop.heartbeat_hooks.append(self._kept.drop_unused)

    async def page(self, after: str, at: Instant | None = None) -> JsonObject:
        """Explain the next loaded tasks by name; also return the name after which the next page starts."""
        await self._sort_names()
        self._kept.begin_use(self._loop.scheduler.tasks)
        monotonic, names, answers = self._loop.clock.monotonic, self._names, list[str]()
        begin, now, spent, until = bisect_right(names, after), self._loop.now(), 0.0, monotonic() + PAGE_TIME
        for name in names[begin : begin + PAGE_SIZE]:
            if spent >= 1:
                await asyncio.sleep(0)
                now, spent = self._loop.now(), 0
            after = name
            if at is None and (kept := self._find(name, now)):
                answers.append(kept)
                spent += 1 / KEPT_PER_TURN
                continue
            with suppress(NoSuchTask):  # a reload has taken it away meanwhile
                answers.append(await self._explain(name, now, at))
            spent += 1 / EXPLAINED_PER_TURN
            if monotonic() >= until:
                break
        return {"answers": EncodedItems(answers), "next": after if names and after < names[-1] else None}

    async def _sort_names(self) -> None:
        if self._reloads != (reloads := self._loop.events.reloads):
            self._names = await in_thread(partial(sorted, tuple(self._loop.scheduler.tasks)))
            self._reloads = reloads

    def _find(self, name: str, now: Instant) -> str | None:
        """Return what is kept of a task, if it is true now."""
        scheduler = self._loop.scheduler
        if (entry := scheduler.tasks.get(name)) is None:
            return None
        kept = self._kept.get(name, _state(entry, scheduler.history), scheduler.draining)
        return kept.text if kept is not None and kept.begin <= now < kept.end else None

    async def _explain(self, name: str, now: Instant, at: Instant | None) -> str:
        """Explain a task; raises NoSuchTask."""
        from rocketd.core.explain.validity import unchanged_until  # noqa: PLC0415 - not before somebody asks
        from rocketd.core.explain.why import why  # noqa: PLC0415 - as above

        if at is not None:
            return json.dumps(await self._explain_then(name, at))
        scheduler = self._loop.scheduler
        entry, explanation = scheduler.find(name), why(scheduler, name, now)
        text, end = json.dumps(why_object(explanation)), unchanged_until(entry, explanation)
        if end > now:
            self._kept.put(name, _state(entry, scheduler.history), scheduler.draining, _ExplanationText(now, end, text))
        return text


def _state(entry: ScheduledTask, history: History) -> ShownState:
    return shown_state(entry, history.of(entry.task.name)) + explained_state(entry, history)
