"""The task files, loaded as a daemon would load them."""

import os
from collections.abc import Sequence
from pathlib import Path

from rocketd.cli.parser import Choices
from rocketd.config import DEFAULT_DIRECTORIES, DEFAULTS, LoadResult, load
from rocketd.core.instant import Instant


def load_files(
    choices: Choices,
    paths: Sequence[str] = (),
    at: Instant | None = None,
    installed: LoadResult | None = None,
    *,
    confined: bool = False,
) -> LoadResult:
    """Load those of the paths, or else those that the daemon reads; `installed` are the ones that are there already."""
    known = [] if installed is None else [task.name for task in installed.tasks]
    settings = DEFAULTS if installed is None else installed.settings
    directories = directories_of(paths or choices.config_dir)
    strict = choices.user or os.geteuid() == 0
    return load(directories, strict=strict, known=known, at=at, settings=settings, confined=confined)


def directories_of(paths: Sequence[str]) -> Sequence[Path]:
    """Return these directories, or, without any, those that the daemon reads."""
    return [Path(path) for path in paths] or DEFAULT_DIRECTORIES


def checked(choices: Choices, at: Instant | None = None, *, confined: bool = False) -> LoadResult:
    """Load the given files, or those that the daemon reads.

    A given file may name tasks and calendars that are installed already.
    `at`: the instant for warnings about tasks that never start, or again and again; `confined`: whether processes of
    the daemon are in a sandbox.
    """
    return load_files(choices, choices.paths, at, load_files(choices) if choices.paths else None, confined=confined)
