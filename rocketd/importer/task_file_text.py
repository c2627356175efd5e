"""The text of a task file: a header, then each task below the lines that it comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.importer.toml_text import key, toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rocketd.importer.task_draft import ImportedFile, NotImported, TaskDraft, Value

_ORDER: Final = (
    *("description", "enabled", "when", "on", "splay", "timezone", "command", "shell", "user", "group", "directory"),
    *("umask", "nice", "limits", "environment_files", "timeout", "kill_grace", "success_codes", "output_file"),
    *("output_limit", "mail"),
)
_LONGEST: Final = 110
"""A table that does not fit into a line of this length gets lines of its own."""


def task_file_text(file: ImportedFile) -> str:
    """Return the whole file."""
    lines = [f"# Imported from {file.source} by `rocketctl import`.", *(f"# {sentence}" for sentence in file.header)]
    shared = _shared_environment(file.drafts)
    if shared:
        lines += ["", "[defaults.environment]", *_lines(shared)]
    for draft in file.drafts:
        lines += ["", *_task(draft, shared)]
    for one in file.rejected:
        lines += ["", *_rejected(one)]
    return "\n".join(_harmless(line) for line in lines) + "\n"


def _shared_environment(drafts: list[TaskDraft]) -> dict[str, str]:
    """Return the variables that all of several tasks have."""
    if len(drafts) < 2:  # noqa: PLR2004 - one shares with nobody
        return {}
    first, *others = (draft.environment for draft in drafts)
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _task(draft: TaskDraft, shared: dict[str, str]) -> Iterator[str]:
    yield f"# {draft.origin}"
    yield from (f"#   {line}" for text in draft.original for line in text.split("\n"))
    yield from (f"# {note}" for note in draft.notes)
    yield from (f"# No equivalent: {one}" for one in draft.missing)
    yield f"[task.{key(draft.name)}]"
    settings: dict[str, Value] = {**draft.settings, **({"when": draft.when} if draft.when else {})}
    settings = {name: settings.pop(name) for name in _ORDER if name in settings} | settings
    own = {name: value for name, value in draft.environment.items() if shared.get(name) != value}
    tables: dict[str, Mapping[str, Value]] = {"environment": own} if own else {}
    for name, value in settings.items():
        if isinstance(value, dict) and len(toml(value)) > _LONGEST:
            tables[name] = value
        else:
            yield f"{name} = {toml(value)}"
    for name, table in tables.items():
        yield from (f"[task.{key(draft.name)}.{name}]", *_lines(table))


def _lines(table: Mapping[str, Value]) -> list[str]:
    return [f"{key(name)} = {toml(value)}" for name, value in table.items()]


def _rejected(one: NotImported) -> list[str]:
    return [f"# NOT IMPORTED: {one.origin}: {one.why}", *(f"#   {line}" for line in one.original.split("\n") if line)]


def _harmless(line: str) -> str:
    """Control characters, which TOML does not allow in comments, become visible there."""
    return (
        re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", line) if line[:1] == "#" else line
    )
