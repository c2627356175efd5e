"""What a run prints can be read while it goes on: from its beginning, each line once, also over a slow start."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client, Events
from rocketd.cli.json_fields import text, the_object
from rocketd.daemon.json_format import JsonObject
from support.daemon_process import Daemon

TASKS = """
[task.talker]
command = ["/bin/sh", "-c", "echo one; echo two >&2; read line <{fifo}; echo three; printf four"]
separate_stderr = true

[task.chatter]
command = ["/bin/sh", "-c", "seq 1 40000; read line <{fifo}; echo end"]
output_tail = "1000"
"""


class Talking:
    """A daemon whose tasks print something, wait for us, and print more."""

    def __init__(self, daemon: Daemon, fifo: Path) -> None:
        self.daemon = daemon
        self.client = Client(str(daemon.runtime / "control.sock"))
        self._fifo = fifo

    def run(self, task: str, last: str) -> str:
        """Run a task until it has printed that; return the id of the run."""
        with self.client.events([("kinds", "output")]) as events:
            begun = text(the_object(self.client.post(f"/v1/tasks/{task}/run")), "run_id")
            next(event for event in events if event["run_id"] == begun and event["line"] == last)
        return begun

    def go_on(self) -> None:
        """Let the run end."""
        descriptor = os.open(self._fifo, os.O_WRONLY)
        os.write(descriptor, b"\n")
        os.close(descriptor)

    def lines(self, run_id: str, *, follow: bool = False) -> Events:
        """The answer with the output of a run."""
        return self.client.stream(f"/v1/runs/{run_id}/output", [("follow", "true")] if follow else [])


@pytest.fixture
def talking(tmp_path: Path) -> Iterator[Talking]:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", TASKS.format(fifo=fifo))
        daemon.start()
        yield Talking(daemon, fifo)


def line(n: int, said: str, stream: str | None = None) -> JsonObject:
    return {"event": "output", "stream": stream, "line": said, "n": n}


def test_the_record_of_a_run_has_its_output_while_it_goes_on(talking: Talking) -> None:
    """P1: it was empty until the end."""
    run_id = talking.run("talker", "two")
    run = the_object(talking.client.get(f"/v1/runs/{run_id}"))
    assert (run["action"], sorted(text(run, "output").splitlines())) == ("run", ["one", "two"])
    with talking.lines(run_id) as lines:
        *printed, end = lines
    assert sorted(text(one, "line") for one in printed) == ["one", "two"]
    assert end == {"event": "end", "action": "run"}


def test_who_comes_late_gets_every_line_once_and_the_end(talking: Talking) -> None:
    run_id = talking.run("talker", "two")
    with talking.lines(run_id, follow=True) as lines:
        early = [next(iter(lines)) for _ in range(2)]
        talking.go_on()
        late = list(lines)
    assert [(one["stream"], one["n"]) for one in early] == [(None, 1), (None, 2)]
    assert {text(one, "line") for one in early} == {"one", "two"}
    assert late == [line(3, "three", "stdout"), line(4, "four", "stdout"), {"event": "end", "action": "success"}]
    with talking.lines(run_id, follow=True) as lines:
        *printed, end = lines
    assert ([one["line"] for one in printed][2:], end["action"]) == (["three", "four"], "success")


def test_of_much_output_the_tail_is_kept_and_nothing_is_lost_after_it(talking: Talking) -> None:
    run_id = talking.run("chatter", "40000")
    with talking.lines(run_id, follow=True) as lines:
        talking.go_on()
        said = [text(one, "line") for one in lines]
    assert said[0].endswith(" bytes omitted")
    assert said[1:-1] == [*map(str, range(40_001 - (len(said) - 3), 40_001)), "end"]


def test_the_answer_ends_politely_when_the_daemon_stops_first(talking: Talking) -> None:
    run_id = talking.run("talker", "two")
    with talking.lines(run_id, follow=True) as lines:
        next(iter(lines))
        talking.daemon.stop_at_once()
        rest = [json.dumps(one) for one in lines]
    assert rest[-1] == json.dumps({"event": "end", "action": "crash"})
