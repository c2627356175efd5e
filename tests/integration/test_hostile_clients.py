"""Clients that read nothing, say half a sentence or ask for everything at once: the loop starts tasks all the same."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median_low
from threading import Event, Thread

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import instant, objects
from rocketd.core.instant import SECOND
from support.daemon_process import Daemon

RUNS = 5
"""Runs whose lateness is looked at: the median of them, as anything may hold up a single one on a busy machine."""
MOST = 2 * SECOND
"""As late as half of the starts may be in any case: a loop that waits for one of these clients is late by far more."""

TASKS = """
[task.beat]
command = ["/bin/true"]
when = 'every("1 s")'

[task.flood]
command = ["/usr/bin/yes", "a line that is printed again and again"]
output_limit = 0
output_tail = 0

[task.talk]
command = ["/bin/sh", "-c", "while :; do seq 1 2000; sleep 0.05; done"]
"""
YEARLY = """
[task.t{number}]
command = ["/bin/true"]
when = 'cron("0 0 1 1 *")'
"""

GREEDY = [
    "/v1/tasks",
    "/v1/tasks?limit=1000",
    f"/v1/tasks?match={'%2A' * 250}x",
    f"/v1/tasks?match={'x' * 4_000}",
    f"/v1/tasks/{'y' * 8_000}",
    f"/v1/runs/{'a' * 4_000}/{'9' * 4_000}",
    f"/v1/events?kinds={'started,' * 1_500}nothing",
    "/v1/why",
    "/v1/planned",
    "/v1/timeline?since=1990-01-01T00:00:00Z",
    "/v1/stats?since=0001-01-01T00:00:00Z&until=9999-01-01T00:00:00Z&step=1",
    "/v1/log",
    f"/v1/status?{'&'.join(f'p{number}=' for number in range(1_500))}",
]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", TASKS)
        daemon.write("many.toml", "".join(YEARLY.format(number=number) for number in range(4_000)))
        yield daemon.start()


def client_of(daemon: Daemon) -> Client:
    return Client(str(daemon.runtime / "control.sock"))


def connected(daemon: Daemon, said: bytes) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(daemon.runtime / "control.sock"))
    connection.sendall(said)
    return connection


def lateness(daemon: Daemon) -> int:
    """Wait for some runs of `beat`, and return how late they have started: the median."""
    client = client_of(daemon)
    with client.events([("task", "beat"), ("kinds", "finished")]) as events:
        numbers = [event["number"] for _, event in zip(range(RUNS), events, strict=False)]
    runs = objects(client.get("/v1/runs", [("task", "beat"), ("limit", "100")]))
    delays = [(instant(run, "start") or 0) - (instant(run, "due") or 0) for run in runs if run["number"] in numbers]
    assert len(delays) == RUNS
    return median_low(delays)


def ask_for_everything(daemon: Daemon, done: Event) -> None:
    """Ask one greedy question after the other."""
    while not done.is_set():
        for target in GREEDY:
            with suppress(OSError), connected(daemon, f"GET {target} HTTP/1.0\r\n\r\n".encode()) as connection:
                while not done.is_set() and connection.recv(1 << 16):
                    pass


def test_no_client_makes_a_start_late(daemon: Daemon) -> None:
    client, done = client_of(daemon), Event()
    quiet = lateness(daemon)
    client.post("/v1/tasks/flood/run")
    client.post("/v1/tasks/talk/run")
    greedy = [Thread(target=ask_for_everything, args=(daemon, done), daemon=True) for _ in range(3)]
    with ExitStack() as stack:
        for _ in range(40):  # they ask for all events, and read none
            stack.enter_context(connected(daemon, b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"))
        for _ in range(5):
            stack.enter_context(
                connected(daemon, b"GET /v1/runs/talk/1/output?follow=true HTTP/1.1\r\nHost: x\r\n\r\n")
            )
        for half in (b"", b"GET", b"GET /v1/tasks HTTP/1.1\r\nHost: x\r\nX: ", b"POST /v1/reload HTTP/1.1\r\n"):
            stack.enter_context(connected(daemon, half))
        body = b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{"
        stack.enter_context(connected(daemon, body))
        for thread in greedy:
            thread.start()
        beset = lateness(daemon)
        done.set()
        for thread in greedy:
            thread.join(60)
    print(f"median lateness: {quiet / SECOND:.3f} s alone, {beset / SECOND:.3f} s beset")  # noqa: T201 - for who measures
    assert beset < max(MOST, 2 * quiet)
    assert json.dumps(client.get("/v1/status"))
