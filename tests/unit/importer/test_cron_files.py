"""What cron itself would not read or run is not imported without a word."""

from pathlib import Path

import pytest

from rocketd.importer.cron_files import cron_reads
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


def test_the_table_of_a_user_who_is_gone_says_so(tmp_path: Path) -> None:
    for name in ("root", "no-such-user"):
        (tmp_path / name).write_text("0 3 * * * true\n")
    read = read_sources(ImportRequest(user_directories=[str(tmp_path)]))
    told = {file.name: any("no user no-such-user" in line for line in file.header) for file in read.files}
    assert told == {"user-no-such-user": True, "user-root": False}
