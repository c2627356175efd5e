"""What `check` prints."""

import platform
from collections.abc import Iterator, Sequence
from typing import Final

from rocketd.config.load_result import FileOutcome, LoadResult
from rocketd.core.escaping import visible
from rocketd.core.plural import counted
from rocketd.core.scheduler.outlook import immediate_starts

_SHOWN: Final = 10
"""How many names of tasks a sentence can bear."""


def check_text(loaded: LoadResult) -> str:
    """Every problem, every file and task that does not count and why, what runs at once, and a sentence on all."""
    lines = [*map(str, loaded.problems), *_without_effect(loaded), *_disabled(loaded), *_at_once(loaded)]
    return "\n".join([*lines, _summary(loaded)])


def check_json(loaded: LoadResult) -> list[dict[str, str | int]]:
    """Every problem as an object with stable keys."""
    return [problem.as_json() for problem in loaded.problems]


def _without_effect(loaded: LoadResult) -> Iterator[str]:
    why = {
        FileOutcome.IGNORED: "ignored: task files are named *.toml, and do not begin with a dot",
        FileOutcome.REPLACED: "replaced: another directory has a file of the same name",
        FileOutcome.MASKED: "masks files of the same name: it is empty or a link to /dev/null",
    }
    for file in loaded.files:
        if file.outcome in why:
            yield f"{visible(file.path)}: {why[file.outcome]}"


def _disabled(loaded: LoadResult) -> Iterator[str]:
    for task, line in ((one.task, one.line) for one in loaded.disabled):
        yield f"{visible(task.file)}:{line}: task '{task.name}' is disabled: it has enabled = false"


def _at_once(loaded: LoadResult) -> Iterator[str]:
    if loaded.source.at is None:
        return
    told = immediate_starts(loaded.tasks, loaded.source.at, host=platform.node(), known=loaded.source.known)
    if told.starting:
        yield f"{_FIRST} would start at once: {_some(told.starting)}"
    if told.splayed:
        yield f"{_FIRST} would start after their splay: {_some(told.splayed)}"
    if len(told.observed) > _SHOWN:
        names = [name for some in told.observed.values() for name in some]
        yield f"{_FIRST} would start as soon as what they await is observed: {_some(names)}"
        return
    for condition, names in told.observed.items():
        yield f"{_FIRST} would start as soon as {visible(condition)} holds: {_some(names)}"


_FIRST: Final = "loaded for the first time now, these tasks"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _summary(loaded: LoadResult) -> str:
    errors = sum(problem.severity == "error" for problem in loaded.problems)
    notes = sum(problem.severity == "note" for problem in loaded.problems)
    warnings = len(loaded.problems) - errors - notes
    counts = [counted(len(loaded.tasks), "task")]
    counts += [f"{len(loaded.disabled)} disabled"] if loaded.disabled else []
    counts += [counted(number, what) for number, what in ((errors, "error"), (warnings, "warning")) if number]
    counts += [] if errors or warnings else ["no problems"]
    return ", ".join([*counts, *([counted(notes, "note")] if notes else [])])
