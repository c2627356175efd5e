"""The HTTP API: one table of routes, each with its parameters. A parameter that a route does not have is an error."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import unquote

from rocketd.core.instant import Instant
from rocketd.core.model.records import RunFilter
from rocketd.daemon.fleet_view import FleetView
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.metrics.exposition import CONTENT_TYPES, MetricsFormat
from rocketd.web.errors import BadRequest, NoSuchPath, WrongMethod
from rocketd.web.parameters import RequestParameters, body_parameters, query_parameters

MAX_RUNS: Final = 16_384
"""The most runs in one response; for more, divide the time by `since` and `until`."""

PAGE_RUNS: Final = 250
"""The runs on one page of the log: with the tails of their output, some megabytes at most."""

MAX_REASON_LENGTH: Final = 1_000

Events: TypeAlias = AbstractContextManager[AsyncIterator[JsonObject]]
"""Enter it before the first byte of the response is sent: no event is missed afterwards."""


class ControlVerbs(Protocol):
    """The operations of an administrator (`daemon.control.Control`)."""

    fleet: FleetView

    def status(self) -> JsonObject: ...
    async def tasks(self) -> list[Json]: ...
    async def task(self, name: str) -> JsonObject: ...
    async def why(self, name: str, at: Instant | None = None) -> JsonObject: ...
    async def why_page(self, after: str, at: Instant | None = None) -> JsonObject: ...
    async def runs(self, wanted: RunFilter) -> list[Json]: ...
    async def run(self, which: str) -> JsonObject: ...
    async def page(self, wanted: RunFilter, after: int) -> JsonObject: ...
    def events(self) -> Events: ...
    def start(self, name: str, *, by: str, as_scheduled: bool = False) -> JsonObject: ...
    def stop_task(self, name: str, *, by: str) -> JsonObject: ...
    async def stop_run(self, which: str, *, by: str) -> JsonObject: ...
    def pause(self, name: str, *, by: str, until: Instant | None = None, reason: str = "") -> JsonObject: ...
    def resume(self, name: str, *, by: str) -> JsonObject: ...
    async def prune(self, *, by: str, before: Instant | None = None, dry_run: bool = False) -> JsonObject: ...
    async def reload(self, *, by: str) -> JsonObject: ...
    @property
    def metrics(self) -> Callable[[str], Awaitable[str]]: ...


class Request(NamedTuple):
    """An HTTP request as it was received."""

    method: str
    target: str
    body: bytes
    by: str
    """Who sends it, for messages: `bob (uid 1000)`."""


async def _status(verbs: ControlVerbs, _: RequestParameters) -> Json:
    return verbs.status()


async def _tasks(verbs: ControlVerbs, _: RequestParameters) -> Json:
    return await verbs.tasks()


async def _task(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.task(parameters.name)


async def _why(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.why(parameters.name, parameters.instant("at"))


async def _why_page(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.why_page(parameters.text("after"), parameters.instant("at"))


async def _runs(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.runs(_run_filter(parameters, parameters.number("limit", RunFilter().limit, MAX_RUNS)))


async def _log_page(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.page(_run_filter(parameters, PAGE_RUNS), parameters.cursor("after"))


def _run_filter(parameters: RequestParameters, limit: int) -> RunFilter:
    return RunFilter(
        task=parameters.text("task"),
        since=parameters.instant("since"),
        until=parameters.instant("until"),
        actions=parameters.actions("action"),
        limit=limit,
    )


async def _run(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.run(parameters.name)


async def _start(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return verbs.start(parameters.name, by=parameters.by, as_scheduled=parameters.flag("as_scheduled"))


async def _stop_task(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return verbs.stop_task(parameters.name, by=parameters.by)


async def _stop_run(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.stop_run(parameters.name, by=parameters.by)


async def _pause(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    reason = parameters.text("reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise BadRequest(f"reason may have at most {MAX_REASON_LENGTH} characters, not {len(reason)}")
    return verbs.pause(parameters.name, by=parameters.by, until=parameters.instant("until"), reason=reason)


async def _resume(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return verbs.resume(parameters.name, by=parameters.by)


async def _prune(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.prune(by=parameters.by, before=parameters.instant("before"), dry_run=parameters.flag("dry_run"))


async def _reload(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    return await verbs.reload(by=parameters.by)


async def _fleet(verbs: ControlVerbs, _: RequestParameters) -> Json:
    return await verbs.fleet.hosts()


async def _fleet_tasks(verbs: ControlVerbs, _: RequestParameters) -> Json:
    return await verbs.fleet.tasks()


async def _fleet_runs(verbs: ControlVerbs, parameters: RequestParameters) -> Json:
    limit = parameters.number("limit", RunFilter().limit, MAX_RUNS)
    return await verbs.fleet.runs(_run_filter(parameters, limit))


class TextResponse(NamedTuple):
    """A response that is not JSON."""

    content_type: str
    text: str


async def _metrics(verbs: ControlVerbs, parameters: RequestParameters) -> TextResponse:
    written = parameters.text("format") or MetricsFormat.OPENMETRICS.value
    if written not in CONTENT_TYPES:
        raise BadRequest(f"unknown format {written[:40]!r}", hint=f"known: {', '.join(CONTENT_TYPES)}")
    return TextResponse(CONTENT_TYPES[MetricsFormat(written)], await verbs.metrics(written))


class StreamedResponse(NamedTuple):
    """A response that continues until the client disconnects."""

    events: Events
    task: str
    """The task whose events are sent; empty: all."""


async def _events(verbs: ControlVerbs, parameters: RequestParameters) -> StreamedResponse:
    return StreamedResponse(verbs.events(), parameters.text("task"))


class Route(NamedTuple):
    """A method and a path. In the path, TASK is the name of a task, and RUN a run id or TASK/NUMBER."""

    method: str
    path: str
    handler: Callable[[ControlVerbs, RequestParameters], Awaitable[Json | StreamedResponse | TextResponse]]
    parameters: tuple[str, ...] = ()

    def match(self, path: str) -> str | None:
        """Return the task or run in the path, empty if the route has none; None if the path does not match."""
        found = re.fullmatch(self.path.replace("TASK", _TASK).replace("RUN", _RUN), path)
        return found and (found[1] if found.groups() else "")


_TASK: Final = "([^/]+)"
_RUN: Final = "([^/]+(?:/[0-9]+)?)"

ROUTES: Final = (
    Route("GET", "/v1/status", _status),
    Route("GET", "/v1/tasks", _tasks),
    Route("GET", "/v1/tasks/TASK", _task),
    Route("GET", "/v1/tasks/TASK/why", _why, ("at",)),
    Route("GET", "/v1/why", _why_page, ("at", "after")),
    Route("GET", "/v1/runs", _runs, ("task", "since", "until", "action", "limit")),
    Route("GET", "/v1/runs/RUN", _run),
    Route("GET", "/v1/log", _log_page, ("task", "since", "until", "action", "after")),
    Route("GET", "/v1/events", _events, ("task",)),
    Route("GET", "/v1/fleet", _fleet),
    Route("GET", "/v1/fleet/tasks", _fleet_tasks),
    Route("GET", "/v1/fleet/runs", _fleet_runs, ("task", "since", "until", "action", "limit")),
    Route("GET", "/v1/metrics", _metrics, ("format",)),
    Route("POST", "/v1/tasks/TASK/run", _start, ("as_scheduled",)),
    Route("POST", "/v1/tasks/TASK/stop", _stop_task),
    Route("POST", "/v1/tasks/TASK/pause", _pause, ("until", "reason")),
    Route("POST", "/v1/tasks/TASK/resume", _resume),
    Route("POST", "/v1/runs/RUN/stop", _stop_run),
    Route("POST", "/v1/prune", _prune, ("before", "dry_run")),
    Route("POST", "/v1/reload", _reload),
)


async def handle(verbs: ControlVerbs, request: Request) -> Json | StreamedResponse | TextResponse:
    """Handle a request, and return the body of its response; raises RocketdError."""
    target, _, query = request.target.partition("?")
    route, name = _route(request.method, unquote(target))
    parameters = body_parameters(request.body) if route.method == "POST" else query_parameters(query)
    for parameter in parameters:
        if parameter not in route.parameters:
            hint = f"allowed: {', '.join(route.parameters)}" if route.parameters else "it takes none"
            raise BadRequest(f"{route.method} {route.path} has no parameter {parameter[:40]!r}", hint=hint)
    return await route.handler(verbs, RequestParameters(name, parameters, request.by))


def _route(method: str, path: str) -> tuple[Route, str]:
    found = [(route, name) for route in ROUTES if (name := route.match(path)) is not None]
    for route, name in found:
        if route.method == method:
            return route, name
    if found:
        raise WrongMethod(f"{path[:100]} accepts {found[0][0].method}, not {method}")
    raise NoSuchPath(f"unknown path {path[:100]!r}", hint="all paths start with /v1")


def allowed_methods(request: Request) -> str:
    """Return the methods of a request's path, for the Allow header."""
    path = unquote(request.target.partition("?")[0])
    return ", ".join(sorted({route.method for route in ROUTES if route.match(path) is not None}))
