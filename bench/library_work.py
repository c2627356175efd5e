"""What the tasks of the row "library" do, under each of the schedulers: each run notes when it ends.

Rocketry has an interpreter of its own, so nothing is imported here but Python's own modules.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias, cast

Execution: TypeAlias = Literal["main", "async", "thread", "process"]
TASKS: Final = 10
_LINE: Final = "{:19.6f}\n"


class Request(NamedTuple):
    """What a program is asked for."""

    execution: Execution
    runs: int
    """How many, of all tasks together."""
    notes: Path
    """Where they are noted."""
    cycle_sleep: float
    """Seconds that Rocketry sleeps after each round of its tasks."""

    @classmethod
    def read(cls) -> "Request":
        """From the command line."""
        _, execution, runs, notes, cycle_sleep = sys.argv
        return cls(cast("Execution", execution), int(runs), Path(notes), float(cycle_sleep))

    def is_done(self) -> bool:
        """Whether so many runs have ended."""
        return self.notes.exists() and self.notes.stat().st_size >= self.runs * len(_LINE.format(0))


def work() -> None:
    """Note the time, in a file: a run may be in a process of its own."""
    file = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, _LINE.format(time.monotonic()).encode())
    os.close(file)


async def work_on_loop() -> None:
    """Do the same as a coroutine."""
    work()


def report(request: Request, began: float) -> None:
    """Print how long it took to make these runs, and the CPU time of each, children included."""
    ended = sorted(map(float, request.notes.read_text().split()))
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    print(json.dumps({"seconds": ended[request.runs - 1] - began, "cpu": cpu / len(ended)}))
