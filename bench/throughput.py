"""How many runs a second can be had for how long, what each costs the daemon, and whether its memory grows.

As many tasks as there are slots, each due again when it has ended; each run is recorded, and its line of output goes to
the journal and to its record. Limit: `spawn.py`, which spawns, reads and reaps the same program and does nothing else.
"""

import time
from pathlib import Path
from typing import Final

import spawn
from figures import Figure
from under_test import Usage, daemon, task_name, write_tasks

from rocketd.core.model.records import RunFilter
from rocketd.store.sqlite.store import open_reader

AT_ONCE: Final = 32
TASK: Final = 'command = ["/bin/echo", "done"]\nwhen = "true"\nrestart_delay = "0s"'


def sustained(directory: Path, *, quick: bool) -> list[Figure]:
    """As fast as it goes."""
    seconds = 4 if quick else 20
    limits = [spawn.measure("limit", 500, lambda: spawn.limit(500, AT_ONCE))]
    rates, before, after = _runs(directory / "normal", "normal", seconds)
    limits.append(spawn.measure("limit", 500, lambda: spawn.limit(500, AT_ONCE)))
    full, _, _ = _runs(directory / "full", "full", seconds)
    rate = sum(limit.runs_per_second for limit in limits) / len(limits)
    cpu = sum(limit.cpu_microseconds_per_run for limit in limits) / len(limits)
    runs = rates * seconds
    alone = "spawn, read and reap in one loop"
    return [
        Figure("sustained", "runs/s", rates, rate, alone),
        Figure("sustained, durability full", "runs/s", full, rates, "with durability normal", goal="≥ 0.75 of it"),
        Figure("CPU of the daemon per run", "µs", (after.cpu - before.cpu) / runs * 1e6, cpu, alone),
        Figure(f"growth over {runs:.0f} runs", "MB", after.memory - before.memory, goal="0"),
    ]


def _runs(directory: Path, durability: str, seconds: float) -> tuple[float, Usage, Usage]:
    """Runs begun per second, and what the daemon had used before and after these seconds."""
    directory.mkdir()
    settings = f'[rocketd]\nmax_running = {AT_ONCE}\n[store]\ndurability = "{durability}"\n'
    write_tasks(directory, [TASK] * AT_ONCE, settings)
    with daemon(directory) as one:
        time.sleep(2)  # what comes first is not yet the rule
        first, before = begun(directory), one.usage
        time.sleep(seconds)
        return (begun(directory) - first) / seconds, before, one.usage


def begun(directory: Path) -> int:
    """How many runs have begun: a task's newest has the highest number."""
    reader = open_reader(directory / "lib")
    newest = [reader.runs(RunFilter(task=task_name(number), limit=1)) for number in range(AT_ONCE)]
    reader.close()
    return sum(views[0].run.number for views in newest if views)
