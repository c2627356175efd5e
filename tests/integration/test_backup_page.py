"""docs/how-to/backup-and-restore.md as it is written: each command block, in order, against a real daemon."""

import os
import re
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.daemon_process import Daemon

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "backup-and-restore.md"
JOB = '[task.job]\ncommand = ["/bin/true"]\nwhen = "daily"\n'


def blocks() -> dict[str, str]:
    """The command blocks by their headings."""
    found = re.findall(r"^## (.+?)$(?:(?!^## ).)*?^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        made.write("a.toml", JOB)
        (tmp_path / "backups").mkdir()
        yield made


def run_as_written(daemon: Daemon, block: str, *, killed: bool = False) -> None:
    """Run a block with the paths of this daemon, whose service manager is the test; `killed`: it does not stop well."""
    text = block.replace("/var/lib/rocketd", str(daemon.state)).replace(
        "/var/backups", str(daemon.directory / "backups")
    )
    for part in re.split(r"^(systemctl .*)$", text, flags=re.MULTILINE):
        match part:
            case "systemctl stop rocketd":
                if killed:
                    daemon.kill()
                    assert (daemon.state / "rocketd.db-wal").stat().st_size, "what a killed daemon left"
                else:
                    assert daemon.stop() == 0
            case "systemctl start rocketd":
                daemon.start()
            case _:
                assert not part.startswith("systemctl"), part
                subprocess.run(["/bin/sh", "-e", "-c", part], check=True, timeout=60)


@pytest.mark.parametrize("killed", [False, True])
def test_a_backup_is_made_while_rocketd_runs_and_restored_also_beside_a_stale_wal(
    daemon: Daemon, *, killed: bool
) -> None:
    made = blocks()
    daemon.start()
    daemon.until_line("job succeeded")
    before = daemon.history("job")
    run_as_written(daemon, made["Back up while rocketd runs"])
    copy = daemon.directory / "backups" / "rocketd.db"
    with closing(sqlite3.connect(copy)) as database, database:
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600, "it holds the output of tasks"
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    daemon.write("b.toml", JOB.replace("job", "later"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("later succeeded")
    (daemon.config / "b.toml").unlink()
    run_as_written(daemon, made["Restore"], killed=killed)
    assert daemon.history("job") == before
    assert daemon.history("later") == [], "it ran after the backup"
    found = (daemon.state / "rocketd.db").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o640, os.geteuid())
    assert daemon.stop() == 0
    assert not any("damaged" in line or "set aside" in line for line in daemon.lines)
    assert daemon.history("job") == before, "the day of the backup is used up"


def test_the_page_has_no_other_commands() -> None:
    assert list(blocks()) == ["Back up while rocketd runs", "Restore"]
    assert PAGE.read_text().count("```sh") == len(blocks())
