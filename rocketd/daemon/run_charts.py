"""What charts show: how many runs ended how in each stretch of time, and from when to when each was active."""

import asyncio
from typing import Final

from rocketd.core.instant import DAY, SECOND, Duration, Instant
from rocketd.core.model.run import Action
from rocketd.core.model.run_figures import RunSpan, SpanPlace
from rocketd.daemon.json_format import Json, JsonObject, rfc3339
from rocketd.daemon.log_reader import LogReader
from rocketd.daemon.loop import Loop

COUNTED: Final = (Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION, Action.MISSED)
PAGE_SPANS: Final = 2_000
LONGEST: Final[Duration] = DAY
"""How long before the stretch a run may have begun that has ended in it; one that is active is shown in any case."""
SPANS_PER_TURN: Final = 500
"""Spans that are made into rows between two turns of the loop; about 3 ms."""


class RunCharts:
    """Reads figures from the run log. On the loop's thread."""

    def __init__(self, loop: Loop, reader: LogReader) -> None:
        """`reader` is one for which nobody waits who wants something small."""
        self._loop = loop
        self._reader = reader

    async def stats(self, since: Instant, until: Instant, step: Duration, task: str) -> JsonObject:
        """Count the runs that ended between these instants, and the misses, in stretches of that length from `since`.

        Stretches without any are left out. `seconds` is how long the runs took, all together.
        """
        found = await self._reader.query(lambda reader: reader.stretches(since, until, step, task))
        buckets: dict[Instant, JsonObject] = {}
        seconds: dict[Instant, Duration] = {}
        for one in found:
            bucket = buckets.setdefault(one.begin, {"at": rfc3339(one.begin), **dict.fromkeys(map(str, COUNTED), 0)})
            bucket[str(one.action)] = one.count
            seconds[one.begin] = seconds.get(one.begin, 0) + one.runtime
        listed: list[Json] = [{**bucket, "seconds": seconds[at] / SECOND} for at, bucket in buckets.items()]
        return {"step": step / SECOND, "buckets": listed}

    async def timeline(self, since: Instant, until: Instant, after: SpanPlace | None) -> JsonObject:
        """Return a page of what was active or missed between these instants: a row per task, which may come again."""
        page = await self._reader.query(lambda reader: reader.spans(since - LONGEST, until, after, PAGE_SPANS))
        active = [] if after else self._active_before(since - LONGEST)
        rows: dict[str, JsonObject] = {}
        runs: dict[str, list[Json]] = {}
        missed: dict[str, list[Json]] = {}
        for index, span in enumerate((*active, *page.spans)):
            if index % SPANS_PER_TURN == SPANS_PER_TURN - 1:
                await asyncio.sleep(0)
            if not self._is_within(span, since, until):
                continue
            if span.task not in rows:
                runs[span.task], missed[span.task] = [], []
                rows[span.task] = {"task": span.task, "runs": runs[span.task], "missed": missed[span.task]}
            if span.action is Action.MISSED:
                missed[span.task].append(rfc3339(span.begin))
            else:
                runs[span.task].append([span.number, rfc3339(span.begin), rfc3339(span.end), str(span.action)])
        listed: list[Json] = [*rows.values()]
        following = None if page.next is None else f"{page.next[0]!r}/{page.next[1]}"
        return {"rows": listed, "next": following}

    def _active_before(self, instant: Instant) -> list[RunSpan]:
        active = self._loop.scheduler.running_runs
        return [RunSpan(run.task, run.number, run.start, None, Action.RUN) for run in active if run.start < instant]

    def _is_within(self, span: RunSpan, since: Instant, until: Instant) -> bool:
        if span.action is Action.MISSED or span.end is not None:
            return span.begin < until and max(span.end or 0, span.begin) >= since
        is_active = span.number in self._loop.scheduler.history.of(span.task).running
        return span.begin < until and (is_active or span.begin >= since)
