"""Entries of a crontab are switched off and on again; nothing else of the file changes."""

from pathlib import Path

import pytest

from rocketd.importer.disabling import MARK, disable_lines, enable_lines, lines_by_file
from rocketd.importer.sources import SourceError

TABLE = b"# a comment\nPATH=/bin\n0 3 * * * root a\n\xff 0 4 * * * root b\n"


def test_lines_become_comments_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(TABLE)
    path.chmod(0o600)
    assert disable_lines(path, {3, 4}) == 2
    assert path.read_bytes().split(b"\n")[2] == MARK.encode() + b"0 3 * * * root a"
    assert disable_lines(path, {3}) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert enable_lines(path) == 2
    assert path.read_bytes() == TABLE
    assert enable_lines(path) == 0
    assert [one.name for one in tmp_path.iterdir()] == ["table"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(TABLE)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(SourceError):
        disable_lines(tmp_path / "link", {3})
    assert (tmp_path / "real").read_bytes() == TABLE


def test_origins_are_files_with_lines() -> None:
    assert lines_by_file(["/a:3", "/a:5", "/b:1", "x.timer"]) == {Path("/a"): {3, 5}, Path("/b"): {1}}
