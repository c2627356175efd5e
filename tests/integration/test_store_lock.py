"""The lock on a state directory, within one process; between processes: tests/integration/test_store_crash.py."""

import os
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.store.lock import StateDirectoryHeld, StateLock


def test_a_second_holder_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    with StateLock(tmp_path), pytest.raises(StateDirectoryHeld) as caught:
        StateLock(tmp_path)
    assert caught.value.pid == os.getpid()
    assert str(os.getpid()) in caught.value.message


def test_it_can_be_held_again_once_it_is_released(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        pass
    lock = StateLock(tmp_path)
    lock.release()
    lock.release()


def test_a_refused_holder_leaves_no_descriptor_open(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(StateDirectoryHeld):
            StateLock(tmp_path)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is not a directory"):
        StateLock(tmp_path / "file" / "state")
