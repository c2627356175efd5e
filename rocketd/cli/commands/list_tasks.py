"""`rocketctl list`: the tasks, all or some, in the order that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.backend import Backend
from rocketd.cli.commands.inspect import ask
from rocketd.cli.exit_codes import ExitCode
from rocketd.cli.json_fields import flag, instant, objects, text, words
from rocketd.cli.overdue import is_overdue
from rocketd.cli.render.not_loaded import footer, missing_one, no_tasks
from rocketd.cli.render.task_table import missing_table, task_table
from rocketd.cli.selection import meant, no_match, unmatched, unmatched_in_conditions
from rocketd.core.instant import FOREVER, Instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rocketd.cli.context import Context
    from rocketd.cli.parser import Choices
    from rocketd.daemon.json_format import JsonObject

FAILURES: Final = frozenset({"fail", "terminate", "crash"})

_FILTERS: Final[dict[str, Callable[[JsonObject, Instant], bool]]] = {
    "failed": lambda task, _: text(task, "last_action") in FAILURES and not _is_interrupted(task),
    "running": lambda task, _: flag(task, "running"),
    "paused": lambda task, _: flag(task, "paused"),
    "overdue": is_overdue,
}
"""The filters without a value, by the field of the option; a task is shown that any of those that are set lets pass."""


def list_tasks(call: Context) -> ExitCode:
    """Show tasks; raises Failure for a name that no task has."""
    choices = call.choices
    if choices.fleet:
        from rocketd.cli.commands.fleet import fleet_list  # noqa: PLC0415 - few calls need it

        return fleet_list(call, lambda tasks: chosen_tasks(tasks, call))
    tasks, files = ask(call, lambda source: _tasks_and_files(source, choices))
    if choices.missing:
        return _show_missing(call, files)
    if name := unmatched(choices.subjects, tasks):
        raise no_match(name, tasks, missing_one(files, name))
    chosen = chosen_tasks(tasks, call)
    if choices.json:
        call.terminal.json([*chosen])
    elif not tasks:
        call.terminal.show(no_tasks(files))
    else:
        told = [*footer(files), *unmatched_in_conditions(chosen, tasks)]
        call.terminal.show([*task_table(chosen, call.look, of=len(tasks)), *told])
    return ExitCode.DONE


def chosen_tasks(tasks: Sequence[JsonObject], call: Context) -> list[JsonObject]:
    """Return the tasks that are asked for, in the order that is asked for."""
    choices = call.choices
    return in_order(_filtered(meant(choices.subjects, tasks), choices, call.now), choices.sort)


def _tasks_and_files(source: Backend, choices: Choices) -> tuple[list[JsonObject], JsonObject]:
    tasks = source.tasks()
    if choices.json and not choices.missing and not choices.subjects:
        return tasks, {}
    return tasks, source.files(always=not tasks or choices.missing)


def _is_interrupted(task: JsonObject) -> bool:
    return text(task, "last_action") == "crash" and text(task, "last_cause") == "shutdown"


def _filtered(tasks: Sequence[JsonObject], choices: Choices, now: Instant) -> list[JsonObject]:
    """Apply the filters: any of the states, and in any case tag and file."""
    states = [wanted for name, wanted in _FILTERS.items() if getattr(choices, name)]
    return [
        task
        for task in tasks
        if (not states or any(wanted(task, now) for wanted in states))
        and (not choices.tag or {*choices.tag} & {*words(task, "tags")})
        and (not choices.from_file or text(task, "file").endswith(choices.from_file))
    ]


def in_order(tasks: Sequence[JsonObject], by: str = "next") -> list[JsonObject]:
    """Sort tasks: by `next`, their next start, `last`, the newest run first, or `name`; the disabled ones come last."""

    def place(task: JsonObject) -> tuple[bool, int, str]:
        last = instant(task, "last_start")
        following = instant(task, "next")
        order = {"next": FOREVER if following is None else following, "last": -(last or 0)}.get(by, 0)
        return flag(task, "disabled"), order, text(task, "task")

    return sorted(tasks, key=place)


def _show_missing(call: Context, files: JsonObject) -> ExitCode:
    """Show the tasks that errors keep from being loaded."""
    found = objects(files.get("not_loaded"))
    if call.choices.json:
        call.terminal.json([*found])
    else:
        call.terminal.show(missing_table(found, call.look))
    return ExitCode.DONE
