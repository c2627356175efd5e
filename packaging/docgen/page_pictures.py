"""Takes the pictures of docs/how-to/look.md: a daemon with a made-up history, `rocketctl web`, and a browser.

That of several hosts needs a PostgreSQL server, which it starts itself, and is left out where there is none.

PYTHONPATH=.:packaging:tests python -m docgen.page_pictures docs/how-to/look
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser, ViewportSize, expect

from rocketd.cli.backend.http_client import Client
from support.browser import NARROW, Scheme, Visitor, WebServer, chromium, go
from support.daemon_process import Daemon
from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.page_scene import FLEET_TASKS, task_file, write_history
from support.servers.postgres_server import postgres_server

WIDE: Final = ViewportSize(width=1100, height=700)
LOW: Final = ViewportSize(width=1100, height=520)


class Picture(NamedTuple):
    """One picture: its name, and what is on it."""

    name: str
    view: str
    shows: str
    """A selector of what has to be there before it is taken."""
    scheme: Scheme = "light"
    size: ViewportSize = WIDE


PICTURES: Final = (
    Picture("overview", "", "progress"),
    Picture("overview-dark", "", "progress", "dark"),
    Picture("task", "task/db-backup", ".starts li"),
    Picture("run", "run/import-orders/{number}", "#output span", size=LOW),
    Picture("day", "day", ".day path.planned", size=LOW),
    Picture("tasks-narrow", "tasks?state=failed", "tbody", size=NARROW),
)
FLEET: Final = Picture(
    "fleet",
    "fleet",
    "table[data-key=hosts]:has(.badge.stopped) tr[data-key=web2] td:nth-child(8):text-is('1')",
    size=ViewportSize(width=1100, height=560),
)


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("into", type=Path, help="a directory")
    into: Path = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with scene() as (daemon, number), WebServer(daemon.runtime, "--write") as server:
            for picture in PICTURES:
                take(picture._replace(view=picture.view.format(number=number)), browser, server, into)
        with fleet_scene() as daemon, WebServer(daemon.runtime) as server:
            take(FLEET, browser, server, into)


def take(picture: Picture, browser: Browser, server: WebServer, into: Path) -> None:
    """Take one picture."""
    with Visitor(browser, server.session, picture.scheme, picture.size) as visitor:
        page = visitor.open(server.page)
        go(page, picture.view)
        expect(page.locator(picture.shows).first).to_be_visible()
        page.screenshot(path=into / f"{picture.name}.png")


@contextmanager
def scene() -> Iterator[tuple[Daemon, int]]:
    """Run a daemon as it might be on some host; yields it, and the number of a run that is active."""
    with tempfile.TemporaryDirectory() as directory, Daemon(Path(directory)) as daemon:
        write_history(daemon.state, time.time_ns() // 1000)
        daemon.write("tasks.toml", task_file())
        daemon.start()
        client = Client(str(daemon.runtime / "control.sock"))
        started = client.post("/v1/tasks/import-orders/run")
        client.post("/v1/tasks/updates/pause", {"reason": "until the move to the new rack is done"})
        yield daemon, int(started["number"]) if isinstance(started, dict) else 0  # type: ignore[arg-type]
        daemon.stop_at_once()


@contextmanager
def fleet_scene() -> Iterator[Daemon]:
    """Run three hosts of a fleet, one of which has stopped; yields one of the others."""
    with tempfile.TemporaryDirectory() as made, postgres_server() as server:
        directory = Path(made)
        directory.chmod(0o755)
        prepare(server)
        with fleet_hosts(server, "pictures", directory) as fleet:
            for host, tags in (("web1", '"eu"'), ("web2", '"eu"'), ("web3", '"us"')):
                fleet.add(host, FLEET_TASKS, lease="30s", extra=f"tags = [{tags}]\n")
            for daemon in fleet.hosts.values():
                daemon.until_line("the fleet", 1)  # it has joined it, or is heard of again
            live(fleet)
            yield fleet.hosts["web1"]


def live(fleet: FleetHosts) -> None:
    """Let something run on each host; the last one stops."""
    for host, tasks in {
        "web1": ("certificates", "sitemap"),
        "web2": ("sitemap", "link-check"),
        "web3": ("sitemap",),
    }.items():
        for task in tasks:
            fleet.rocketctl(host, "run", task, "--wait")
    fleet.rocketctl("web2", "run", "import-orders")
    fleet.hosts["web3"].stop()


if __name__ == "__main__":
    main()
