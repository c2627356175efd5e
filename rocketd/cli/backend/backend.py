"""What the reading verbs need from a backend, and the backend that asks the daemon."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from rocketd.cli.backend.http_client import Client
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import flag, instant, objects, text, the_object
from rocketd.core.instant import Instant
from rocketd.daemon.json_format import JsonObject, rfc3339

LONGEST_NUMBER: Final = 18
"""The most digits that a store can keep."""

LARGEST_PART: Final = 10_000
"""How many runs to request from the daemon at once."""

MOST_PLANNED: Final = 20_000
"""How many planned starts to show: as many as the daemon finds."""


class RunQuery(NamedTuple):
    """Which runs to read, newest first."""

    task: str = ""
    since: Instant | None = None
    until: Instant | None = None
    actions: Sequence[str] = ()
    limit: int = 1


class ExpectedStarts(NamedTuple):
    """The starts that are expected."""

    starts: Sequence[tuple[str, Instant]]
    """The task of each, and when; in order of time."""
    complete: bool
    """Whether these are all; if not, there are more after the last one."""


class Backend(Protocol):
    """What the reading verbs need. Every method raises Failure."""

    def tasks(self) -> list[JsonObject]:
        """Return every loaded task."""
        ...

    def files(self, *, always: bool = False) -> JsonObject:
        """Return the problems of the task files: `file_problems`, `not_loaded`, and the `directories` that are read.

        Without `always`, the result is empty if the last answer has shown that everything is loaded.
        """
        ...

    def task(self, name: str) -> JsonObject:
        """Return everything about a task."""
        ...

    def why(self, name: str, at: Instant | None) -> JsonObject:
        """Return the explanation of a task now, or at that instant."""
        ...

    def why_all(self, at: Instant | None) -> Iterator[list[JsonObject]]:
        """Yield the explanations of all loaded tasks, by name, in parts."""
        ...

    def planned(self, until: Instant) -> ExpectedStarts:
        """Return the starts that are expected from now until then."""
        ...

    def runs(self, query: RunQuery) -> list[JsonObject]:
        """Return runs, newest first."""
        ...

    def part(self, query: RunQuery, after: int) -> JsonObject:
        """Return some `runs` after that position in the log, oldest first, and the `next` position, null at the end."""
        ...

    def run(self, name: str) -> JsonObject:
        """Return everything about a run; `name` is a run id, its beginning, or TASK/NUMBER."""
        ...


class DaemonBackend:
    """The backend that asks the daemon."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def tasks(self) -> list[JsonObject]:
        """Ask the daemon."""
        return objects(self._client.get("/v1/tasks"))

    def files(self, *, always: bool = False) -> JsonObject:
        """Ask the daemon."""
        return the_object(self._client.get("/v1/status")) if always or self._client.not_loaded else {}

    def task(self, name: str) -> JsonObject:
        """Ask the daemon."""
        return the_object(self._client.get(f"/v1/tasks/{name}"))

    def why(self, name: str, at: Instant | None) -> JsonObject:
        """Ask the daemon."""
        return the_object(self._client.get(f"/v1/tasks/{name}/why", _at(at)))

    def why_all(self, at: Instant | None) -> Iterator[list[JsonObject]]:
        """Ask the daemon, which decides how many it explains at a time."""
        after: str | None = ""
        while after is not None:
            part = the_object(self._client.get("/v1/why", [*_at(at), ("after", after)]))
            yield objects(part.get("answers"))
            after = text(part, "next") or None

    def planned(self, until: Instant) -> ExpectedStarts:
        """Ask the daemon, which looks for no more than these, and not for long."""
        asked = [("until", rfc3339(until) or ""), ("limit", str(MOST_PLANNED))]
        answer = the_object(self._client.get("/v1/planned", asked))
        starts = [(text(start, "task"), instant(start, "at") or until) for start in objects(answer.get("starts"))]
        return ExpectedStarts(starts, complete=flag(answer, "complete") and not text(answer, "next"))

    def runs(self, query: RunQuery) -> list[JsonObject]:
        """Ask the daemon, in parts no larger than it allows."""
        found: dict[str, JsonObject] = {}
        part = query
        while True:
            asked = part._replace(limit=min(query.limit - len(found) + bool(found), LARGEST_PART))
            runs = objects(self._client.get("/v1/runs", _query(asked)))
            before = len(found)
            found.update((text(run, "run_id"), run) for run in runs)
            last = instant(runs[-1], "start") if runs else None
            if len(found) >= query.limit or len(runs) < asked.limit or len(found) == before or last is None:
                return list(found.values())[: query.limit]
            part = query._replace(until=last + 1)  # those of the same microsecond come twice, and count once

    def part(self, query: RunQuery, after: int) -> JsonObject:
        """Ask the daemon, which decides how much it returns at a time."""
        asked = [pair for pair in _query(query) if pair[0] != "limit"]
        return the_object(self._client.get("/v1/log", [*asked, ("after", str(after))]))

    def fleet(self) -> JsonObject:
        """Ask the daemon for the hosts that share a history with it."""
        return the_object(self._client.get("/v1/fleet"))

    def fleet_drain(self, drained: bool) -> JsonObject:  # noqa: FBT001 - it is what is set
        """Have this host own no task of the fleet, or end that."""
        return the_object(self._client.post("/v1/fleet/drain", {"drained": drained}))

    def fleet_move(self, task: str, host: str) -> JsonObject:
        """Have another host own a task."""
        return the_object(self._client.post("/v1/fleet/move", {"task": task, "host": host}))

    def fleet_lost(self, host: str) -> JsonObject:
        """Say that a silent host is dead."""
        return the_object(self._client.post("/v1/fleet/lost", {"host": host}))

    def fleet_tasks(self) -> JsonObject:
        """Ask the daemon for the tasks of these hosts."""
        return the_object(self._client.get("/v1/fleet/tasks"))

    def fleet_runs(self, query: RunQuery) -> list[JsonObject]:
        """Ask the daemon for runs of these hosts; no more than `LARGEST_PART`."""
        return objects(self._client.get("/v1/fleet/runs", _query(query)))

    def run(self, name: str) -> JsonObject:
        """Ask the daemon."""
        return the_object(self._client.get(f"/v1/runs/{name}"))


