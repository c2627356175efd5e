"""Ends what a killed daemon left behind.

These processes are nobody's children now, and their numbers may have been given to others meanwhile. So no number is
trusted: a recorded pid counts only with its recorded start time, and every signal goes through a pidfd.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rocketd.core.model.records import OpenRun
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessSnapshot, ProcessTree
from rocketd.executor.process.termination import TreeTermination

GRACE: Final = 10.0
"""Seconds from TERM to KILL; what the tasks said is not known here."""


async def terminate_orphans(runs: Sequence[OpenRun], census: ProcessScanner, watch: FdWatcher) -> None:
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


def _endings(
    runs: Sequence[OpenRun], processes: ProcessSnapshot, census: ProcessScanner, watch: FdWatcher
) -> Iterator[TreeTermination]:
    for run in runs:
        members = _members(run, processes)
        if members:
            tree = ProcessTree(run.run.run_id, since=run.pid_start)
            yield TreeTermination(tree, GRACE, census, watch, members)


def _members(run: OpenRun, processes: ProcessSnapshot) -> list[Process]:
    root = run.pid if processes.holds(run.pid, run.pid_start) else 0
    return processes.of(ProcessTree(run.run.run_id, root, run.pid_start))
