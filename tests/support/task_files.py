"""Directories of task files for tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rocketd.config.load_result import LoadedFile, LoadResult
from rocketd.config.loader import load

NOBODY = 65534

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")

HELLO = '[task.hello]\ncommand = ["/bin/true"]\nwhen = "daily"\n'


class Folder:
    """A directory that the daemon would read."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o755, exist_ok=True)
        path.chmod(0o755)
        self.path = path

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.write_text(text)
        file.chmod(0o644)
        return file

    def load(self, text: str = "") -> LoadResult:
        """Load the directory, with this text as one more file."""
        if text:
            self.write("tasks.toml", text)
        return load([self.path])

    def problems(self, text: str = "") -> list[str]:
        return [problem.message for problem in self.load(text).problems]


def names(loaded: LoadResult) -> list[str]:
    return [task.name for task in loaded.tasks]


def messages(loaded: LoadResult) -> list[str]:
    return [problem.message for problem in loaded.problems]


def outcome(loaded: LoadResult, name: str) -> str:
    (file,) = (file for file in loaded.files if file.name == name)
    return str(file.outcome)


def file_of(loaded: LoadResult, name: str) -> LoadedFile:
    (file,) = (file for file in loaded.files if file.name == name)
    return file


@contextmanager
def being(uid: int) -> Iterator[None]:
    """Be this user for a while, as far as the kernel's checks go."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
