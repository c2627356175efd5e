"""What cannot be ended is given up after a while, and named."""

import asyncio
import os

import pytest

from rocketd.executor.process import termination
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessSnapshot, ProcessTree
from rocketd.executor.process.termination import TreeTermination


class Haunted(ProcessScanner):
    """Finds the same process whatever is done to it: one in uninterruptible sleep looks like that."""

    async def scan(self, since: int) -> ProcessSnapshot:
        await asyncio.sleep(0)
        return ProcessSnapshot([ghost(since)])


def ghost(since: int) -> Process:
    return Process(os.getpid() + 1, since, 1, 1, 1, "the-run", alive=True)


async def end(grace: float) -> list[Process]:
    watcher = FdWatcher(asyncio.get_running_loop())
    try:
        return await TreeTermination(ProcessTree("the-run", since=5), grace, Haunted(), watcher).run()
    finally:
        watcher.close()


@pytest.mark.parametrize("grace", [0, 0.001])
def test_what_kill_does_not_end_is_given_up_and_named(monkeypatch: pytest.MonkeyPatch, grace: float) -> None:
    monkeypatch.setattr(termination, "KILL_TIMEOUT", 0.05)
    assert asyncio.run(end(grace)) == [ghost(5)]
