"""The files of calendars are changed while the daemon runs."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rocketd.probes.calendar_watcher import CalendarWatcher
from support.daemon_process import Daemon
from support.event_loop import looped

TASK = """
[task.a]
command = ["/bin/true"]
when = "started & holiday"
timezone = "UTC"
"""


class AllLocal:
    """No file system hangs, or all of them may."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs = hangs

    def may_hang(self, *_: str) -> bool:
        return self.hangs

    def close(self) -> None:
        """There is nothing to close."""


class Heard:
    """Hears of changes."""

    def __init__(self, *paths: Path, hangs: bool = False) -> None:
        self._told: asyncio.Queue[None] = asyncio.Queue()
        self.watcher = CalendarWatcher(lambda: self._told.put_nowait(None), AllLocal(hangs=hangs))
        self.watcher.watch((str(path), str(path.parent) if path.parent.exists() else "") for path in paths)

    async def once(self) -> None:
        """Wait until a change is told."""
        async with asyncio.timeout(30):
            await self._told.get()
        while not self._told.empty():
            self._told.get_nowait()


def replace_file(path: Path, text: str) -> None:
    other = path.with_name("other")
    other.write_text(text)
    other.replace(path)


@looped
async def test_a_file_is_told_of_however_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "x.dates"
    path.write_text("2026-12-24\n")
    heard = Heard(path)
    path.write_text("2026-12-25\n")
    await heard.once()
    replace_file(path, "2026-12-26\n")
    await heard.once()
    path.chmod(0o600)
    await heard.once()
    path.unlink()
    await heard.once()
    path.write_text("2026-12-27\n")
    await heard.once()
    heard.watcher.close()


@looped
async def test_a_look_tells_what_the_kernel_did_not(tmp_path: Path) -> None:
    path = tmp_path / "there" / "x.dates"
    heard = Heard(path, hangs=True)
    heard.watcher.check()
    path.parent.mkdir()
    path.write_text("2026-12-25\n")
    while True:  # the first look may have been before that, or after
        heard.watcher.check()
        try:
            async with asyncio.timeout(1):
                await heard.once()
        except TimeoutError:
            path.write_text(path.read_text() + "# more\n")
            continue
        break
    heard.watcher.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    tmp_path.chmod(0o755)
    with Daemon(tmp_path) as daemon:
        yield daemon


def answer(daemon: Daemon, task: str) -> tuple[bool | None, str]:
    """Ask whether the condition of a task holds, and why."""
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", "--json", "why", task]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (whole,) = json.loads(said.stdout)
    part = [whole, *whole["parts"]][-1]
    return part["holds"], part["because"]


@pytest.mark.skipif(os.geteuid() != 0, reason="the directory of tests belongs to somebody else")
def test_a_change_counts_without_a_reload(daemon: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "x.dates"
    today = datetime.now(UTC).date()
    path.write_text("1999-12-31\n")
    path.chmod(0o644)
    daemon.write("rocketd.toml", f'[calendar.default]\nweekend = []\nholidays = ["{path}"]\n')
    daemon.write("tasks.toml", TASK)
    daemon.start()
    assert answer(daemon, "a")[0] is False
    replace_file(path, f"{today}\n")
    daemon.until_line("x.dates has changed")
    assert answer(daemon, "a")[0] is True
    path.write_text("soon\n")
    daemon.until_line("'soon' is not a date")
    daemon.until_line("x.dates has changed", times=2)
    assert answer(daemon, "a")[0] is None
    assert "'soon' is not a date" in answer(daemon, "a")[1]
    assert daemon.stop() == 0
