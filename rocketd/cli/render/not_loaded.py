"""What of the task files is not loaded, as people read it: the same from a daemon and from the files themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rocketd.cli.json_fields import number, objects, text, words
from rocketd.cli.render.cells import joined
from rocketd.core.escaping import visible
from rocketd.core.messages.file_problems import FileProblems
from rocketd.core.plural import counted
from rocketd.daemon.json_format import JsonObject

DIRECTORY: Final = "/etc/rocketd"
SHOWN: Final = 5
"""How many files, and how many tasks of one, are named."""


def file_problems(told: JsonObject) -> FileProblems:
    """Read how much is wrong in the task files; of a daemon that only knows one number, all of them are errors."""
    counts = told.get("file_problems")
    if not isinstance(counts, dict):
        return FileProblems(errors=number(told, "problems") or 0)
    return FileProblems(**{name: number(counts, name) or 0 for name in FileProblems._fields})


def no_tasks(told: JsonObject) -> list[str]:
    """Say why the list is empty, and where task files are read."""
    directories, problems = words(told, "directories"), file_problems(told)._replace(warnings=0)
    where = DIRECTORY if DIRECTORY in directories or not directories else directories[-1]
    if problems.files:
        why = f"{counted(problems.files, 'file')} {'has' if problems.files == 1 else 'have'} errors: rocketctl check."
    elif any(problems):
        why = f"Task files have errors ({problems}): rocketctl check."
    else:
        why = f"Drop a file into {where} and run rocketctl reload."
    read = [f"Task files are read in {joined(directories, 'and')}."] if directories else []
    return [*map(visible, [f"No tasks are loaded. {why}", *read]), *footer(told)]


def footer(told: JsonObject) -> Iterator[str]:
    """Name the files that are not loaded, and how many tasks are missing because of that."""
    files = objects(told.get("not_loaded"))
    for one in files[:SHOWN]:
        yield visible(f"{_what(one)}: {_why(one)}")
    if len(files) > SHOWN:
        yield f"… and {len(files) - SHOWN} more; see rocketctl check."


def _what(one: JsonObject) -> str:
    file, names = text(one, "file"), words(one, "tasks")
    match text(one, "outcome"):
        case "kept":
            missing = f", and {_named(names)} missing" if names else ""
            return f"{file} has errors, so its last good tasks stay{missing}"
        case "bad":
            missing = f", and its {counted(len(names), 'task')} {_are(names)} missing" if names else ""
            return f"{file} is not loaded{missing.replace('its 1 task', 'its task')}"
    return f"{_named(names)} not loaded from {file}"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown}{', …' if len(names) > SHOWN else ''} {_are(names)}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _why(one: JsonObject) -> str:
    line, problem = number(one, "line"), text(one, "problem")
    return f"line {line}: {problem}" if line else problem


def missing_one(told: JsonObject, name: str) -> str:
    """Say where the task of this name is written, if it is not loaded because of an error; empty: it is not that."""
    for one in objects(told.get("not_loaded")):
        if name in words(one, "tasks"):
            not_loaded = "but not loaded" if text(one, "outcome") == "loaded" else "which is not loaded"
            return visible(f"{name} is in {text(one, 'file')}, {not_loaded}: {_why(one)}")
    return ""


def unread(told: JsonObject) -> str:
    """Name a file of which not even the names of its tasks are known; empty: there is none."""
    for one in objects(told.get("not_loaded")):
        if text(one, "outcome") == "bad" and not words(one, "tasks"):
            return f"it may be in {text(one, 'file')}, which is not loaded: {text(one, 'problem')}"
    return ""
