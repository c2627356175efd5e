"""The parameters of a request: in the query of a GET, in the JSON object that is the body of a POST.

They are validated, not trusted: a value of the wrong type is an error with a clear message.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from rocketd.core.errors import ConditionError
from rocketd.core.escaping import storable
from rocketd.core.instant import Instant
from rocketd.core.model.fleet_filter import FleetRunName
from rocketd.core.model.run import Action
from rocketd.core.model.task_patterns import check_patterns, is_pattern
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339
from rocketd.web.errors import BadRequest
from rocketd.web.limits import MAX_HOST, MAX_PATTERN


class RequestParameters(NamedTuple):
    """The parameters of one request: each method returns one of them, and raises BadRequest if it is not valid."""

    name: str
    """The task or the run in the path."""
    values: Mapping[str, Json]
    by: str
    """Who sends the request, for messages: `bob (uid 1000)`."""
    only: tuple[str, ...] | None = None
    """The tasks that the client may see; None: all."""
    describe: Callable[[str], JsonObject] = lambda by: {"by": by}
    """Describes the client to itself."""

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str | None):
            raise BadRequest(f"{name} must be a string")
        if value and storable(value) != value:
            raise BadRequest(f"{name} contains half a character, a lone surrogate", hint="is it UTF-8?")
        return value or ""

    def flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise BadRequest(f"{name} must be true or false")
        return value

    def flag_word(self, name: str) -> bool:
        """A flag in a query."""
        text = self.text(name) or "false"
        if text not in {"true", "false"}:
            raise BadRequest(f"{name} must be true or false, not {text[:40]!r}")
        return text == "true"

    def word(self, name: str, known: Collection[str]) -> str:
        text = self.text(name)
        if text and text not in known:
            raise BadRequest(f"{text[:40]!r} is not known as {name}", hint=f"allowed: {', '.join(known)}")
        return text

    def pattern(self, name: str) -> str:
        """A part of a text, or a pattern as in a shell."""
        text = self.text(name)
        if len(text) > MAX_PATTERN:
            raise BadRequest(f"{name} may have at most {MAX_PATTERN} characters, not {len(text)}")
        if is_pattern(text):
            try:
                check_patterns([text])
            except ConditionError as error:
                raise BadRequest(error.message, hint=error.hint) from None
        return text

    def task_place(self, name: str) -> tuple[int, str] | None:
        """Where a page of tasks begins: NUMBER/TASK."""
        text = self.text(name)
        found = re.fullmatch("(-?[0-9]{1,19})/([^/]{1,300})", text)
        if text and not found:
            raise _no_place(name, text)
        return (int(found[1]), found[2]) if found else None

    def host(self, name: str) -> str:
        """The name of a host of a fleet, whether there is one or not."""
        text = self.text(name)
        if len(text) > MAX_HOST:
            raise BadRequest(f"{name} may have at most {MAX_HOST} characters, not {len(text)}")
        return text

    def fleet_place(self, name: str) -> tuple[str, str] | None:
        """Where a page of the tasks of all hosts begins: TASK/HOST."""
        text = self.text(name)
        found = re.fullmatch(f"([^/]{{1,300}})/([^/]{{1,{MAX_HOST}}})", text)
        if text and not found:
            raise _no_place(name, text)
        return (found[1], found[2]) if found else None

    def fleet_run(self, name: str) -> FleetRunName | None:
        """A run of some host: HOST/SCOPE/RUN_ID."""
        text = self.text(name)
        found = re.fullmatch(f"([^/]{{1,{MAX_HOST}}})/([^/]{{1,{MAX_HOST}}})/(.{{1,{MAX_HOST}}})", text)
        if text and not found:
            raise _no_place(name, text)
        return FleetRunName(found[1], found[2], found[3]) if found else None

    def log_place(self, name: str) -> tuple[float, int] | None:
        """Where a page of the log begins: SECONDS/ROW."""
        text = self.text(name)
        found = re.fullmatch(r"(-?[0-9]{1,12}(?:\.[0-9]{1,9})?)/([0-9]{1,18})", text)
        if text and not found:
            raise _no_place(name, text)
        return (float(found[1]), int(found[2])) if found else None

    def words(self, name: str, known: Collection[str]) -> frozenset[str]:
        words = [word for word in self.text(name).split(",") if word]
        for word in words:
            if word not in known:
                raise BadRequest(f"{word[:40]!r} is not known as {name}", hint=f"allowed: {', '.join(known)}")
        return frozenset(words)

    def instant(self, name: str) -> Instant | None:
        text = self.text(name)
        try:
            return from_rfc3339(text) if text else None
        except ValueError:
            hint = "write it as 2026-11-24T10:00:00+00:00"
            raise BadRequest(f"{name} must be an RFC 3339 instant, not {text[:40]!r}", hint=hint) from None

    def number(self, name: str, default: int, maximum: int) -> int:
        text = self.text(name) or str(default)
        if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= maximum:
            raise BadRequest(f"{name} must be a number from 1 to {maximum}, not {text[:40]!r}")
        return int(text)

    def cursor(self, name: str) -> int:
        text = self.text(name) or "0"
        if not re.fullmatch("[0-9]{1,18}", text):
            raise _no_place(name, text)
        return int(text)

    def actions(self, name: str) -> tuple[Action, ...]:
        words = [word for word in self.text(name).split(",") if word]
        for word in words:
            if word not in set(Action):
                raise BadRequest(f"{word[:40]!r} is not an action", hint=f"allowed: {', '.join(Action)}")
        return tuple(Action(word) for word in words)


def _no_place(name: str, text: str) -> BadRequest:
    return BadRequest(f"{name} must be the `next` of the previous page, not {text[:40]!r}")


def query_parameters(query: str) -> Mapping[str, Json]:
    """Parse the query of a GET; raises BadRequest."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20))
    except ValueError:
        raise BadRequest("the query cannot be read", hint="write it as ?name=value&name=value") from None


def body_parameters(body: bytes) -> Mapping[str, Json]:
    """Parse the body of a POST, a JSON object or nothing; raises BadRequest."""
    try:
        value: Json = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(value, dict):
        raise BadRequest('the body must be a JSON object, such as {"as_scheduled": true}')
    return value
