"""Entries are switched off and on again: lines of a crontab, of which nothing else changes, and timers."""

from pathlib import Path

import pytest

from rocketd.importer.crontab_files import SourceError
from rocketd.importer.disabling import (
    MARK,
    disable_lines,
    disable_timers,
    enable_lines,
    enable_timers,
    lines_by_file,
)
from rocketd.importer.sources import ImportRequest, read_sources

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


def test_the_lines_that_are_imported_are_those_that_are_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"# a\rb\n0 3 * * * a\r\n\r\n1 3 * * * b\rc\n# d\n2 3 * * * e\n")
    (file,) = read_sources(ImportRequest(crontabs=(str(path),))).files
    (lines,) = lines_by_file([draft.origin for draft in file.drafts]).values()
    assert disable_lines(path, lines) == 3
    lines_off = [line for line in path.read_bytes().split(b"\n") if line.startswith(MARK.encode())]
    assert [line.removeprefix(MARK.encode())[:9] for line in lines_off] == [b"0 3 * * *", b"1 3 * * *", b"2 3 * * *"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(TABLE)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(SourceError):
        disable_lines(tmp_path / "link", {3})
    assert (tmp_path / "real").read_bytes() == TABLE


def test_origins_are_files_with_lines() -> None:
    assert lines_by_file(["/a:3", "/a:5", "/b:1", "x.timer"]) == {Path("/a"): {3, 5}, Path("/b"): {1}}


SYSTEMCTL = """#!/bin/sh
# What systemctl does to timers, in files UNIT.enabled and UNIT.active.
verb=$1; now=; [ "$2" != --now ] || { now=yes; shift; }; unit=$2
cd "$(dirname "$0")"
echo "$verb${now:+ --now} $unit" >>calls
[ -z "$now" ] || echo inactive >"$unit.active"
case $verb in
is-enabled) cat "$unit.enabled" ;;
is-active) grep -qx active "$unit.active" ;;
enable | disable) echo "${verb}d" >"$unit.enabled" ;;
mask) echo masked >"$unit.enabled" ;;
unmask) echo static >"$unit.enabled" ;;
start) echo active >"$unit.active" ;;
esac
"""


@pytest.fixture
def timers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Timers of a host: running and not, enabled, and started by something else."""
    path = tmp_path / "systemctl"
    path.write_text(SYSTEMCTL)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name, (enabled, active) in TIMERS.items():
        (tmp_path / f"{name}.timer.enabled").write_text(f"{enabled}\n")
        (tmp_path / f"{name}.timer.active").write_text(f"{active}\n")
    return tmp_path


TIMERS = {
    "both": ("enabled", "active"),
    "enabled": ("enabled", "inactive"),
    "static": ("static", "active"),
    "neither": ("disabled", "inactive"),
}


def state_of(timers: Path, name: str) -> tuple[str, str]:
    read = [(timers / f"{name}.timer.{what}").read_text().strip() for what in ("enabled", "active")]
    return read[0], read[1]


def test_timers_are_as_they_were_once_that_is_undone(timers: Path) -> None:
    """One that was enabled and not active, as its condition or an administrator had it, is not started."""
    units, state = [f"{name}.timer" for name in TIMERS], timers / "state"
    assert disable_timers(units, state) == ["both.timer", "enabled.timer", "static.timer"]
    off = [state_of(timers, name) for name in TIMERS]
    assert off == [("disabled", "inactive"), ("disabled", "inactive"), ("masked", "inactive"), ("disabled", "inactive")]
    assert disable_timers(units, state) == []
    assert enable_timers((), state) == ["both.timer", "enabled.timer", "static.timer"]
    assert {name: state_of(timers, name) for name in TIMERS} == TIMERS
    assert "start enabled.timer" not in (timers / "calls").read_text().splitlines()
    assert enable_timers((), state) == []


def test_one_timer_is_brought_back_and_the_others_stay_noted(timers: Path) -> None:
    units, state = ["both.timer", "enabled.timer"], timers / "state"
    disable_timers(units, state)
    assert enable_timers(["enabled.timer"], state) == ["enabled.timer"]
    assert (state_of(timers, "enabled"), state_of(timers, "both")) == (TIMERS["enabled"], ("disabled", "inactive"))
    assert enable_timers((), state) == ["both.timer"]
