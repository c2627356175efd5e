"""Ends what a killed daemon left behind.

These processes are nobody's children now, and their numbers may have been given to others meanwhile. So no number is
trusted: a recorded pid counts only with its recorded start time, and every signal goes through a pidfd.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rocketd.core.model.records import OpenRun
from rocketd.executor.ending import Ending
from rocketd.executor.tree import Census, Process, Processes, Tree
from rocketd.executor.watch import Watch

GRACE: Final = 10.0
"""Seconds from TERM to KILL; what the tasks said is not known here."""


async def clear(runs: Sequence[OpenRun], census: Census, watch: Watch) -> None:
    """End the trees of these runs, as far as they are of this boot; returns when they are gone."""
    ours = [run for run in runs if _plain(run.boot_id) == _plain(boot_id())]
    if not ours:
        return
    processes = await census.take(min(run.pid_start for run in ours))
    await asyncio.gather(*(ending.run() for ending in _endings(ours, processes, census, watch)))


def boot_id() -> str:
    """Give the boot id of this host."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _plain(boot: str) -> str:
    return boot.replace("-", "").lower()


def _endings(runs: Sequence[OpenRun], processes: Processes, census: Census, watch: Watch) -> Iterator[Ending]:
    for run in runs:
        members = _members(run, processes)
        if members:
            tree = Tree(run.run.run_id, since=run.pid_start)
            yield Ending(tree, GRACE, census, watch, members)


def _members(run: OpenRun, processes: Processes) -> list[Process]:
    root = run.pid if processes.holds(run.pid, run.pid_start) else 0
    return processes.of(Tree(run.run.run_id, root, run.pid_start))
