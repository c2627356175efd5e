"""What cannot be ended is given up after a while, and named."""

import asyncio
import os

import pytest

from rocketd.executor import ending
from rocketd.executor.ending import Ending
from rocketd.executor.tree import Census, Process, Processes, Tree
from rocketd.executor.watch import Watch


class Haunted(Census):
    """Finds the same process whatever is done to it: one in uninterruptible sleep looks like that."""

    async def take(self, since: int) -> Processes:
        await asyncio.sleep(0)
        return Processes([ghost(since)])


def ghost(since: int) -> Process:
    return Process(os.getpid() + 1, since, 1, 1, 1, "the-run", alive=True)


async def end(grace: float) -> list[Process]:
    watch = Watch(asyncio.get_running_loop())
    try:
        return await Ending(Tree("the-run", since=5), grace, Haunted(), watch).run()
    finally:
        watch.close()


@pytest.mark.parametrize("grace", [0, 0.001])
def test_what_kill_does_not_end_is_given_up_and_named(monkeypatch: pytest.MonkeyPatch, grace: float) -> None:
    monkeypatch.setattr(ending, "LAST_WAIT", 0.05)
    assert asyncio.run(end(grace)) == [ghost(5)]
