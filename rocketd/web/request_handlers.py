"""What each route does: the parameters of a request become one call of the daemon, and its answer the response."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Final, NamedTuple

from rocketd.core.instant import DAY, SECOND
from rocketd.core.model.events import NoSuchRun, Refusal
from rocketd.core.model.fleet_filter import FLEET_STATES, MAX_FLEET_TASKS, FleetTaskFilter
from rocketd.core.model.records import RunFilter, RunPlace
from rocketd.core.model.run import Trigger
from rocketd.daemon.event_stream import KINDS, StreamFilter
from rocketd.daemon.json_format import Json
from rocketd.daemon.planned_starts import MOST_STARTS, PAGE_STARTS
from rocketd.daemon.task_list import MAX_TASKS, ORDERS, PAGE_TASKS, STATES, TaskQuery
from rocketd.metrics.exposition import CONTENT_TYPES, MetricsFormat
from rocketd.web.control_verbs import ControlVerbs, Lines, Listener
from rocketd.web.errors import BadRequest
from rocketd.web.limits import (
    DAYS_OF_ONE,
    MAX_REASON_LENGTH,
    MAX_RUNNING_SHOWN,
    MAX_RUNS,
    MAX_SHOWN,
    MAX_STEP,
    MAX_STRETCHES,
    PAGE_RUNS,
    STEP,
    STEP_OF_ONE,
)
from rocketd.web.parameters import RequestParameters
from rocketd.web.shapes.table import TASK_KEYS

OVERVIEW: Final[Mapping[str, TaskQuery]] = {
    "running": TaskQuery(state="running", limit=MAX_RUNNING_SHOWN),
    "failed": TaskQuery(state="failed", order="last", limit=MAX_SHOWN),
    "late": TaskQuery(state="late", limit=MAX_SHOWN),
    "next": TaskQuery(state="enabled", order="next", limit=MAX_SHOWN),
}
"""The lists of an overview."""


class TextResponse(NamedTuple):
    """A response that is not JSON."""

    content_type: str
    text: str


class StreamedResponse(NamedTuple):
    """A response that continues until one side ends it."""

    lines: Lines


async def me(_: ControlVerbs, parameters: RequestParameters) -> Json:
    return parameters.describe(parameters.by)


async def overview(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    seen = verbs.feed.newest  # first: what happens meanwhile comes as an event after it
    lists = {name: await verbs.listed.page(query._replace(only=parameters.only)) for name, query in OVERVIEW.items()}
    return {
        "status": verbs.status() if parameters.only is None else None,
        "client": parameters.describe(parameters.by),
        "counts": lists["running"]["counts"],
        **{name: page["tasks"] for name, page in lists.items()},
        "event_id": seen,
    }


async def status(verbs: ControlVerbs, _: RequestParameters) -> Json:
    return verbs.status()


async def tasks(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    if not parameters.values:
        return await verbs.listed.all_rows()
    query = TaskQuery(
        only=parameters.only,
        match=parameters.pattern("match"),
        state=parameters.word("state", STATES),
        tag=parameters.text("tag"),
        order=parameters.word("order", ORDERS) or ORDERS[0],
        limit=parameters.number("limit", PAGE_TASKS, MAX_TASKS),
        after=parameters.task_place("after"),
        fields=parameters.words("fields", TASK_KEYS),
    )
    return await verbs.listed.page(query)


async def task(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.task(parameters.name)


async def why(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.why(parameters.name, parameters.instant("at"))


async def why_page(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.explained.page(parameters.text("after"), parameters.instant("at"))


async def runs(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    wanted = _run_filter(parameters, parameters.number("limit", RunFilter().limit, MAX_RUNS))
    return await verbs.runs(replace(wanted, after=await _run_place(verbs, parameters)))


async def _run_place(verbs: ControlVerbs, parameters: RequestParameters) -> RunPlace | None:
    """Where the runs that are wanted begin; who may not see a run is told nothing of it, nor of any like it."""
    if not (reference := parameters.text("after")):
        return None
    try:
        place = await verbs.place(reference)
    except (NoSuchRun, Refusal):
        if parameters.only is None:
            raise
        place = None
    if place is None or (parameters.only is not None and place.task not in parameters.only):
        raise NoSuchRun(f"no run {reference[:100]!r} is recorded")
    return place


async def log_page(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.page(_run_filter(parameters, PAGE_RUNS), parameters.cursor("after"))


def _run_filter(parameters: RequestParameters, limit: int) -> RunFilter:
    return RunFilter(
        task=parameters.text("task"),
        tasks=parameters.only,
        since=parameters.instant("since"),
        until=parameters.instant("until"),
        actions=parameters.actions("action"),
        triggers=tuple(map(Trigger, sorted(parameters.words("trigger", [*Trigger])))),
        limit=limit,
    )


async def stats(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    task = parameters.text("task")
    step = parameters.number("step", STEP_OF_ONE if task else STEP, MAX_STEP) * SECOND
    until = parameters.instant("until") or verbs.now()
    since = parameters.instant("since")
    if since is None:
        since = until - (DAYS_OF_ONE * DAY if task else DAY)
    step = max(step, -(-(until - since) // (MAX_STRETCHES * SECOND)) * SECOND)
    return await verbs.charts.stats(since, until, step, task)


async def timeline(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    until = parameters.instant("until") or verbs.now()
    since = parameters.instant("since")
    since = until - DAY if since is None else since
    return await verbs.charts.timeline(since, until, parameters.log_place("after"))


async def planned(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    since = parameters.instant("since") or verbs.now()
    until = parameters.instant("until") or since + DAY
    limit = parameters.number("limit", PAGE_STARTS, MOST_STARTS)
    return await verbs.planned.page(since, until, parameters.text("task"), limit, parameters.cursor("after"))


async def run(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.run(parameters.name)


async def start(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.start(parameters.name, by=parameters.by, as_scheduled=parameters.flag("as_scheduled"))


async def stop_task(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return verbs.stop_task(parameters.name, by=parameters.by)


async def stop_run(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.stop_run(parameters.name, by=parameters.by)


async def pause(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    reason = parameters.text("reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise BadRequest(f"reason may have at most {MAX_REASON_LENGTH} characters, not {len(reason)}")
    return verbs.pause(parameters.name, by=parameters.by, until=parameters.instant("until"), reason=reason)


async def resume(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return verbs.resume(parameters.name, by=parameters.by)


async def prune(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.prune(by=parameters.by, before=parameters.instant("before"), dry_run=parameters.flag("dry_run"))


async def reload(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.reload(by=parameters.by)


async def fleet(verbs: ControlVerbs, _: RequestParameters) -> Json:
    return await verbs.fleet.hosts()


async def fleet_tasks(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    wanted = FleetTaskFilter(
        match=parameters.pattern("match"),
        host=parameters.host("host"),
        state=parameters.word("state", FLEET_STATES),
        limit=parameters.number("limit", MAX_FLEET_TASKS, MAX_FLEET_TASKS),
        after=parameters.fleet_place("after"),
    )
    return await verbs.fleet.tasks(wanted)


async def fleet_runs(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    limit = parameters.number("limit", RunFilter().limit, MAX_RUNS)
    wanted = _run_filter(parameters, limit)
    return await verbs.fleet.runs(wanted, parameters.host("host"), parameters.fleet_run("after"))


async def fleet_drain(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.fleet.drain(parameters.flag("drained"))


async def fleet_move(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.fleet.move(_given("task", parameters.text("task")), _given("host", parameters.host("host")))


async def fleet_lost(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.fleet.say_lost(_given("host", parameters.host("host")))


def _given(name: str, text: str) -> str:
    if not text:
        raise BadRequest(f"the parameter {name!r} is missing")
    return text


async def metrics(verbs: ControlVerbs, parameters: RequestParameters) -> TextResponse:
    written = parameters.text("format") or MetricsFormat.OPENMETRICS.value
    if written not in CONTENT_TYPES:
        raise BadRequest(f"unknown format {written[:40]!r}", hint=f"known: {', '.join(CONTENT_TYPES)}")
    return TextResponse(CONTENT_TYPES[MetricsFormat(written)], await verbs.metrics(written))


async def events(verbs: ControlVerbs, parameters: RequestParameters) -> StreamedResponse:
    wanted = StreamFilter(parameters.text("task"), parameters.words("kinds", KINDS))
    after = parameters.cursor("after") if parameters.text("after") else None
    return StreamedResponse(_listening(verbs.feed.listen(wanted, after)))


@contextmanager
def _listening(listener: AbstractContextManager[Listener]) -> Iterator[AsyncIterator[bytes]]:
    with listener as stream:
        yield stream.listen()


async def output(verbs: ControlVerbs, parameters: RequestParameters) -> StreamedResponse:
    return StreamedResponse(await verbs.output.lines(parameters.name, follow=parameters.flag_word("follow")))
