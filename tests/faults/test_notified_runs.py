"""Everybody hears of every run: hooks, pings and mail of many mixed ends, over a kill -9 and dead receivers.

`ROCKETD_NOTIFIED_RUNS=200` makes it as many runs as that; by default it is a short form.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import the_object
from rocketd.core.model.run import Action
from support.daemon_process import Daemon
from support.servers.mail_server import Certificate, MailServer
from support.servers.web_server import WebServer

RUNS = int(os.environ.get("ROCKETD_NOTIFIED_RUNS", "40"))
ENDS = {
    "good": ("echo fine", Action.SUCCESS),
    "bad": ("echo oh no; exit 3", Action.FAIL),
    "idle": ("exit 75", Action.INACTION),
    "killed": ("kill -9 $$", Action.FAIL),
    "hangs": ("sleep 1000", Action.TERMINATE),
}
CUT_OFF = ("cut", "exec sleep 1000", Action.CRASH)
"""A task whose run the kill cuts off."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, "--log-level=debug") as made:
        yield made


@pytest.fixture
def pinged(tmp_path: Path) -> Iterator[WebServer]:
    with WebServer(Certificate.made(tmp_path)) as made:
        yield made


@pytest.fixture
def mailed() -> Iterator[MailServer]:
    with MailServer() as made:
        yield made


def write(daemon: Daemon, pinged: WebServer, mailed: MailServer) -> Path:
    told = daemon.directory / "told"
    told.touch()
    daemon.write(
        "rocketd.toml",
        f"""
[rocketd]
max_running = {RUNS + 2}
[http]
ca_file = "{daemon.directory}/server.crt"
[hooks]
on_end = "echo $ROCKETD_RUN_ID $ROCKETD_ACTION >>{told}"
[mail]
host = "127.0.0.1"
port = {mailed.port}
receivers = ["root@example.com"]
on = ["success", "fail", "inaction", "terminate", "crash"]
pause = "0s"
""",
    )
    tasks = (
        f"[task.{name}]\nshell = true\ncommand = '''{command}'''\n" + "timeout = '300 ms'\n" * (name == "hangs")
        for name, (command, _) in [*ENDS.items(), (CUT_OFF[0], CUT_OFF[1:])]
    )
    defaults = f'[defaults]\noverlap = "allow"\nping = "{pinged.url}/{{task}}"\n'
    daemon.write("a.toml", defaults + "\n".join(tasks).replace("'''exit 75'''", "'''exit 75'''\ninaction_codes = [75]"))
    return told


def start_some(daemon: Daemon, count: int, *others: str) -> list[str]:
    client = Client(str(daemon.runtime / "control.sock"))
    names = [*others, *([*ENDS] * (count // len(ENDS)))]
    return [str(the_object(client.post(f"/v1/tasks/{name}/run", {}))["run_id"]) for name in names]


def counted(mailed: MailServer, wanted: int) -> int:
    """Take mails until they are about so many runs; return about how many they are."""
    heard = 0
    while heard < wanted:
        digest = re.search(r": (\d+) runs: ", mailed.next()["Subject"])
        heard += int(digest[1]) if digest else 1
    return heard


def test_everybody_hears_of_every_run_over_a_kill_and_dead_receivers(
    daemon: Daemon, pinged: WebServer, mailed: MailServer
) -> None:
    told = write(daemon, pinged, mailed)
    daemon.start()
    started = start_some(daemon, RUNS // 2, CUT_OFF[0], CUT_OFF[0])
    daemon.until_line("cannot reach https://127.0.0.1")  # nobody is there yet
    daemon.until_line("cannot send mail")
    daemon.kill()
    pinged.start()
    mailed.start()
    daemon.start()
    started += start_some(daemon, RUNS // 2)
    ids = set(started)
    daemon.until(lambda: {line.split()[0] for line in told.read_text().splitlines()} >= ids, 120.0)
    pings = Counter[str]()
    while {rid for rid in ids if pings[f"end {rid}"] and pings[f"start {rid}"]} < ids:
        received = pinged.next()
        kind = "start" if received.path.endswith("/start") else "end"
        pings[f"{kind} {received.parameters.removeprefix('rid=')}"] += 1
    mails = counted(mailed, len(ids))
    assert daemon.stop() == 0
    ends = {view.run.run_id: view.action for view in daemon.runs()}
    assert set(ends) == ids
    hooks = Counter(tuple(line.split()) for line in told.read_text().splitlines())
    assert {(run_id, str(action)) for run_id, action in ends.items()} <= set(hooks)
    expected = {action for _, action in ENDS.values()} | {CUT_OFF[2]}
    assert set(ends.values()) >= expected
    repeated = sum(hooks.values()) - len(ids), sum(pings.values()) - 2 * len(ids), mails - len(ids)
    print("ends", Counter(map(str, ends.values())), "told twice (hooks, pings, mails):", repeated)  # noqa: T201 - for -rP
