"""A host as it might be: some tasks, and three months of their runs, for pictures of the page and for its tests."""

import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.instant import SECOND, Instant
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.sqlite.store import SqliteStore

MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEKS: Final = 13
MOST: Final = 2000
"""Runs of one task."""


class SceneTask(NamedTuple):
    """A task, and how its runs go."""

    name: str
    description: str
    when: str
    every: int
    """Between two of its runs, in microseconds."""
    at: float
    """The hours from Thursday, midnight, to one of them."""
    takes: float
    """About so many seconds."""
    fails: float = 0.0
    """The share of its runs that fail."""
    more: str = ""
    """Further lines of its file."""
    output: str = "done\n"
    failed_last: bool = False


TASKS: Final = (
    SceneTask(
        "db-backup",
        "Nightly dump of the customer database",
        "time_of_day.between('01:00', '05:00') & ~succeeded.today",
        DAY,
        1,
        1460,
        0.03,
        'max_age = "26 hours"\ntags = ["db"]',
        "dumping customers … 41 GiB\nverified 1 archive\n",
    ),
    SceneTask(
        "db-check",
        "Compares the replicas",
        "every('30 minutes')",
        30 * MINUTE,
        0,
        12,
        0.02,
        'tags = ["db"]',
        "2 replicas, no difference\n",
    ),
    SceneTask(
        "db-vacuum",
        "Weekly vacuum",
        "weekly.on('Sun') & time_of_day.between('02:00', '04:00')",
        7 * DAY,
        74,
        3900,
        0.0,
        'tags = ["db"]',
    ),
    SceneTask(
        "offsite-copy",
        "The newest dump, to the other site",
        "after_success('db-backup')",
        DAY,
        1.42,
        830,
        0.12,
        'max_age = "2 days"',
        "sending 41 GiB\nssh: connect to host vault port 22: Connection timed out\n",
        failed_last=True,
    ),
    SceneTask(
        "web-certificates",
        "Renews certificates a month before they end",
        "daily.at('04:10')",
        DAY,
        4.17,
        8,
        0.01,
        "",
        "3 certificates, none is due\n",
    ),
    SceneTask("web-sitemap", "Writes the sitemap anew", "hourly", HOUR, 0, 35, 0.0, "", "12,480 pages\n"),
    SceneTask(
        "web-link-check",
        "Follows every link of the site",
        "daily.at('06:30')",
        DAY,
        6.5,
        2100,
        0.3,
        "",
        "2 links lead nowhere\n",
        failed_last=True,
    ),
    SceneTask(
        "mail-queue",
        "Tries again what could not be delivered",
        "every('5 minutes')",
        5 * MINUTE,
        0,
        3,
        0.01,
        "",
        "queue is empty\n",
    ),
    SceneTask(
        "report-sales",
        "The figures of the week, as a table",
        "weekly.on('Mon') & time_of_day.between('07:00', '09:00')",
        7 * DAY,
        103,
        190,
    ),
    SceneTask("report-usage", "What customers used, day by day", "daily.at('05:30')", DAY, 5.5, 420, 0.02),
    SceneTask("updates", "Installs security updates", "daily.at('03:15')", DAY, 3.25, 75, 0.02),
    SceneTask("import-orders", "Takes over the orders of the shop", "never", HOUR, 0.4, 900, 0.0),
)

FLEET_TASKS: Final = """
[task.certificates]
description = "Renews certificates a month before they end"
command = ["true"]
when = "daily.at('04:10')"

[task.sitemap]
description = "Writes the sitemap anew"
command = ["true"]
when = "hourly"

[task.link-check]
description = "Follows every link of the site"
command = ["sh", "-c", "echo '2 links lead nowhere' >&2; exit 1"]
when = "daily.at('06:30')"

[task.import-orders]
description = "Takes over the orders of the shop"
command = ["sleep", "900"]
when = "never"

[task.invoices]
description = "Sends the invoices of the day"
command = ["true"]
when = "daily.at('18:00')"
run_on = "one"

[task.report]
description = "The figures of all customers"
command = ["true"]
when = "weekly.on('Mon') & time_of_day.between('07:00', '09:00')"
run_on = "one"
"""


def task_file() -> str:
    """Return the file of the tasks. One of them runs for as long as it is let: `import-orders`."""
    return "\n".join(_text(task) for task in TASKS)


def _text(task: SceneTask) -> str:
    command = _ORDERS if task.name == "import-orders" else "true"
    lines = [
        f"[task.{task.name}]",
        f'description = "{task.description}"',
        f"command = '''{command}'''",
        "shell = true",
        f'when = "{task.when}"',
        task.more,
        "",
    ]
    return "\n".join(lines)


_ORDERS: Final = 'for n in $(seq 1 900); do echo "order $n of 900"; sleep 2; done'


def write_history(state: Path, now: Instant) -> None:
    """Write the runs of three months before `now` into a new store; the same each time but for the time."""
    chance = random.Random(18)  # noqa: S311 - a story, not a secret
    changes: list[Change] = []
    for task in TASKS:
        changes += _runs(task, now, chance)
    changes.sort(key=lambda change: change.end.at if isinstance(change, Finished) else _begin(change))
    store = SqliteStore(state)
    for start in range(0, len(changes), 1000):
        store.write(changes[start : start + 1000])
    store.close()


def _begin(change: Change) -> Instant:
    return change.run.start if isinstance(change, Started) else change.at if isinstance(change, Missed) else 0


def _runs(task: SceneTask, now: Instant, chance: random.Random) -> Iterator[Change]:
    week = now // (7 * DAY) * 7 * DAY
    end = now - int(task.takes * 1.3 * SECOND)
    starts = [*range(week - WEEKS * 7 * DAY + int(task.at * HOUR), end, task.every)][-MOST:]
    for number, start in enumerate(starts, 1):
        is_last = number == len(starts)
        fails = task.failed_last if is_last else chance.random() < task.fails
        took = int(task.takes * chance.uniform(0.75, 1.25) * SECOND)
        identifier = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        run = Run(task.name, number, identifier, 1, start, start + 20_000, Trigger.SCHEDULE, task.when)
        yield Started(run)
        action, code = (Action.FAIL, 1) if fails else (Action.SUCCESS, 0)
        yield Finished(run, End(action, Cause.EXIT, start + took, code, output=task.output, runtime=took))
