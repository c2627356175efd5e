"""Which tasks are meant: names, patterns as in a shell, and `tag:NAME`."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import flag, text, words
from rocketd.core.escaping import visible
from rocketd.core.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rocketd.daemon.json_format import JsonObject

_TAG = "tag:"
_GLOB = "*?["
_TIMES = re.compile(r'\b(?:cron|calendar)\("[^"]*"')
"""The arguments of words that name no task, in the normal form of conditions."""


def is_pattern(name: str) -> bool:
    """Whether it may mean several tasks."""
    return name.startswith(_TAG) or any(sign in name for sign in _GLOB)


def is_meant(pattern: str, task: JsonObject) -> bool:
    """Whether a name or pattern is about the task."""
    if pattern.startswith(_TAG):
        return any(fnmatchcase(tag, pattern.removeprefix(_TAG)) for tag in words(task, "tags"))
    return fnmatchcase(text(task, "task"), pattern)


def meant(patterns: Sequence[str], tasks: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the tasks that any of the patterns is about; all of them if there are no patterns."""
    return [task for task in tasks if not patterns or any(is_meant(pattern, task) for pattern in patterns)]


def unmatched(patterns: Iterable[str], tasks: Sequence[JsonObject]) -> str:
    """Return the first name or pattern that is about no task; empty: there is none."""
    return next((one for one in patterns if not any(is_meant(one, task) for task in tasks)), "")


def no_match(name: str, tasks: Sequence[JsonObject], elsewhere: str = "") -> Failure:
    """Return the error for a name or pattern that is about no task; `elsewhere`: in which broken file it is."""
    if is_pattern(name):
        return Failure(f"no task matches {name!r}", hint="see rocketctl list", code=ExitCode.NOT_FOUND)
    if elsewhere:
        return Failure(elsewhere, hint="rocketctl check shows it", code=ExitCode.NOT_FOUND)
    hint = did_you_mean(name, [text(task, "task") for task in tasks]) or "see rocketctl list"
    return Failure(f"no task {name!r} is loaded", hint=hint, code=ExitCode.NOT_FOUND)


def unmatched_in_conditions(tasks: Sequence[JsonObject], of: Sequence[JsonObject]) -> Iterator[str]:
    """Yield a sentence for each pattern in a condition of `tasks` that matches no other task `of` all."""
    suspects = [task for task in active(tasks) if _may_have_pattern(text(task, "when"))]
    if not suspects:
        return
    from rocketd.core.errors import ConditionError  # noqa: PLC0415 - few conditions have any
    from rocketd.core.history.selections import PatternLookup  # noqa: PLC0415 - as above
    from rocketd.core.language.parser import read  # noqa: PLC0415 - as above

    matches = PatternLookup({text(task, "task"): tuple(words(task, "tags")) for task in active(of)})
    for task in suspects:
        with suppress(ConditionError):  # of a newer daemon
            for pattern in matches.unmatched(read(text(task, "when"), lambda _: UTC).selections(), text(task, "task")):
                yield visible(f"{text(task, 'task')}: no other task matches '{pattern}'; see rocketctl check.")


def _may_have_pattern(condition: str) -> bool:
    """Whether it is worth reading: most asterisks are those of cron lines."""
    rest = _TIMES.sub("", condition)
    return any(sign in rest for sign in (*_GLOB, _TAG))


def active(tasks: Iterable[JsonObject]) -> list[JsonObject]:
    """Return those that are not disabled."""
    return [task for task in tasks if not flag(task, "disabled")]
