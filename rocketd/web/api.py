"""The HTTP API: one table of routes, each with its parameters. A parameter that a route does not have is an error."""

import re
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from rocketd.daemon.json_format import Json
from rocketd.web import request_handlers as handlers
from rocketd.web.access_gate import AccessGate, Right
from rocketd.web.control_verbs import ControlVerbs
from rocketd.web.errors import BadRequest, NoSuchPath, WrongMethod
from rocketd.web.parameters import RequestParameters, body_parameters, query_parameters
from rocketd.web.request_handlers import StreamedResponse, TextResponse

Response: TypeAlias = Json | StreamedResponse | TextResponse


class Request(NamedTuple):
    """An HTTP request as it was received."""

    method: str
    target: str
    body: bytes
    by: str
    """Who sends it, for messages: `bob (uid 1000)`."""


class Route(NamedTuple):
    """A method and a path. In the path, TASK is the name of a task, and RUN a run id or TASK/NUMBER."""

    method: str
    path: str
    handler: Callable[[ControlVerbs, RequestParameters], Awaitable[Response]]
    parameters: tuple[str, ...] = ()
    right: Right = Right.FULL
    """What a client must be allowed to do to use it."""

    def match(self, path: str) -> str | None:
        """Return the task or run in the path, empty if the route has none; None if the path does not match."""
        found = re.fullmatch(self.path.replace("TASK", _TASK).replace("RUN", _RUN), path)
        return found and (found[1] if found.groups() else "")


_TASK: Final = "([^/]+)"
_RUN: Final = "([^/]+(?:/[0-9]+)?)"

ROUTES: Final = (
    Route("GET", "/v1/status", handlers.status, right=Right.VIEW),
    Route(
        "GET",
        "/v1/tasks",
        handlers.tasks,
        ("match", "state", "tag", "order", "limit", "after", "fields"),
        right=Right.SEE,
    ),
    Route("GET", "/v1/overview", handlers.overview, right=Right.SEE),
    Route("GET", "/v1/me", handlers.me, right=Right.SEE),
    Route("GET", "/v1/tasks/TASK", handlers.task, right=Right.SEE_TASK),
    Route("GET", "/v1/tasks/TASK/why", handlers.why, ("at",), right=Right.SEE_TASK),
    Route("GET", "/v1/why", handlers.why_page, ("at", "after"), right=Right.SEE),
    Route(
        "GET",
        "/v1/runs",
        handlers.runs,
        ("task", "since", "until", "action", "trigger", "limit", "after"),
        right=Right.SEE,
    ),
    Route("GET", "/v1/runs/RUN", handlers.run, right=Right.SEE_RUN),
    Route("GET", "/v1/runs/RUN/output", handlers.output, ("follow",), right=Right.SEE_OUTPUT),
    Route("GET", "/v1/timeline", handlers.timeline, ("since", "until", "after"), right=Right.VIEW),
    Route("GET", "/v1/planned", handlers.planned, ("since", "until", "task", "limit", "after"), right=Right.VIEW),
    Route("GET", "/v1/stats", handlers.stats, ("since", "until", "step", "task"), right=Right.VIEW),
    Route("GET", "/v1/log", handlers.log_page, ("task", "since", "until", "action", "after"), right=Right.SEE),
    Route("GET", "/v1/events", handlers.events, ("task", "kinds", "after"), right=Right.SEE),
    Route("GET", "/v1/fleet", handlers.fleet, right=Right.VIEW),
    Route(
        "GET",
        "/v1/fleet/tasks",
        handlers.fleet_tasks,
        ("match", "host", "state", "limit", "after"),
        right=Right.VIEW,
    ),
    Route(
        "GET",
        "/v1/fleet/runs",
        handlers.fleet_runs,
        ("task", "host", "since", "until", "action", "limit", "after"),
        right=Right.VIEW,
    ),
    Route("GET", "/v1/metrics", handlers.metrics, ("format",), right=Right.VIEW),
    Route("POST", "/v1/tasks/TASK/run", handlers.start, ("as_scheduled",), right=Right.OPERATE_TASK),
    Route("POST", "/v1/tasks/TASK/stop", handlers.stop_task, right=Right.OPERATE_TASK),
    Route("POST", "/v1/tasks/TASK/pause", handlers.pause, ("until", "reason"), right=Right.OPERATE_TASK),
    Route("POST", "/v1/tasks/TASK/resume", handlers.resume, right=Right.OPERATE_TASK),
    Route("POST", "/v1/runs/RUN/stop", handlers.stop_run, right=Right.OPERATE_RUN),
    Route("POST", "/v1/fleet/drain", handlers.fleet_drain, ("drained",)),
    Route("POST", "/v1/fleet/move", handlers.fleet_move, ("task", "host")),
    Route("POST", "/v1/fleet/lost", handlers.fleet_lost, ("host",)),
    Route("POST", "/v1/prune", handlers.prune, ("before", "dry_run")),
    Route("POST", "/v1/reload", handlers.reload),
)


async def handle(verbs: ControlVerbs, request: Request, gate: AccessGate) -> Response:
    """Handle a request, and return the body of its response, as far as the client may see it; raises RocketdError."""
    target, _, query = request.target.partition("?")
    route, name = _route(request.method, unquote(target))
    parameters = body_parameters(request.body) if route.method == "POST" else query_parameters(query)
    for parameter in parameters:
        if parameter not in route.parameters:
            hint = f"allowed: {', '.join(route.parameters)}" if route.parameters else "it takes none"
            raise BadRequest(f"{route.method} {route.path} has no parameter {parameter[:40]!r}", hint=hint)
    name = await gate.admit(route.right, name, request.by)
    asked = RequestParameters(name, parameters, request.by, gate.only, gate.describe)
    if "task" in route.parameters and (task := asked.text("task")):
        gate.admit_to_see(task, request.by)
    result = await route.handler(verbs, asked)
    if isinstance(result, StreamedResponse):
        return result._replace(lines=gate.visible_lines(result.lines))
    return result if isinstance(result, TextResponse) else await gate.visible(result)


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
