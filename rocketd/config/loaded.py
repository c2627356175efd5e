"""What a load gives: tasks, problems, settings, and what became of each file."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from rocketd.config.daemon_settings import Settings
from rocketd.config.files import DEFAULT_DIRECTORIES
from rocketd.config.host import Answers
from rocketd.config.problems import Problem
from rocketd.core.task import Disabled, Task


class Outcome(StrEnum):
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


@dataclass(frozen=True, slots=True)
class File:
    """One file, and what became of it."""

    path: str
    outcome: Outcome
    tasks: tuple[Task, ...] = ()
    problems: tuple[Problem, ...] = ()
    disabled: tuple[Disabled, ...] = ()
    """Its tasks with `enabled = false`."""
    digest: bytes = field(default=b"", repr=False)
    answers: Answers = field(default_factory=Answers, repr=False)
    """What the host said while it was read."""

    @property
    def name(self) -> str:
        """By which files of several directories replace each other."""
        return os.path.basename(self.path)  # noqa: PTH119 - a string in, a string out


@dataclass(frozen=True, slots=True)
class Source:
    """Where task files come from, and how they are judged: the arguments of `load`."""

    directories: tuple[Path, ...] = DEFAULT_DIRECTORIES
    strict: bool = True
    known: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Loaded:
    """What a load has given."""

    tasks: tuple[Task, ...]
    """In the order of the files, and in each as written."""
    problems: tuple[Problem, ...]
    settings: Settings
    settings_good: bool
    """False: `rocketd.toml` has an error, and `settings` are the last good ones, or the defaults."""
    files: tuple[File, ...]
    source: Source

    @cached_property
    def disabled(self) -> tuple[Disabled, ...]:
        """The tasks with `enabled = false`, but those whose names loaded ones have.

        Kept, as each of an operator's verbs asks for it and all the tasks are gone through to find out.
        """
        names = {task.name for task in self.tasks}
        found = {one.task.name: one for file in reversed(self.files) for one in reversed(file.disabled)}
        return tuple(one for name, one in reversed(found.items()) if name not in names)

    @property
    def good(self) -> bool:
        """Whether there is no error; there may be warnings."""
        return not any(problem.severity == "error" for problem in self.problems)
