"""The daemon put together, inside of the test."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from rocketd.bootstrap.daemon_options import DaemonOptions
from rocketd.bootstrap.log_target import LogTarget
from rocketd.bootstrap.service import Service
from rocketd.core.instant import SECOND
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Missed, Started
from rocketd.core.model.records import Alive, TaskState
from rocketd.core.model.run import Action, Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.store.sqlite.store import SqliteStore, this_origin
from support.event_loop import looped

P = ParamSpec("P")
T = TypeVar("T")


class Counting(AsyncExitStack):
    """A stack that counts what is put on it."""

    pushed = 0

    def callback(self, callback: Callable[P, T], /, *args: P.args, **kwds: P.kwargs) -> Callable[P, T]:
        self.pushed += 1
        return super().callback(callback, *args, **kwds)


async def ready(manager: socket.socket) -> None:
    """Wait until the service manager hears that a start or a reload is done."""
    while b"READY=1" not in await asyncio.get_running_loop().sock_recv(manager, 65536):
        pass


@looped
async def test_a_daemon_that_is_reloaded_for_years_keeps_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir(mode=0o755)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0)
        async with Counting() as stack:
            options = DaemonOptions(tmp_path / "lib", tmp_path / "run", (tmp_path / "etc",), LogTarget.CONSOLE)
            service = Service(options, stack)
            await service.start()
            await ready(manager)
            before = stack.pushed
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGHUP)
                await ready(manager)
            assert stack.pushed == before
            service.loop.stop(0)
            await service.loop.until_done()


@looped
async def test_what_was_missed_is_accounted_for_when_the_daemon_is_ready_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("etc", "lib"):
        (tmp_path / name).mkdir(mode=0o755)
    when, long_ago = "cron('0 3 * * *', within='1 s')", 1_760_000_000 * SECOND
    file = tmp_path / "etc" / "a.toml"
    file.write_text(f"[task.gone]\ncommand = ['/bin/true']\ntimezone = 'UTC'\nwhen = \"{when}\"\n")
    file.chmod(0o644)
    store = SqliteStore(tmp_path / "lib", origin=this_origin())
    fingerprint = Task("gone", Command(("/bin/true",)), parse(when)).fingerprint
    run = Run("gone", 1, "id-1", 1, long_ago - SECOND, long_ago - SECOND, Trigger.SCHEDULE, when)
    store.write([TaskState("gone", fingerprint, long_ago, 1), Started(run), Alive(long_ago)])
    store.close()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0)
        async with AsyncExitStack() as stack:
            options = DaemonOptions(tmp_path / "lib", tmp_path / "run", (tmp_path / "etc",), LogTarget.CONSOLE)
            service = Service(options, stack)
            await service.start()
            scheduler = service.loop.scheduler
            assert scheduler.has_unreported
            end = scheduler.history.of("gone").scheduled_end
            assert end is not None
            assert (end.action, end.at) == (Action.CRASH, long_ago), "what was open ended with the last sign of life"
            heard: asyncio.Queue[object] = asyncio.Queue()
            service.loop.watchers.add(heard.put_nowait)
            await ready(manager)
            missed = await heard.get()
            assert isinstance(missed, Missed)
            assert missed.task == "gone"
            service.loop.stop(0)
            await service.loop.until_done()
