"""Terminates the processes that a killed daemon left behind.

These processes are orphans, and their pids may have been reused. So no pid is trusted: a recorded pid counts only with
its recorded start time, and every signal goes through a pidfd.
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
"""Seconds from TERM to KILL; the grace of each task is not known here."""


async def terminate_orphans(runs: Sequence[OpenRun], scanner: ProcessScanner, watcher: FdWatcher) -> None:
    """Terminate the process trees of those runs that began in this boot; return when they are gone."""
    local_runs = [run for run in runs if _normalized(run.boot_id) == _normalized(boot_id())]
    if not local_runs:
        return
    processes = await scanner.scan(min(run.pid_start for run in local_runs))
    await asyncio.gather(*(termination.run() for termination in _terminations(local_runs, processes, scanner, watcher)))


def boot_id() -> str:
    """Return the boot id of this host."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _normalized(boot: str) -> str:
    return boot.replace("-", "").lower()


def _terminations(
    runs: Sequence[OpenRun], processes: ProcessSnapshot, scanner: ProcessScanner, watcher: FdWatcher
) -> Iterator[TreeTermination]:
    for run in runs:
        members = _members(run, processes)
        if members:
            tree = ProcessTree(run.run.run_id, since=run.pid_start)
            yield TreeTermination(tree, GRACE, scanner, watcher, members)


def _members(run: OpenRun, processes: ProcessSnapshot) -> list[Process]:
    root = run.pid if processes.contains(run.pid, run.pid_start) else 0
    return processes.members_of(ProcessTree(run.run.run_id, root, run.pid_start))
