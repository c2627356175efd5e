"""The page of `rocketctl web` in a browser: until the overview of many tasks with many records is there.

Limit: the answers that it shows, straight from the control socket. And the figures about runs that the day and the
task show, beside SQLite, which only counts the same records.
"""

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import resume
from figures import Figure
from tasks import task
from under_test import daemon, task_name, write_tasks

from rocketd.cli.backend.http_client import Client
from rocketd.store.sqlite.store import SqliteStore
from support.browser import Visitor, WebServer, chromium, go

STEP: Final = 900
LISTS: Final = (
    {"limit": "50", "state": "running"},
    {"limit": "10", "state": "failed", "order": "last"},
    {"limit": "10", "state": "late"},
    {"limit": "10", "state": "enabled", "order": "next"},
)
TIMES: Final = 5
SQLITE: Final = "SQLite counts a day"
FIGURES: Final = {
    "statistics of a day": ("/v1/stats", {"step": str(STEP)}),
    "statistics of a task over 90 days": ("/v1/stats", {"task": task_name(1)}),
    "first part of the timeline of a day": ("/v1/timeline", {}),
}
"""What is asked: a path, and its parameters."""


def page(directory: Path, *, quick: bool) -> list[Figure]:
    """The overview, from the first byte to the tables; and the list of tasks, from the click."""
    tasks, records = (1_000, 100_000) if quick else (10_000, 1_000_000)
    (directory / "lib").mkdir()
    SqliteStore(directory / "lib").close()
    resume.fill(directory / "lib" / "rocketd.db", tasks, records)
    write_tasks(directory, map(task, range(tasks)))
    with daemon(directory):
        control = directory / "run" / "control.sock"
        socket = min(_answers(control) for _ in range(TIMES))
        counting = min(_counting(directory / "lib" / "rocketd.db") for _ in range(TIMES))
        figures = [
            Figure(
                f"{what}, {records:,} records",
                "s",
                min(_asking(control, *asked) for _ in range(TIMES)),
                counting,
                SQLITE,
            )
            for what, asked in FIGURES.items()
        ]
        overview, listing = _browser(directory / "run")
    where, peer = f"{tasks:,} tasks, {records:,} records", "its answers, from the socket"
    return [
        Figure(f"overview in the browser, {where}", "s", overview, socket, peer, goal="≤ 3"),
        Figure(f"list of tasks in the browser, {where}", "s", listing, socket, peer, goal="≤ 3"),
        *figures,
    ]


def _asking(path: Path, target: str, query: dict[str, str]) -> float:
    """Seconds for one answer."""
    client = Client(str(path))
    began = time.perf_counter()
    client.get(target, query.items())
    return time.perf_counter() - began


def _counting(database: Path) -> float:
    """Seconds in which SQLite counts the records of a day by action, and does nothing else."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    began = time.perf_counter()
    connection.execute(
        "SELECT action, count(*) FROM log WHERE created >= ? GROUP BY action", (time.time() - 86_400,)
    ).fetchall()
    taken = time.perf_counter() - began
    connection.close()
    return taken


def _answers(path: Path) -> float:
    """Seconds for what the overview asks, one after the other."""
    client = Client(str(path))
    since = datetime.fromtimestamp((time.time() // STEP - 95) * STEP, UTC).isoformat()
    began = time.perf_counter()
    for path_, query in (
        ("/v1/status", {}),
        *(("/v1/tasks", each) for each in LISTS),
        ("/v1/stats", {"since": since, "step": str(STEP)}),
    ):
        client.get(path_, query.items())
    return time.perf_counter() - began


def _browser(runtime: Path) -> tuple[float, float]:
    with WebServer(runtime) as server, chromium() as browser, Visitor(browser, server.session) as visitor:
        tab = visitor.open(server.page)
        overviews, lists = [], []
        for _ in range(TIMES):
            tab.goto(server.page)
            tab.reload()
            tab.wait_for_selector(".tiles")
            overviews.append(float(tab.evaluate("performance.now()")) / 1000)
            began = time.perf_counter()
            go(tab, "tasks")
            lists.append(time.perf_counter() - began)
        return min(overviews), min(lists)
