"""What identifies /etc/localtime, without following it."""

import os
from pathlib import Path

from rocketd.probes.local_time import _identity


def test_another_link_is_another_identity_though_its_target_is_the_same_file(tmp_path: Path) -> None:
    zone, link = tmp_path / "zone", tmp_path / "localtime"
    zone.touch()
    os.link(zone, tmp_path / "same")
    link.symlink_to("zone")
    before = _identity(link)
    link.unlink()
    link.symlink_to("same")
    assert before is not None
    assert _identity(link) not in {before, None}


def test_a_file_that_is_written_again_is_another_identity(tmp_path: Path) -> None:
    file = tmp_path / "localtime"
    file.touch()
    before = _identity(file)
    os.utime(file, ns=(1, 1))
    assert _identity(file) != before


def test_a_missing_file_has_none(tmp_path: Path) -> None:
    assert _identity(tmp_path / "localtime") is None


def test_a_link_that_leads_nowhere_has_one(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("missing")
    assert _identity(link) is not None
