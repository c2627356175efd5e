"""Takes the pictures of docs/how-to/look.md: a daemon with a made-up history, `rocketctl web`, and a browser.

PYTHONPATH=.:packaging:tests python -m docgen.page_pictures docs/how-to/look
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import ViewportSize, expect

from rocketd.cli.backend.http_client import Client
from support.browser import NARROW, Scheme, Visitor, WebServer, chromium, go
from support.daemon_process import Daemon
from support.page_scene import task_file, write_history

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


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("into", type=Path, help="a directory")
    into: Path = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    with scene() as (daemon, number), WebServer(daemon.runtime, "--write") as server, chromium() as browser:
        for picture in PICTURES:
            with Visitor(browser, server.session, picture.scheme, picture.size) as visitor:
                page = visitor.open(server.page)
                go(page, picture.view.format(number=number))
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


if __name__ == "__main__":
    main()
