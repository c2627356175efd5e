"""What `check` prints."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from rocketd.config.load_result import FileOutcome, LoadResult
from rocketd.core.escaping import visible
from rocketd.core.plural import counted
from rocketd.core.scheduler.outlook import immediate_starts

_MAX_NAMES: Final = 10
"""The most task names in one sentence."""


def check_text(loaded: LoadResult) -> str:
    """Return each problem, each ignored file and disabled task with the reason, what starts at once, and a summary."""
    lines = [*map(str, loaded.problems), *_without_effect(loaded), *_disabled(loaded), *_immediate_starts(loaded)]
    return "\n".join([*lines, _summary(loaded)])


def check_json(loaded: LoadResult) -> list[dict[str, str | int]]:
    """Return each problem as an object with stable keys."""
    return [problem.as_json() for problem in loaded.problems]


def _without_effect(loaded: LoadResult) -> Iterator[str]:
    why = {
        FileOutcome.IGNORED: "ignored: task files are named *.toml, and do not begin with a dot",
        FileOutcome.REPLACED: "replaced: another directory has a file of the same name",
        FileOutcome.MASKED: "masks files of the same name: it is empty or a link to /dev/null",
    }
    calendars = {file.path for file in loaded.calendar_files}
    for file in loaded.files:
        if file.outcome in why and file.path not in calendars:
            yield f"{visible(file.path)}: {why[file.outcome]}"


def _disabled(loaded: LoadResult) -> Iterator[str]:
    for task, line in ((one.task, one.line) for one in loaded.disabled):
        yield f"{visible(task.file)}:{line}: task '{task.name}' is disabled: it has enabled = false"


def _immediate_starts(loaded: LoadResult) -> Iterator[str]:
    if loaded.source.at is None:
        return
    starts = immediate_starts(loaded.tasks, loaded.source.at, host=os.uname().nodename, known=loaded.source.known)
    if starts.starting:
        yield _new("at once", starts.starting)
    if starts.splayed:
        yield _new("after their splay", starts.splayed)
    if len(starts.observed) > _MAX_NAMES:
        names = [name for some in starts.observed.values() for name in some]
        yield _new("as soon as what they await is observed", names)
        return
    for condition, names in starts.observed.items():
        yield _new(f"as soon as {visible(condition)} holds", names)


def _new(when: str, names: Sequence[str]) -> str:
    """Say which tasks start, unless they have been loaded before: the files alone do not tell."""
    return f"if they are new, these tasks start {when}: {_names(names)}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")


def _summary(loaded: LoadResult) -> str:
    errors = sum(problem.severity == "error" for problem in loaded.problems)
    notes = sum(problem.severity == "note" for problem in loaded.problems)
    warnings = len(loaded.problems) - errors - notes
    counts = [counted(len(loaded.tasks), "task")]
    counts += [f"{len(loaded.disabled)} disabled"] if loaded.disabled else []
    counts += [counted(number, what) for number, what in ((errors, "error"), (warnings, "warning")) if number]
    counts += [] if errors or warnings else ["no problems"]
    return ", ".join([*counts, *([counted(notes, "note")] if notes else [])])
