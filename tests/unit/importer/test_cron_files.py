"""What cron itself would not read or run is not imported without a word."""

import os
from pathlib import Path

import pytest

from rocketd.importer.cron_files import cron_reads, neglect_of
from rocketd.importer.sources import ImportRequest, read_sources


@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("backup-2_a", {"debian", "cronie"}),
        ("backup.cron", {"cronie"}),
        ("web.example.org", {"cronie"}),
        (".placeholder", set()),
        ("backup~", set()),
        ("#backup#", set()),
        ("backup.rpmnew", set()),
        ("backup.dpkg-old", set()),
        (".backup.swp", set()),
    ],
)
def test_names_that_cron_reads(name: str, readers: set[str]) -> None:
    assert {kind for kind in ("debian", "cronie") if cron_reads(name, debian=kind == "debian")} == readers


@pytest.mark.parametrize(
    ("uid", "mode", "why"),
    [(0, 0o644, ""), (0, 0o664, "writable"), (0, 0o646, "writable"), (1000, 0o600, "root"), (0, 0o755, "")],
)
def test_a_table_that_cron_does_not_trust(uid: int, mode: int, why: str) -> None:
    status = os.stat_result((0o100000 | mode, 1, 1, 1, uid, 0, 10, 0, 0, 0))
    sentences = [*neglect_of(status)]
    assert [why in sentence for sentence in sentences] == ([True] if why else [])


def test_the_table_of_a_user_who_is_gone_says_so(tmp_path: Path) -> None:
    for name in ("root", "no-such-user"):
        (tmp_path / name).write_text("0 3 * * * true\n")
    read = read_sources(ImportRequest(user_directories=[str(tmp_path)]))
    told = {file.name: any("no user no-such-user" in line for line in file.header) for file in read.files}
    assert told == {"user-no-such-user": True, "user-root": False}
