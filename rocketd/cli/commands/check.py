"""Problems of task files, from the files themselves or from the daemon."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.cli.exit_codes import ExitCode, UsageError
from rocketd.cli.json_fields import number, text
from rocketd.cli.render.changes import change_lines
from rocketd.cli.render.details import coloured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rocketd.cli.context import Context
    from rocketd.cli.render.changes import TaskChange
    from rocketd.config.load_result import LoadResult
    from rocketd.config.problems import Problem, Severity
    from rocketd.daemon.json_format import Json, JsonObject


def check(call: Context) -> ExitCode:
    """`rocketctl check [PATH…]`; warnings alone are no failure."""
    from rocketd.cli.backend.daemon_rights import daemon_is_confined  # noqa: PLC0415 - as below
    from rocketd.cli.backend.loaded_files import checked  # noqa: PLC0415 - only this verb always reads the files
    from rocketd.config.check_report import check_json, check_text  # noqa: PLC0415 - as above

    confined = daemon_is_confined(call.choices.socket)
    loaded = _with_duplicates(checked(call.choices, call.now, confined=confined))
    if call.choices.json:
        answer: list[Json] = [{**problem} for problem in check_json(loaded)]
        call.terminal.json({"problems": answer, "changes": [*_changes_json(call)]} if call.choices.diff else answer)
    else:
        lines = coloured(check_text(loaded), loaded.problems, call.look).split("\n")
        call.terminal.show([*lines, "", *change_lines(_changes(call), call.look)] if call.choices.diff else lines)
    return ExitCode.DONE if loaded.valid else ExitCode.FAILED


def _with_duplicates(loaded: LoadResult) -> LoadResult:
    """Add a warning about each task whose command still stands in a crontab or timer of this host."""
    from rocketd.config.problems import Problem  # noqa: PLC0415 - as above
    from rocketd.importer.duplicates import duplicates, requests  # noqa: PLC0415 - as above

    tasks = [task for task in loaded.tasks if "duplicate" not in task.ignored_warnings]
    found = [
        Problem(
            task.file,
            1,
            1,
            task.name,
            "warning",
            f"the same command still stands in {origin}, so it runs twice",
            "rocketctl import --disable switches that off; or remove it there, or here",
        )
        for task, origin in duplicates(tasks, requests())
    ]
    return replace(loaded, problems=(*loaded.problems, *found)) if found else loaded


def _changes(call: Context) -> Sequence[TaskChange]:
    """Return what the given files change in those that are installed, or in those of --against; raises UsageError."""
    from rocketd.cli.commands.task_changes import changes  # noqa: PLC0415 - only for --diff
    from rocketd.config import DEFAULT_DIRECTORIES, load  # noqa: PLC0415 - as above

    choices, strict = call.choices, os.geteuid() == 0
    if not choices.paths:
        msg = "--diff needs the files that are to be compared with the installed ones"
        raise UsageError(msg)
    given = [Path(one) for one in choices.paths]
    against = [Path(choices.against)] if choices.against else [Path(one) for one in choices.config_dir]
    old = load(against or DEFAULT_DIRECTORIES, strict=strict)
    new = load([*(against or DEFAULT_DIRECTORIES), *given], strict=strict)
    files = [file for path in given for file in (sorted(path.glob("*.toml")) if path.is_dir() else [path])]
    own = load(given, strict=strict, known=[task.name for task in old.tasks])
    others = [task for task in new.tasks if task.name not in {one.name for one in own.tasks}]
    return changes(call, old, replace(new, tasks=(*own.tasks, *others)), files)


def _changes_json(call: Context) -> Iterator[JsonObject]:
    from rocketd.cli.render.changes import change_object  # noqa: PLC0415 - only for --diff
    from rocketd.daemon.json_format import rfc3339  # noqa: PLC0415 - as above

    for one in _changes(call):
        yield change_object(one, [rfc3339(at) for at in (*one.before, *one.after)])


_SEVERITIES: Final[dict[str, Severity]] = {"warning": "warning", "note": "note"}


def from_json(answer: Iterable[JsonObject]) -> list[Problem]:
    """Convert the daemon's JSON back to problems."""
    from rocketd.config.problems import Problem  # noqa: PLC0415 - only where there are problems

    return [
        Problem(
            file=text(one, "file"),
            line=number(one, "line") or 1,
            column=number(one, "column") or 1,
            task=text(one, "task"),
            severity=_SEVERITIES.get(text(one, "severity"), "error"),
            message=text(one, "message"),
            hint=text(one, "hint"),
            source_line=text(one, "source_line"),
            width=number(one, "width") or 1,
            source_column=number(one, "source_column") or 1,
        )
        for one in answer
    ]
