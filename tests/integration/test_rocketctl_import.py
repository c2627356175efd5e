"""`rocketctl import`: from files to files, switched off and on again."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

TABLE = """\
PATH=/usr/bin:/bin
0 3 * * * root true
*/5 * * * * root [ -x /bin/true ] && /bin/true --quiet
@reboot root true
"""
ANACRONTAB = "START_HOURS_RANGE=3-22\n1 5 daily.jobs run-parts /etc/cron.daily\n"


def rocketctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rocketd.cli.rocketctl", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def cron_d(tmp_path: Path) -> Path:
    directory = tmp_path / "cron.d"
    directory.mkdir()
    (directory / "web").write_text(TABLE)
    (directory / "web.dpkg-old").write_text(TABLE)
    return directory


def test_files_are_written_compared_and_good(cron_d: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    anacrontab = tmp_path / "anacrontab"
    anacrontab.write_text(ANACRONTAB)
    done = rocketctl(
        "import", "--cron-d", str(cron_d), "--anacrontab", str(anacrontab), "--output", str(out), "--compare", "2"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal (") == 2
    assert "it starts at boot" in done.stdout
    assert "web.dpkg-old is not read" in done.stderr
    assert "4 entries imported, 2 with equal times" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["anacrontab.toml", "cron-web.toml"]
    checked = rocketctl("check", str(out))
    assert checked.returncode == 0, checked.stdout
    again = rocketctl("import", "--cron-d", str(cron_d), "--output", str(out))
    assert again.returncode == 1
    assert "there already" in again.stderr


def test_entries_are_switched_off_and_on_again(cron_d: Path, tmp_path: Path) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    source = ("--cron-d", str(cron_d), "--state-dir", str(state), "--runtime-dir", str(tmp_path))
    assert rocketctl("import", *source, "--output", str(out), "--disable").returncode == 0
    lines = (cron_d / "web").read_text().split("\n")
    assert [line.startswith("#rocketd# ") for line in lines] == [False, True, True, True, False]
    assert rocketctl("import", *source, "--undo").returncode == 0
    assert (cron_d / "web").read_text() == TABLE


def test_tables_of_users_stay_private_and_a_planted_link_stops_nothing(tmp_path: Path) -> None:
    spool, out, state = tmp_path / "spool", tmp_path / "out", tmp_path / "state"
    spool.mkdir()
    table = spool / pwd.getpwuid(os.geteuid()).pw_name
    table.write_text("PASSWORD=secret\n0 3 * * * /usr/bin/true\n")
    table.chmod(0o600)
    (tmp_path / "foreign").write_text("#rocketd# 0 3 * * * true\n")
    (spool / "daemon").symlink_to(tmp_path / "foreign")
    source = ("--user-crontabs", str(spool), "--state-dir", str(state), "--runtime-dir", str(tmp_path))
    done = rocketctl("import", *source, "--output", str(out), "--disable")
    assert (done.returncode, "is not read: it is a link" in done.stderr) == (0, True), done.stderr
    (file,) = out.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert table.read_text().endswith("#rocketd# 0 3 * * * /usr/bin/true\n")
    assert rocketctl("import", *source, "--undo").returncode == 0
    assert table.read_text().endswith("\n0 3 * * * /usr/bin/true\n")
    assert (table.stat().st_mode & 0o777, (spool / "daemon").is_symlink()) == (0o600, True)
    assert (tmp_path / "foreign").read_text() == "#rocketd# 0 3 * * * true\n"


def test_what_cannot_be_imported_is_said_and_makes_it_fail(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("61 * * * * true\n0 3 * * * true\n")
    done = rocketctl("import", "--crontab", str(path))
    assert done.returncode == 1
    assert f"# NOT IMPORTED: {path}:1" in done.stdout
    assert "1 entry imported, 1 not imported" in done.stderr
    answer = json.loads(rocketctl("import", "--crontab", str(path), "--json").stdout)
    assert [one["when"] for one in answer["files"][0]["tasks"]] == ["cron('0 3 * * *')"]


def test_a_zone_that_is_not_there_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("\ufeff0 2 * * * true a\nCRON_TZ=No/Where\n0 3 * * * true b\nCRON_TZ=UTC\n0 4 * * * true c\n")
    done = rocketctl("import", "--crontab", str(path), "--compare", "2")
    assert done.returncode == 1
    assert f"# NOT IMPORTED: {path}:3: there is no time zone 'No/Where'" in done.stdout
    assert "It begins with a byte order mark" in done.stdout
    assert done.stdout.count("equal (") == 2


@pytest.mark.parametrize("words", [[], ["--crontab", "/x", "--disable"], ["--crontab", "/x", "--disable", "--undo"]])
def test_a_command_line_that_says_too_little(words: list[str]) -> None:
    assert rocketctl("import", *words).returncode == 2


def test_a_source_that_is_not_there() -> None:
    done = rocketctl("import", "--crontab", "/nowhere/at/all")
    assert done.returncode == 1
    assert "cannot read /nowhere/at/all" in done.stderr
