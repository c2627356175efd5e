"""systemd as it hears the daemon: a real NOTIFY_SOCKET, read in time, too late, or never."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from select import PIPE_BUF

import pytest

from rocketd.core.instant import SECOND
from rocketd.systemd.notify import OURS_ALONE, Notifier
from support.event_loop import looped


class Manager:
    """Holds the socket that NOTIFY_SOCKET names, and reads it only when asked."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0)

    def heard(self) -> list[str]:
        """Take everything that has been said so far."""
        words = []
        with suppress(BlockingIOError):
            while True:
                words.append(self.socket.recv(4096).decode())
        return words

    async def hear(self, until: str) -> list[str]:
        """Listen, as the loop goes on, until that has been said."""
        readable = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.socket, readable.set)
        words = self.heard()
        while until not in words:
            await readable.wait()
            readable.clear()
            words += self.heard()
        asyncio.get_running_loop().remove_reader(self.socket)
        return words


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.socket.close()


def notifier() -> closing[Notifier]:
    return closing(Notifier(asyncio.get_running_loop()))


@looped
async def test_each_turn_of_the_daemon_is_told_in_order(manager: Manager) -> None:
    with notifier() as told:
        told.ready()
        told.heartbeat()
        told.reloading()
        told.ready()
        told.extend_timeout(90 * SECOND)
        told.stopping()
    ready, heartbeat, reloading, again, extend, stopping = manager.heard()
    assert (ready, heartbeat, again) == ("READY=1", "WATCHDOG=1", "READY=1")
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading)
    assert (extend, stopping) == ("EXTEND_TIMEOUT_USEC=90000000", "STOPPING=1")


@looped
async def test_the_newest_status_wins_and_the_others_are_not_sent(manager: Manager) -> None:
    with notifier() as told:
        for number in range(100):
            told.status(f"{number} tasks")
        assert await manager.hear("STATUS=99 tasks") == ["STATUS=0 tasks", "STATUS=99 tasks"]


@looped
async def test_the_last_status_is_not_lost_at_the_end(manager: Manager) -> None:
    with notifier() as told:
        told.status("one")
        told.status("two")
        told.status("three")
    assert manager.heard() == ["STATUS=one", "STATUS=three"]


@looped
async def test_a_status_is_one_line_of_any_language(manager: Manager) -> None:
    """A second line would be read as an assignment: MAINPID=1, for one."""
    with notifier() as told:
        told.status("Grüße, 世界\nMAINPID=1")
    assert manager.heard() == ["STATUS=Grüße, 世界\\nMAINPID=1"]


@looped
async def test_a_status_is_no_longer_than_systemd_takes(manager: Manager) -> None:
    with notifier() as told:
        told.status("ä" * 5_000)
    [status] = manager.heard()
    assert re.fullmatch("STATUS=ä+…", status)
    assert len(status.encode()) < PIPE_BUF


@looped
async def test_a_manager_that_does_not_listen_holds_nobody_up_and_hears_each_turn_later(manager: Manager) -> None:
    with notifier() as told:
        for _ in range(1000):
            told.heartbeat()
        told.ready()
        told.reloading()
        told.ready()
        told.heartbeat()
        told.stopping()
        words = await manager.hear("STOPPING=1")
    assert words.count("WATCHDOG=1") < 1000
    others = [word.partition("\n")[0] for word in words if word != "WATCHDOG=1"]
    assert others[-3:] == ["RELOADING=1", "READY=1", "STOPPING=1"]


@looped
async def test_a_manager_that_went_away_is_no_error(manager: Manager) -> None:
    with notifier() as told:
        told.ready()
        manager.socket.close()
        told.heartbeat()
        told.status("alone")


@looped
async def test_without_a_manager_nothing_is_told_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with notifier() as told:
        told.ready()
        told.status("alone")
        told.heartbeat()
        assert told.watchdog is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sdnotify drops its socket unclosed
@looped
async def test_a_manager_that_cannot_be_reached_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    with notifier() as told:
        told.ready()


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("30000000", "ours", 30 * SECOND),
        ("30000000", None, 30 * SECOND),
        ("30000000", "1", None),
        ("0", "ours", None),
        ("soon", "ours", None),
        (None, "ours", None),
    ],
)
@looped
async def test_the_watchdog_is_ours_only_if_it_names_us(
    usec: str | None, pid: str | None, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_or_not(monkeypatch, "WATCHDOG_USEC", usec)
    set_or_not(monkeypatch, "WATCHDOG_PID", str(os.getpid()) if pid == "ours" else pid)
    with notifier() as told:
        assert told.watchdog == expected


def set_or_not(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, value)


@looped
async def test_nothing_of_it_is_left_for_tasks(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OURS_ALONE[1:]:
        monkeypatch.setenv(name, "1")
    with notifier() as told:
        child = subprocess.run(  # noqa: ASYNC221 - it is short, and nothing else runs on this loop
            [sys.executable, "-c", "import os; print(*os.environ)"], capture_output=True, text=True, check=True
        )
        assert not set(child.stdout.split()) & set(OURS_ALONE)
        told.ready()
    assert manager.heard() == ["READY=1"]
