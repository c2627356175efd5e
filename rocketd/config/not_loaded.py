"""Which parts of the task files are not loaded, and why: for users who look for a missing task."""

from collections.abc import Iterator
from typing import NamedTuple

from rocketd.config.load_result import FileOutcome, LoadedFile, LoadResult, Missing
from rocketd.config.problems import Problem
from rocketd.core.messages.file_problems import FileProblems


class NotLoaded(NamedTuple):
    """A file of which something is missing, and why. Its keys are promises."""

    file: str
    outcome: str
    """`bad`: nothing of it is loaded; `kept`: its last good tasks stay; `loaded`: only these tasks are missing."""
    tasks: tuple[str, ...]
    """Their names, as far as these are known."""
    line: int
    problem: str
    """The first error."""


def task_files_status(loaded: LoadResult) -> dict[str, object]:
    """The part of `status` about the task files, as in its JSON."""
    return {
        "directories": [str(directory) for directory in loaded.source.directories],
        "file_problems": file_problems(loaded)._asdict(),
        "not_loaded": [{**one._asdict(), "tasks": [*one.tasks]} for one in not_loaded(loaded)],
    }


def file_problems(loaded: LoadResult) -> FileProblems:
    """Count what is wrong in them."""
    bad = [file for file in loaded.files if file.outcome is FileOutcome.BAD]
    kept = [file for file in loaded.files if file.outcome is FileOutcome.KEPT and _errors(file)]
    explained = {problem for file in (*bad, *kept) for problem in _errors(file)}
    absent = {file.path for file in bad}
    alone = [one for one in loaded.missing.values() if one.file not in absent]
    explained.update(one.problem for one in alone)
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    return FileProblems(
        files=len(bad),
        missing=len(loaded.missing) - len(alone),
        kept=len(kept),
        tasks=len(alone),
        errors=sum(problem not in explained for problem in errors),
        warnings=len(loaded.problems) - len(errors),
    )


def not_loaded(loaded: LoadResult) -> list[NotLoaded]:
    """Return each file of which something is missing; one that is otherwise loaded, once for each problem."""
    missing: dict[str, list[Missing]] = {}
    for one in loaded.missing.values():
        missing.setdefault(one.file, []).append(one)
    return [entry for file in loaded.files for entry in _of_file(file, missing.get(file.path, []))]


def _of_file(file: LoadedFile, missing: list[Missing]) -> Iterator[NotLoaded]:
    errors = _errors(file)
    if file.outcome in (FileOutcome.BAD, FileOutcome.KEPT) and errors:
        first = next((problem for problem in errors if problem.excludes_file), errors[0])
        yield _entry(file, first, missing)
        return
    by_problem: dict[str, list[Missing]] = {}
    for one in missing:
        by_problem.setdefault(one.problem.message, []).append(one)
    for same in by_problem.values():
        yield _entry(file, same[0].problem, same)


def _entry(file: LoadedFile, problem: Problem, missing: list[Missing]) -> NotLoaded:
    return NotLoaded(file.path, str(file.outcome), tuple(one.name for one in missing), problem.line, problem.message)


def _errors(file: LoadedFile) -> list[Problem]:
    return [problem for problem in file.problems if problem.severity == "error"]
