"""What the reading verbs ask, and the daemon as the one that answers."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from rocketd.cli.backend.http_client import Client
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import instant, objects, text, the_object
from rocketd.core.instant import Instant
from rocketd.daemon.json_format import JsonObject, rfc3339

LONGEST_NUMBER: Final = 18
"""Digits that fit a store."""

LARGEST_PART: Final = 10_000
"""How many runs the daemon is asked for at once."""


class RunQuery(NamedTuple):
    """Which runs to look at, newest first."""

    task: str = ""
    since: Instant | None = None
    until: Instant | None = None
    actions: Sequence[str] = ()
    limit: int = 1


class Backend(Protocol):
    """What the reading verbs ask. Everything raises Failure."""

    def tasks(self) -> list[JsonObject]:
        """Every loaded task."""
        ...

    def files(self, *, always: bool = False) -> JsonObject:
        """What is wrong in the task files: `file_problems`, `not_loaded`, and the `directories` that are read.

        Unless it is asked for `always`, nothing is told where the answer before has shown that all is loaded.
        """
        ...

    def task(self, name: str) -> JsonObject:
        """Everything about one."""
        ...

    def why(self, name: str, at: Instant | None) -> JsonObject:
        """What a task's condition says now, or at that instant."""
        ...

    def why_all(self, at: Instant | None) -> Iterator[list[JsonObject]]:
        """What the condition of each loaded task says, by name, some at a time."""
        ...

    def runs(self, wanted: RunQuery) -> list[JsonObject]:
        """Runs, newest first."""
        ...

    def part(self, wanted: RunQuery, after: int) -> JsonObject:
        """Some `runs` after this place in the log, the first recorded first, and the `next` place, null at the end."""
        ...

    def run(self, name: str) -> JsonObject:
        """Everything about one; `name` is a run id, its beginning, or TASK/NUMBER."""
        ...


class DaemonBackend:
    """The daemon as a source."""

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
        """Ask the daemon, which itself says how many it explains at a time."""
        after: str | None = ""
        while after is not None:
            part = the_object(self._client.get("/v1/why", [*_at(at), ("after", after)]))
            yield objects(part.get("answers"))
            after = text(part, "next") or None

    def runs(self, wanted: RunQuery) -> list[JsonObject]:
        """Ask the daemon, for no more at a time than it gives."""
        found: dict[str, JsonObject] = {}
        part = wanted
        while True:
            asked = part._replace(limit=min(wanted.limit - len(found) + bool(found), LARGEST_PART))
            runs = objects(self._client.get("/v1/runs", _query(asked)))
            before = len(found)
            found.update((text(run, "run_id"), run) for run in runs)
            last = instant(runs[-1], "start") if runs else None
            if len(found) >= wanted.limit or len(runs) < asked.limit or len(found) == before or last is None:
                return list(found.values())[: wanted.limit]
            part = wanted._replace(until=last + 1)  # those of the same microsecond come again, and count once

    def part(self, wanted: RunQuery, after: int) -> JsonObject:
        """Ask the daemon, which itself says how much it gives at a time."""
        asked = [pair for pair in _query(wanted) if pair[0] != "limit"]
        return the_object(self._client.get("/v1/log", [*asked, ("after", str(after))]))

    def run(self, name: str) -> JsonObject:
        """Ask the daemon."""
        return the_object(self._client.get(f"/v1/runs/{name}"))


def _at(at: Instant | None) -> list[tuple[str, str]]:
    return [] if at is None else [("at", rfc3339(at) or "")]


def _query(wanted: RunQuery) -> list[tuple[str, str]]:
    given = {
        "task": wanted.task,
        "since": rfc3339(wanted.since) or "",
        "until": rfc3339(wanted.until) or "",
        "action": ",".join(wanted.actions),
        "limit": str(wanted.limit),
    }
    return [(name, value) for name, value in given.items() if value]


def is_run(name: str) -> bool:
    """Whether it can be no task, only TASK/NUMBER. Raises Failure for what can be neither."""
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
    """Look for a task or a run of that name: `task` or `run`, and everything about it."""
    if is_run(name):
        return "run", source.run(name)
    try:
        return "task", source.task(name)
    except Failure as failure:
        if failure.code is not ExitCode.NOT_FOUND or not may_be_run_id(name):
            raise
    return "run", source.run(name)
