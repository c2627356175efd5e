"""Changes of directory entries: only what is watched counts, and watches that are kept for later do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.executor.process.path_changes import PathChanges


@pytest.fixture
def changes() -> Iterator[PathChanges]:
    made = PathChanges()
    yield made
    made.close()


def test_a_watched_entry_that_changes_counts_once(changes: PathChanges, tmp_path: Path) -> None:
    assert changes.watch(str(tmp_path), "one")
    (tmp_path / "other").touch()
    assert not changes.any_changed()
    (tmp_path / "one").touch()
    assert changes.any_changed()
    assert not changes.any_changed()


def test_after_a_reset_only_what_is_watched_again_counts(changes: PathChanges, tmp_path: Path) -> None:
    changes.watch(str(tmp_path), "one")
    changes.watch(str(tmp_path), "two")
    changes.reset()
    (tmp_path / "one").touch()
    tmp_path.chmod(0o755)
    assert not changes.any_changed()
    changes.watch(str(tmp_path), "two")
    (tmp_path / "one").unlink()
    assert not changes.any_changed()
    (tmp_path / "two").touch()
    assert changes.any_changed()


def test_a_change_of_the_directory_itself_counts(changes: PathChanges, tmp_path: Path) -> None:
    changes.watch(str(tmp_path), "one")
    changes.reset()
    changes.watch(str(tmp_path), "one")
    tmp_path.chmod(0o755)
    assert changes.any_changed()


def test_a_directory_that_took_the_place_of_another_is_the_one_that_counts(
    changes: PathChanges, tmp_path: Path
) -> None:
    place, moved = tmp_path / "place", tmp_path / "moved"
    place.mkdir()
    changes.watch(str(place), "one")
    changes.reset()
    place.rename(moved)
    place.mkdir()
    changes.watch(str(place), "one")
    (moved / "one").touch()
    assert not changes.any_changed()
    (place / "one").touch()
    assert changes.any_changed()


def test_a_reset_forgets_what_has_not_been_asked_for(changes: PathChanges, tmp_path: Path) -> None:
    changes.watch(str(tmp_path), "one")
    (tmp_path / "one").touch()
    changes.reset()
    changes.watch(str(tmp_path), "one")
    assert not changes.any_changed()
    (tmp_path / "one").unlink()
    assert changes.any_changed()
