"""The keys of hooks: `on_fail` and its kin, of a task and of every task."""

import shlex
from collections.abc import Iterator
from typing import Any, Final

from rocketd.config import value_types
from rocketd.config.problems import BadValue
from rocketd.config.setting import Setting, Values, table
from rocketd.config.value_types import ValueType
from rocketd.core.instant import MINUTE, Duration
from rocketd.core.model.task import TaskHooks

DEFAULT_TIMEOUT: Final[Duration] = MINUTE


def hook(value: object) -> tuple[str, ...]:
    """Take a program and its arguments as a list, or the text for a shell; empty: no hook."""
    if value in ("", []):
        return ()
    command = value_types.command(value)
    if isinstance(command, str):
        return ("/bin/sh", "-c", command)
    if not command[0].startswith("/"):
        hint = f"write it for a shell: {shlex.join(command)!r}"
        raise BadValue(f"'{command[0]}' is not an absolute path", hint, path=(0,))
    return command


_HOOK: Final = ValueType("list of strings, or string", hook)


def _on(occasion: str, meaning: str) -> Setting[tuple[str, ...] | None]:
    return Setting[tuple[str, ...] | None](f"on_{occasion}", _HOOK, None, "that of `[hooks]`", meaning)


_WHAT: Final = (
    "A hook: a command that is run, with the rights of the task, {when}. A string is for `/bin/sh`, a list is a "
    'program with its arguments. `""` is none.'
)
_WHEN: Final = {
    "start": "when a run has started",
    "success": "when a run has succeeded",
    "fail": "when a run has failed, timed out or crashed",
    "missed": "when scheduled runs were missed",
    "end": "when a run has ended, whatever its result",
    "recovered": "when a run has succeeded after failures",
    "overdue": "when the task has not succeeded for `max_age`",
    "slow": "when a run takes longer than `slow_after`",
}
_HOOKS: Final = tuple(_on(occasion, _WHAT.format(when=when)) for occasion, when in _WHEN.items())
HOOK_TIMEOUT: Final = Setting[Duration | None](
    "hook_timeout",
    ValueType("duration", value_types.duration(1)),
    None,
    "that of `[hooks]`",
    "How long a hook of the task may take; then it is stopped.",
)
HOOKS_OF_TASK: Final = (*_HOOKS, HOOK_TIMEOUT)

_TIMEOUT: Final = Setting[Duration | None](
    "timeout", HOOK_TIMEOUT.kind, DEFAULT_TIMEOUT, "`1 min`", "How long a hook may take; then it is stopped."
)


def _of_every_task() -> Iterator[Setting[object]]:
    for one in _HOOKS:
        yield Setting(one.key, one.kind, None, "none", f"The `{one.key}` of tasks that set none themselves.")
    yield _TIMEOUT


HOOKS: Final = table(*_of_every_task())
NO_HOOKS: Final = TaskHooks(timeout=DEFAULT_TIMEOUT)
"""Those of every task if nothing is written."""


def hooks_of(values: Values, timeout: Setting[Duration | None] = HOOK_TIMEOUT) -> TaskHooks:
    """Put together the hooks that were written."""
    hooks: dict[str, Any] = {occasion: values[one] for occasion, one in zip(_WHEN, _HOOKS, strict=True)}
    return TaskHooks(**hooks, timeout=values[timeout])


def hooks_of_every_task(values: Values) -> TaskHooks:
    """Put together those of `[hooks]`."""
    return hooks_of(values, _TIMEOUT)
