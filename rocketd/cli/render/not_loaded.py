"""The task files and tasks that are not loaded, as text: the same from the daemon and from the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rocketd.cli.json_fields import number, objects, text, words
from rocketd.cli.render.terminal_text import joined
from rocketd.core.escaping import visible
from rocketd.core.messages.file_problems import FileProblems
from rocketd.core.plural import counted
from rocketd.daemon.json_format import JsonObject

DIRECTORY: Final = "/etc/rocketd"
SHOWN: Final = 5
"""How many files, and how many tasks of one file, to name."""


def file_problems(answer: JsonObject) -> FileProblems:
    """Return the counts of problems; if a daemon reports only one number, all are errors."""
    counts = answer.get("file_problems")
    if not isinstance(counts, dict):
        return FileProblems(errors=number(answer, "problems") or 0)
    return FileProblems(**{name: number(counts, name) or 0 for name in FileProblems._fields})


def no_tasks(answer: JsonObject) -> list[str]:
    """Return why the list is empty, and where task files are read."""
    directories, problems = words(answer, "directories"), file_problems(answer)._replace(warnings=0)
    where = DIRECTORY if DIRECTORY in directories or not directories else directories[-1]
    if problems.files:
        why = f"{counted(problems.files, 'file')} {'has' if problems.files == 1 else 'have'} errors: rocketctl check."
    elif any(problems):
        why = f"Task files have errors ({problems}): rocketctl check."
    else:
        why = f"Drop a file into {where} and run rocketctl reload."
    read = [f"Task files are read in {joined(directories, 'and')}."] if directories else []
    return [*map(visible, [f"No tasks are loaded. {why}", *read]), *footer(answer)]


def footer(answer: JsonObject) -> Iterator[str]:
    """Yield the files that are not loaded, and their missing tasks."""
    files = objects(answer.get("not_loaded"))
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


def missing_one(answer: JsonObject, name: str) -> str:
    """Return in which file the task of this name is, if an error keeps it from being loaded; else empty."""
    for one in objects(answer.get("not_loaded")):
        if name in words(one, "tasks"):
            not_loaded = "but not loaded" if text(one, "outcome") == "loaded" else "which is not loaded"
            return visible(f"{name} is in {text(one, 'file')}, {not_loaded}: {_why(one)}")
    return ""


def unread(answer: JsonObject) -> str:
    """Return a file in which the task may be, as the names of its tasks are unknown; empty: there is none."""
    for one in objects(answer.get("not_loaded")):
        if text(one, "outcome") == "bad" and not words(one, "tasks"):
            return f"it may be in {text(one, 'file')}, which is not loaded: {text(one, 'problem')}"
    return ""
