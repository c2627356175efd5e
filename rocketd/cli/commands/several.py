"""Does the same with several tasks: names, patterns, tags or all; asks before it is about more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.cli.backend.fallback import with_suggestion
from rocketd.cli.backend.http_client import Client
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import flag, objects, text
from rocketd.cli.prompt import ask
from rocketd.cli.render.terminal import Terminal
from rocketd.cli.selection import active, is_meant, is_pattern, no_match
from rocketd.core.plural import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocketd.cli.context import Context
    from rocketd.daemon.json_format import Json, JsonObject

_NAMED: Final = 10
"""How many names to show in a question."""


class TaskAction(NamedTuple):
    """What is done with each task."""

    verb: str
    """As a question begins: `Pause`."""
    do: Callable[[Context], ExitCode | int]
    """Does it with the one task or run in `choices.subject`; raises Failure."""
    state: str = ""
    """The field that a task must have set to be meant by a pattern or by --all; empty: none."""


def for_each(call: Context, operation: TaskAction) -> ExitCode | int:
    """Do it with everything that is named; return the first exit code that is not 0. Raises Failure."""
    names = _names(call, operation)
    if len(names) == 1:
        return _one(_about(call, names[0]), operation)
    if not names:
        call.terminal.note(f"nothing to {operation.verb.lower()}: no task that is meant is {operation.state}")
        return ExitCode.DONE
    if not call.choices.yes and ask(_question(operation, names), "yn") == "n":
        return ExitCode.FAILED
    return _all(call, operation, names)


def _one(call: Context, operation: TaskAction) -> ExitCode | int:
    try:
        return operation.do(call)
    except Failure as failure:
        raise with_suggestion(failure, call.choices) from failure.__cause__


def _question(operation: TaskAction, names: list[str]) -> str:
    more = ", …" if len(names) > _NAMED else ""
    return f"{operation.verb} {counted(len(names), 'task')}: {', '.join(names[:_NAMED])}{more}?"


def _about(call: Context, name: str) -> Context:
    return call._replace(choices=call.choices._replace(subject=name))


def _all(call: Context, operation: TaskAction, names: list[str]) -> ExitCode | int:
    """Go on after an error: the others are meant as well."""
    collecting = _JsonChannel(call.terminal)
    first: ExitCode | int = ExitCode.DONE
    for name in names:
        one = _about(call._replace(terminal=collecting), name)
        try:
            code = _one(one, operation)
        except Failure as error:
            call.terminal.error(error.message, error.hint, error.quoted)
            code = error.code
        first = first or code
        if code == ExitCode.INTERRUPTED:
            break
    if call.choices.json:
        call.terminal.json(collecting.values)
    return first


class _JsonChannel(Terminal):
    """A terminal that keeps JSON, so that the answers about several tasks are one array."""

    def __init__(self, terminal: Terminal) -> None:
        self.__dict__.update(terminal.__dict__)
        self.values: list[Json] = []

    def json(self, value: Json) -> None:
        self.values.append(value)


def _names(call: Context, operation: TaskAction) -> list[str]:
    """Return the names that are meant, each once, in the order given; raises Failure."""
    choices = call.choices
    if not choices.every and not any(map(is_pattern, choices.subjects)):
        return [*dict.fromkeys(choices.subjects)]
    tasks = active(objects(Client(choices.socket).get("/v1/tasks")))
    found: dict[str, None] = {}
    for name in choices.subjects or ("*",):
        if not is_pattern(name):
            found[name] = None
            continue
        matching = [task for task in tasks if is_meant(name, task)]
        if not matching and not choices.every:
            raise no_match(name, tasks)
        found |= {text(task, "task"): None for task in matching if _is_meant_now(operation, task)}
    return [*found]


def _is_meant_now(operation: TaskAction, task: JsonObject) -> bool:
    return not operation.state or flag(task, operation.state)
