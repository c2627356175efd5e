"""The lock on a state directory, within one process; between processes: tests/integration/test_store_crash.py."""

import os
from pathlib import Path

import pytest

from rocketd.core.errors import StoreError
from rocketd.store.state_lock import FILE_NAME, StateDirectoryHeld, StateLock


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


def test_removing_its_file_lets_nobody_else_in(tmp_path: Path) -> None:
    with StateLock(tmp_path) as lock:
        (tmp_path / FILE_NAME).unlink()
        with pytest.raises(StateDirectoryHeld):
            StateLock(tmp_path)
        assert not (tmp_path / FILE_NAME).exists()
        assert lock.renew()
        assert (tmp_path / FILE_NAME).read_text() == f"{os.getpid()}\n"
        assert not lock.renew()
        with pytest.raises(StateDirectoryHeld) as caught:
            StateLock(tmp_path)
        assert caught.value.pid == os.getpid()


def test_a_directory_that_was_removed_is_held_again_once_it_is_made(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    with StateLock(directory) as lock:
        (directory / FILE_NAME).unlink()
        directory.rmdir()
        with pytest.raises(StoreError):
            lock.renew()
        directory.mkdir()
        assert lock.renew()
        with pytest.raises(StateDirectoryHeld):
            StateLock(directory)


def test_who_has_been_faster_is_told(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    with StateLock(directory) as lock:
        directory.rename(tmp_path / "moved")
        with StateLock(directory), pytest.raises(StateDirectoryHeld):
            lock.renew()
