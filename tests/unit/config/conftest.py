"""What tests of task files share."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.task_files import Folder


@pytest.fixture
def folder() -> Iterator[Folder]:
    """A directory that the daemon would read, and that other users can get to (pytest's own they cannot)."""
    with TemporaryDirectory() as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield Folder(path / "tasks")
        path.chmod(0o755)
