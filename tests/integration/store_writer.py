"""Writes to a store, for ever or that many batches, and says what has been written: killed by its test.

Each batch starts one run of each of three tasks and ends the runs of the batch before.
"""

import sys
from pathlib import Path

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.sqlite.store import SqliteStore
from rocketd.store.state_lock import StateLock

TASKS = ("a", "b", "c")


def main() -> None:
    """Go on where the one before was killed."""
    directory = Path(sys.argv[1])
    with StateLock(directory):
        store = SqliteStore(directory, durability="normal")
        ends = [Finished(one.run, End(Action.CRASH, Cause.DOWN, one.run.start)) for one in store.open_runs()]
        first = store.states()["a"].next_number if store.states() else 1
        batches = int(sys.argv[2]) if len(sys.argv) > 2 else sys.maxsize
        for number in range(first, first + batches):
            runs = [
                Run(task, number, f"{task}-{number}", 1, 0, number * SECOND, Trigger.SCHEDULE, "") for task in TASKS
            ]
            store.write([*ends, *map(Started, runs)])
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            ends = [Finished(run, End(Action.SUCCESS, Cause.EXIT, run.start)) for run in runs]


if __name__ == "__main__":
    main()
