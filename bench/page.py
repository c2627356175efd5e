"""The page of `rocketctl web` in a browser: until the overview of many tasks with many records is there.

Limit: the answers that it shows, straight from the control socket. Peer: what the browser itself takes for a page of
as many modules that shows a number, and for one without any. What has been painted, the page says itself: asking it
from outside takes some 60 ms. And the figures about runs that the day and the
task show, beside SQLite, which only counts the same records.
"""

import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

import resume
from figures import Figure
from playwright.sync_api import Page
from tasks import task
from under_test import daemon, task_name, write_tasks

from rocketd.cli.backend.http_client import Client
from rocketd.page.access import PageAccess
from rocketd.page.server import PageServer, Site
from rocketd.page.static_files import StaticFile, static_files
from rocketd.store.sqlite.store import SqliteStore
from support.browser import Visitor, WebServer, chromium

STEP: Final = 900
TIMES: Final = 5
PAUSE: Final = 500
"""Milliseconds in which the other views are loaded."""
SQLITE: Final = "SQLite counts a day"
SOCKET: Final = "its answers, from the socket"
MODULES: Final = "a page of as many modules that shows a number"
OVERVIEW: Final = [("/v1/overview", {}), ("/v1/stats", {"step": str(STEP)})]
LIST: Final = [("/v1/tasks", {"limit": "100"})]
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
        overview, listing = (min(_answers(control, asked) for _ in range(TIMES)) for asked in (OVERVIEW, LIST))
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
        painted = _browser(directory / "run")
    where = f"{tasks:,} tasks, {records:,} records"
    return [
        Figure(f"overview in the browser, {where}", "s", painted.overview, overview, SOCKET, painted.modules, MODULES),
        Figure(f"list of tasks in the browser, {where}", "s", painted.listing, listing, SOCKET),
        Figure("an empty page in the browser", "s", painted.empty, goal="the least that a page takes"),
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


def _answers(path: Path, asked: Iterable[tuple[str, dict[str, str]]]) -> float:
    """Seconds for these answers, one after the other."""
    client = Client(str(path))
    began = time.perf_counter()
    for target, query in asked:
        client.get(target, query.items())
    return time.perf_counter() - began


class Painted(NamedTuple):
    """Seconds until something has been painted, from the beginning of the navigation; of the list, from the click."""

    overview: float
    listing: float
    modules: float
    """A page that shows nothing but a number, made by as many modules as the overview needs."""
    empty: float
    """A page that shows nothing but a number, without any script."""


def _browser(runtime: Path) -> Painted:
    with WebServer(runtime) as server, chromium() as browser, Visitor(browser, server.session) as visitor:
        tab = visitor.open(server.page)
        tab.add_init_script(_WATCH)
        overviews, lists = [], []
        for _ in range(TIMES):
            overviews.append(_loaded(tab, server.page))
            tab.wait_for_timeout(PAUSE)  # as whoever looks before he clicks
            lists.append(float(tab.evaluate(_GO)) / 1000)
        pages = [_least(tab, _page_of(len(PRELOADED))), _least(tab, _page_of(0))]
        return Painted(min(overviews), min(lists), *pages)


def _least(tab: Page, files: Mapping[str, StaticFile]) -> float:
    """The same for a page that is served as the real one is."""
    server = PageServer(0, Site("", files, PageAccess(lambda _: None)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        return min(_loaded(tab, f"http://127.0.0.1:{server.server_port}/") for _ in range(TIMES))
    finally:
        server.shutdown()
        server.server_close()


def _loaded(tab: Page, address: str) -> float:
    """Load a page anew; returns when its tiles had been painted."""
    tab.goto(address)
    tab.reload()
    return float(tab.evaluate("() => window.painted")) / 1000


def _page_of(modules: int) -> Mapping[str, StaticFile]:
    made = "const made = document.createElement('div'); made.className = 'tiles'; made.textContent = 12;"
    names = [f"m{number}.js" for number in range(modules)]
    links = "".join(f'<link rel="modulepreload" href="{name}">' for name in names)
    imports = "".join(f'import "./{name}";' for name in names)
    head = '<!DOCTYPE html><meta charset="utf-8"><link rel="stylesheet" href="style.css">'
    body = '<script type="module" src="main.js"></script>' if modules else '<div class="tiles">12</div>'
    files = {
        "/": ("text/html; charset=utf-8", f"{head}{links}<body>{body}"),
        "/main.js": ("text/javascript", f"{imports}{made} document.body.append(made);"),
        **{f"/{name}": ("text/javascript", "export const nothing = null;") for name in names},
    }
    return {**static_files(), **{path: StaticFile(kind, text.encode()) for path, (kind, text) in files.items()}}


PRELOADED: Final = re.findall(r'rel="modulepreload"', static_files()["/"].content.decode())

# What is in the document by the next frame has been painted when a task after that frame runs.
_AFTER_PAINT: Final = """
    const until = there => new Promise(resolve => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(performance.now());
        const watching = new MutationObserver(() => {
            if (!there()) return;
            watching.disconnect();
            requestAnimationFrame(() => channel.port2.postMessage(null));
        });
        watching.observe(document, { attributes: true, childList: true, subtree: true });
    });
"""
_WATCH: Final = f"{_AFTER_PAINT} window.painted = until(() => document.querySelector('.tiles'));"
_GO: Final = f"""() => {{ {_AFTER_PAINT}
    const began = performance.now();
    const main = document.getElementById('main');
    const painted = until(() => main.dataset.view === 'tasks' && main.querySelector('tbody tr'));
    location.hash = '#/tasks';
    return painted.then(now => now - began);
}}"""
