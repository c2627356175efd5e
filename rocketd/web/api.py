"""What can be asked over HTTP: one table of routes, each with its parameters.

Unknown data is matched, not trusted: a parameter that a route does not name, or one of the wrong type, is an error
that says so. Parameters stand in the query of a GET, and in the JSON object that is the body of a POST.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import parse_qsl, unquote

from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.escaping import storable
from rocketd.core.instant import Instant
from rocketd.core.model.events import NoSuchRun, NoSuchTask, Refusal
from rocketd.core.model.records import RunFilter
from rocketd.core.model.run import Action
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339

LONGEST_LIST: Final = 16_384
"""Runs in one answer. Who wants more asks in parts, by `since` and `until`."""

PART: Final = 250
"""Runs in one part of the log: with the tails of their output, some megabytes at most."""

LONGEST_REASON: Final = 1_000

Events: TypeAlias = AbstractContextManager[AsyncIterator[JsonObject]]
"""To be entered before the first byte of the answer is sent: from then on nothing is missed."""


class ControlVerbs(Protocol):
    """What an operator can see and do (`daemon.control.Control`)."""

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
    def stop_task(self, name: str) -> JsonObject: ...
    async def stop_run(self, which: str) -> JsonObject: ...
    def pause(self, name: str, *, by: str, until: Instant | None = None, reason: str = "") -> JsonObject: ...
    def resume(self, name: str, *, by: str) -> JsonObject: ...
    async def prune(self, *, by: str, before: Instant | None = None, dry_run: bool = False) -> JsonObject: ...
    async def reload(self) -> JsonObject: ...


class BadRequest(RocketdError):
    """A request that means nothing here."""


class NoSuchPlace(RocketdError):
    """No route has this path."""


class WrongMethod(RocketdError):
    """There is such a path, but not for this method."""


_STATUSES: Final[tuple[tuple[type[RocketdError], int], ...]] = (
    (BadRequest, 400),
    (NoSuchPlace, 404),
    (NoSuchTask, 404),
    (NoSuchRun, 404),
    (WrongMethod, 405),
    (Refusal, 409),
    (StoreError, 503),
)


def status_of(error: RocketdError) -> int:
    """The status of RFC 9110 that says whose fault it is."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


class Request(NamedTuple):
    """What somebody asks, as it came."""

    method: str
    target: str
    body: bytes
    by: str
    """Who asks, for people: `uid 1000`."""


class _QueryParameters(NamedTuple):
    """What somebody asks of one route."""

    name: str
    """The task or the run in the path."""
    parameters: Mapping[str, Json]
    by: str

    def text(self, name: str) -> str:
        value = self.parameters.get(name)
        if not isinstance(value, str | None):
            raise BadRequest(f"{name} must be a string")
        if value and storable(value) != value:
            raise BadRequest(f"{name} has half a character in it, a lone surrogate", hint="is it UTF-8?")
        return value or ""

    def flag(self, name: str) -> bool:
        value = self.parameters.get(name, False)
        if not isinstance(value, bool):
            raise BadRequest(f"{name} must be true or false")
        return value

    def instant(self, name: str) -> Instant | None:
        text = self.text(name)
        try:
            return from_rfc3339(text) if text else None
        except ValueError:
            hint = "write it as 2026-11-24T10:00:00+00:00"
            raise BadRequest(f"{name} must be an RFC 3339 instant, not {text[:40]!r}", hint=hint) from None

    def number(self, name: str, default: int, most: int) -> int:
        text = self.text(name) or str(default)
        if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            raise BadRequest(f"{name} must be a number from 1 to {most}, not {text[:40]!r}")
        return int(text)

    def place(self, name: str) -> int:
        text = self.text(name) or "0"
        if not re.fullmatch("[0-9]{1,18}", text):
            raise BadRequest(f"{name} must be what `next` was in the part before, not {text[:40]!r}")
        return int(text)

    def actions(self, name: str) -> tuple[Action, ...]:
        words = [word for word in self.text(name).split(",") if word]
        for word in words:
            if word not in set(Action):
                raise BadRequest(f"there is no action {word[:40]!r}", hint=f"there are {', '.join(Action)}")
        return tuple(Action(word) for word in words)


async def _status(verbs: ControlVerbs, _: _QueryParameters) -> Json:
    return verbs.status()


async def _tasks(verbs: ControlVerbs, _: _QueryParameters) -> Json:
    return await verbs.tasks()


