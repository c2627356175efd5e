"""The result of a load: tasks, problems, settings, and the outcome for each file."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from rocketd.config.calendar_files import CalendarFile
from rocketd.config.daemon_settings import DEFAULTS, Settings
from rocketd.config.host_lookup import HostAnswers
from rocketd.config.problems import Problem
from rocketd.config.task_files import DEFAULT_DIRECTORIES
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Instant
from rocketd.core.model.task import Disabled, Task
from rocketd.core.model.work_calendar import WorkCalendar


class FileOutcome(StrEnum):
    """What became of a file."""

    LOADED = "loaded"
    BAD = "bad"
    """It has an error, and its tasks are absent."""
    KEPT = "kept"
    """It has an error, and the tasks of its last good version stay."""
    MASKED = "masked"
    """It is empty or a link to /dev/null: it only hides others of its name."""
    REPLACED = "replaced"
    """Another directory has one of its name."""
    IGNORED = "ignored"
    """It is not named as a task file."""


class Missing(NamedTuple):
    """A task in a file that an error keeps from being loaded."""

    name: str
    file: str
    line: int
    """The line where it begins in its file, or else the line of the error."""
    problem: Problem
    """The error: its own, or else the first one of its file."""
    file_is_loaded: bool = False
    """Whether its file is loaded otherwise."""

    @property
    def message(self) -> str:
        """Where it is, and why it is not loaded: a sentence."""
        why = f"line {self.problem.line}: {self.problem.message}" if self.problem.source_line else self.problem.message
        what = "but not loaded" if self.file_is_loaded else "which is not loaded"
        return f"{self.name} is in {self.file}, {what}: {why}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return self.problem.hint or "rocketctl check shows it"


def missing_of(
    path: str, lines: Mapping[str, int], problems: Sequence[Problem], *, alone: bool = False
) -> tuple[Missing, ...]:
    """Return why the tasks that begin in these lines of a file are not loaded: an error of their own, or of the file.

    If there are too many errors to report, the first one is given in place of the others.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    own = {problem.task: problem for problem in reversed(errors)}
    of_all = next((problem for problem in errors if problem.excludes_file), errors[0] if errors else None)
    found = {name: own.get(name) or of_all for name in lines}
    return tuple(Missing(name, path, lines[name], problem, alone) for name, problem in found.items() if problem)


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file, and what became of it."""

    path: str
    outcome: FileOutcome
    tasks: tuple[Task, ...] = ()
    problems: tuple[Problem, ...] = ()
    disabled: tuple[Disabled, ...] = ()
    """Its tasks with `enabled = false`."""
    missing: tuple[Missing, ...] = ()
    """Its tasks that errors keep back."""
    digest: bytes = field(default=b"", repr=False)
    """Of what was read; empty: nothing was."""
    answers: HostAnswers = field(default_factory=HostAnswers, repr=False)
    """What the host said while it was read."""
    with_restart_delay: frozenset[str] = frozenset()
    """Its tasks whose `restart_delay` is written."""

    @property
    def is_transient(self) -> bool:
        """Whether it has errors that a change of the host may resolve."""
        return any(problem.is_transient for problem in self.problems)

    @property
    def name(self) -> str:
        """The key by which files of several directories replace each other."""
        return os.path.basename(self.path)  # noqa: PTH119 - a string in, a string out


@dataclass(frozen=True, slots=True)
class LoadSource:
    """The source of the task files and how to check them: the arguments of `load`."""

    directories: tuple[Path, ...] = DEFAULT_DIRECTORIES
    strict: bool = True
    known: frozenset[str] = frozenset()
    at: Instant | None = None
    """The instant for which warnings predict starts; None: without such warnings."""
    settings: Settings = DEFAULTS
    """Those that count where `rocketd.toml` is not among the files."""
    confined: bool = False
    """Whether processes of the daemon are in a sandbox."""


@dataclass(frozen=True)
class LoadResult:
    """The result of a load."""

    tasks: tuple[Task, ...]
    """In the order of the files, and in each as written."""
    problems: tuple[Problem, ...]
    settings: Settings
    settings_valid: bool
    """False: `rocketd.toml` has an error, and `settings` are the last good ones, or the defaults."""
    files: tuple[LoadedFile, ...]
    source: LoadSource
    unreadable: frozenset[Path] = frozenset()
    """The directories that could not be looked into."""
    excluded: tuple[Missing, ...] = ()
    """Tasks of good files that errors between files keep back."""
    calendars: Mapping[str, WorkCalendar] = field(default_factory=dict)
    """The calendars of the settings, by name."""
    calendar_files: tuple[CalendarFile, ...] = ()
    """The files of calendars that were read."""
    calendars_known: bool = True
    """Whether the settings of calendars have ever been read."""

    @cached_property
    def disabled(self) -> tuple[Disabled, ...]:
        """The tasks with `enabled = false`, but those whose names loaded ones have.

        Kept, as each of an operator's verbs asks for it and all the tasks are gone through to find out.
        """
        names = {task.name for task in self.tasks}
        found = {one.task.name: one for file in reversed(self.files) for one in reversed(file.disabled)}
        return tuple(one for name, one in reversed(found.items()) if name not in names)

    @cached_property
    def missing(self) -> Mapping[str, Missing]:
        """The tasks that are written and that errors keep back, by name; none that is loaded as it was before."""
        loaded = {task.name for task in self.tasks} | {one.task.name for one in self.disabled}
        found = {one.name: one for file in reversed(self.files) for one in reversed(file.missing)}
        found |= {one.name: one for one in self.excluded}
        return {name: one for name, one in reversed(found.items()) if name not in loaded}

    @property
    def is_transient(self) -> bool:
        """Whether there are errors that a change of the host may resolve: then it is worth checking again."""
        return any(problem.is_transient for problem in self.problems)

    @property
    def valid(self) -> bool:
        """Whether there is no error; there may be warnings."""
        return not any(problem.severity == "error" for problem in self.problems)