def _at(at: Instant | None) -> list[tuple[str, str]]:
    return [] if at is None else [("at", rfc3339(at) or "")]


def _query(query: RunQuery) -> list[tuple[str, str]]:
    given = {
        "task": query.task,
        "since": rfc3339(query.since) or "",
        "until": rfc3339(query.until) or "",
        "action": ",".join(query.actions),
        "limit": str(query.limit),
    }
    return [(name, value) for name, value in given.items() if value]


def is_run(name: str) -> bool:
    """Whether it is TASK/NUMBER rather than a task. Raises Failure if it can be neither."""
    task, slash, number = name.partition("/")
    if slash and not (task and number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER):
        msg = f"{name!r} is neither a task nor a run"
        raise Failure(msg, hint="a run is a run id, or TASK/NUMBER", code=ExitCode.NOT_FOUND)
    return bool(slash)


def may_be_run_id(name: str) -> bool:
    """Whether it may be the beginning of a run id: at least 8 hexadecimal digits."""
    digits = name.replace("-", "")
    return len(digits) >= 8 and all(digit in "0123456789abcdefABCDEF" for digit in digits)  # noqa: PLR2004 - as documented


def find(source: Backend, name: str) -> tuple[str, JsonObject]:
    """Find a task or a run of that name: return `task` or `run`, and everything about it."""
    if is_run(name):
        return "run", source.run(name)
    try:
        return "task", source.task(name)
    except Failure as failure:
        if failure.code is not ExitCode.NOT_FOUND or not may_be_run_id(name):
            raise
    return "run", source.run(name)