async def _task(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.task(asked.name)


async def _why(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.why(asked.name, asked.instant("at"))


async def _why_part(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.why_page(asked.text("after"), asked.instant("at"))


async def _runs(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.runs(_wanted(asked, asked.number("limit", RunFilter().limit, LONGEST_LIST)))


async def _part(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.page(_wanted(asked, PART), asked.place("after"))


def _wanted(asked: _QueryParameters, limit: int) -> RunFilter:
    return RunFilter(
        task=asked.text("task"),
        since=asked.instant("since"),
        until=asked.instant("until"),
        actions=asked.actions("action"),
        limit=limit,
    )


async def _run(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.run(asked.name)


async def _start(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return verbs.start(asked.name, by=asked.by, as_scheduled=asked.flag("as_scheduled"))


async def _stop_task(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return verbs.stop_task(asked.name)


async def _stop_run(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.stop_run(asked.name)


async def _pause(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    reason = asked.text("reason")
    if len(reason) > LONGEST_REASON:
        raise BadRequest(f"reason may have {LONGEST_REASON} characters, not {len(reason)}")
    return verbs.pause(asked.name, by=asked.by, until=asked.instant("until"), reason=reason)


async def _resume(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return verbs.resume(asked.name, by=asked.by)


async def _prune(verbs: ControlVerbs, asked: _QueryParameters) -> Json:
    return await verbs.prune(by=asked.by, before=asked.instant("before"), dry_run=asked.flag("dry_run"))


async def _reload(verbs: ControlVerbs, _: _QueryParameters) -> Json:
    return await verbs.reload()


class StreamedAnswer(NamedTuple):
    """An answer that goes on for as long as somebody listens."""

    events: Events
    task: str
    """Of which task; empty: of all."""


async def _events(verbs: ControlVerbs, asked: _QueryParameters) -> StreamedAnswer:
    return StreamedAnswer(verbs.events(), asked.text("task"))


class Route(NamedTuple):
    """One thing that can be asked. In a path, TASK is the name of a task; RUN a run id, or TASK/NUMBER."""

    method: str
    path: str
    answer: Callable[[ControlVerbs, _QueryParameters], Awaitable[Json | StreamedAnswer]]
    parameters: tuple[str, ...] = ()

    def match(self, path: str) -> str | None:
        """The name in that path, empty if there is none in it; None if it is another path."""
        found = re.fullmatch(self.path.replace("TASK", _TASK).replace("RUN", _RUN), path)
        return found and (found[1] if found.groups() else "")


_TASK: Final = "([^/]+)"
_RUN: Final = "([^/]+(?:/[0-9]+)?)"

ROUTES: Final = (
    Route("GET", "/v1/status", _status),
    Route("GET", "/v1/tasks", _tasks),
    Route("GET", "/v1/tasks/TASK", _task),
    Route("GET", "/v1/tasks/TASK/why", _why, ("at",)),
    Route("GET", "/v1/why", _why_part, ("at", "after")),
    Route("GET", "/v1/runs", _runs, ("task", "since", "until", "action", "limit")),
    Route("GET", "/v1/runs/RUN", _run),
    Route("GET", "/v1/log", _part, ("task", "since", "until", "action", "after")),
    Route("GET", "/v1/events", _events, ("task",)),
    Route("POST", "/v1/tasks/TASK/run", _start, ("as_scheduled",)),
    Route("POST", "/v1/tasks/TASK/stop", _stop_task),
    Route("POST", "/v1/tasks/TASK/pause", _pause, ("until", "reason")),
    Route("POST", "/v1/tasks/TASK/resume", _resume),
    Route("POST", "/v1/runs/RUN/stop", _stop_run),
    Route("POST", "/v1/prune", _prune, ("before", "dry_run")),
    Route("POST", "/v1/reload", _reload),
)


async def answer(verbs: ControlVerbs, request: Request) -> Json | StreamedAnswer:
    """Do what is asked; raises RocketdError."""
    target, _, query = request.target.partition("?")
    route, name = _route(request.method, unquote(target))
    parameters = _in_body(request.body) if route.method == "POST" else _in_query(query)
    for parameter in parameters:
        if parameter not in route.parameters:
            hint = f"there are {', '.join(route.parameters)}" if route.parameters else "it takes none"
            raise BadRequest(f"{route.method} {route.path} has no parameter {parameter[:40]!r}", hint=hint)
    return await route.answer(verbs, _QueryParameters(name, parameters, request.by))


def _route(method: str, path: str) -> tuple[Route, str]:
    found = [(route, name) for route in ROUTES if (name := route.match(path)) is not None]
    for route, name in found:
        if route.method == method:
            return route, name
    if found:
        raise WrongMethod(f"{path[:100]} answers to {found[0][0].method}, not to {method}")
    raise NoSuchPlace(f"unknown path {path[:100]!r}", hint="all paths start with /v1")


def allowed_methods(request: Request) -> str:
    """The methods that the path of a request answers to, as the Allow header lists them."""
    path = unquote(request.target.partition("?")[0])
    return ", ".join(sorted({route.method for route in ROUTES if route.match(path) is not None}))


def _in_query(query: str) -> Mapping[str, Json]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20))
    except ValueError:
        raise BadRequest("the query cannot be read", hint="write it as ?name=value&name=value") from None


def _in_body(body: bytes) -> Mapping[str, Json]:
    try:
        value: Json = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(value, dict):
        raise BadRequest('the body must be a JSON object, such as {"as_scheduled": true}')
    return value
