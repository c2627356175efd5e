"""The control socket as other programs find it: http.client over a unix socket."""

import json
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread

import pytest

from rocketd.core.errors import StoreError
from rocketd.core.model.records import RunFilter
from rocketd.core.model.run import Action
from rocketd.daemon.event_stream import StreamFilter
from rocketd.daemon.json_format import Json, from_rfc3339
from rocketd.web.limits import MAX_CONNECTIONS_PER_USER, PAGE_RUNS
from support.fakes.control import Served, served

ME = f"{pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"


class UnixHttp(HTTPConnection):
    """http.client, over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("rocketd", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "control.sock") as daemon:
        yield daemon


@pytest.fixture
def http(daemon: Served) -> Iterator[UnixHttp]:
    with closing(UnixHttp(daemon.path)) as http:
        yield http


def ask(http: UnixHttp, method: str, target: str, body: str | None = None) -> tuple[int, Json]:
    http.request(method, target, body)
    response = http.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/v1/status", {"version": "0.1.0"}),
        ("/v1/me", {"by": ME, "uid": os.getuid(), "may": ["look", "act"], "operates": None}),
        ("/v1/tasks", [{"task": "backup"}]),
        ("/v1/tasks/backup", {"task": "backup"}),
        ("/v1/tasks/backup/why", {"task": "backup", "at": None}),
        ("/v1/tasks/backup/why?at=1970-01-01T00:00:01%2B00:00", {"task": "backup", "at": 1_000_000}),
        ("/v1/why", {"answers": [{"task": "backup", "at": None}], "next": None}),
        ("/v1/why?after=a&at=1970-01-01T00:00:01Z", {"answers": [{"task": "backup", "at": 1_000_000}], "next": "a"}),
        ("/v1/runs", []),
        ("/v1/runs/0193-run", {"run_id": "0193-run"}),
        ("/v1/runs/backup/7", {"run_id": "0193-run"}),
        ("/v1/runs/backup%2F7", {"run_id": "0193-run"}),
    ],
)
def test_who_looks_is_answered(http: UnixHttp, target: str, answer: Json) -> None:
    assert ask(http, "GET", target) == (200, answer)


@pytest.mark.parametrize(
    ("target", "body", "done"),
    [
        ("tasks/backup/run", "{}", ("start", "backup", ME, False)),
        ("tasks/backup/run", None, ("start", "backup", ME, False)),
        ("tasks/backup/run", '{"as_scheduled": true}', ("start", "backup", ME, True)),
        ("tasks/backup/stop", "{}", ("stop_task", "backup", ME)),
        ("runs/0193-run/stop", "{}", ("stop_run", "0193-run", ME)),
        ("runs/backup/7/stop", "{}", ("stop_run", "backup/7", ME)),
        ("tasks/backup/pause", "{}", ("pause", "backup", ME, None, "")),
        (
            "tasks/backup/pause",
            '{"until": "2026-11-24T10:00:00+01:00", "reason": "new disk"}',
            ("pause", "backup", ME, from_rfc3339("2026-11-24T09:00:00+00:00"), "new disk"),
        ),
        ("tasks/backup/pause", '{"until": null, "reason": ""}', ("pause", "backup", ME, None, "")),
        ("prune", "{}", ("prune", ME, None, False)),
        ("prune", '{"before": "1970-01-01T00:00:01Z", "dry_run": true}', ("prune", ME, 1_000_000, True)),
        ("reload", "{}", ("reload", ME)),
    ],
)
def test_what_is_asked_for_is_done_in_the_name_of_who_asks(
    daemon: Served, http: UnixHttp, target: str, body: str | None, done: tuple[object, ...]
) -> None:
    status, _ = ask(http, "POST", f"/v1/{target}", body)
    assert (status, daemon.verbs.done) == (200, [done])


def test_runs_are_chosen_by_task_time_action_and_number(daemon: Served, http: UnixHttp) -> None:
    since, until = "2026-11-24T10%3A00%3A00%2B01%3A00", "2026-11-25T10:00:00Z"
    ask(http, "GET", f"/v1/runs?task=backup&since={since}&until={until}&action=fail,crash&limit=3")
    ask(http, "GET", "/v1/runs")
    first, rest = from_rfc3339("2026-11-24T10:00:00+01:00"), from_rfc3339("2026-11-25T10:00:00Z")
    chosen = RunFilter(task="backup", since=first, until=rest, actions=(Action.FAIL, Action.CRASH), limit=3)
    assert daemon.verbs.wanted == [chosen, RunFilter()]


def test_the_log_is_told_in_parts_that_say_where_the_next_begins(daemon: Served, http: UnixHttp) -> None:
    assert ask(http, "GET", "/v1/log?task=backup&action=fail&after=41") == (
        200,
        {"runs": [{"run_id": "0193-run"}], "next": 42},
    )
    assert daemon.verbs.wanted == [RunFilter(task="backup", actions=(Action.FAIL,), limit=PAGE_RUNS)]


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "error"),
    [
        ("GET", "/v1/log?after=-1", None, 400, "after must be the `next` of the previous page, not '-1'"),
        ("GET", "/v1/tasks/bakcup", None, 404, "no task 'bakcup' is loaded"),
        ("GET", "/v1/runs/backup/9", None, 404, "no run 'backup/9' is recorded"),
        ("GET", "/v2/tasks", None, 404, "unknown path '/v2/tasks'"),
        ("GET", "/v1/tasks/", None, 404, "unknown path '/v1/tasks/'"),
        ("GET", "/v1/tasks/backup/run", None, 405, "/v1/tasks/backup/run accepts POST, not GET"),
        ("DELETE", "/v1/status", None, 405, "/v1/status accepts GET, not DELETE"),
        ("POST", "/v1/tasks/backup/resume", "{}", 409, f"task 'backup' is not paused by {ME}"),
        ("GET", "/v1/runs?limit=0", None, 400, "limit must be a number from 1 to 16384, not '0'"),
        ("GET", "/v1/runs?limit=many", None, 400, "limit must be a number from 1 to 16384, not 'many'"),
        ("GET", "/v1/runs?since=noon", None, 400, "since must be an RFC 3339 instant, not 'noon'"),
        (
            "GET",
            "/v1/runs?since=2026-11-24T10:00:00",
            None,
            400,
            "since must be an RFC 3339 instant, not '2026-11-24T10:00:00'",
        ),
        ("GET", "/v1/runs?action=flop", None, 400, "'flop' is not an action"),
        ("GET", "/v1/runs?tsk=backup", None, 400, "GET /v1/runs has no parameter 'tsk'"),
        ("GET", "/v1/events?kinds=started,ended", None, 400, "'ended' is not known as kinds"),
        ("GET", "/v1/runs/backup/7/output?follow=1", None, 400, "follow must be true or false, not '1'"),
        ("GET", "/v1/runs?task", None, 400, "the query cannot be read"),
        ("GET", "/v1/status?x=1", None, 400, "GET /v1/status has no parameter 'x'"),
        ("POST", "/v1/tasks/backup/run", '{"as_scheduled": 1}', 400, "as_scheduled must be true or false"),
        ("POST", "/v1/tasks/backup/run", '{"now": true}', 400, "POST /v1/tasks/TASK/run has no parameter 'now'"),
        ("POST", "/v1/tasks/backup/run", "[]", 400, 'the body must be a JSON object, such as {"as_scheduled": true}'),
        ("POST", "/v1/tasks/backup/run", "{", 400, "the body is not JSON"),
        ("POST", "/v1/tasks/backup/run", "[" * 50_000, 400, "the body is not JSON"),
        (
            "POST",
            "/v1/prune",
            '{"before": "0001-01-01T00:00:00+14:00"}',
            400,
            "before must be an RFC 3339 instant, not '0001-01-01T00:00:00+14:00'",
        ),
        (
            "POST",
            "/v1/tasks/backup/pause",
            r'{"reason": "\ud800"}',
            400,
            "reason contains half a character, a lone surrogate",
        ),
        ("POST", "/v1/tasks/backup/pause", '{"reason": 7}', 400, "reason must be a string"),
        (
            "POST",
            "/v1/tasks/backup/pause",
            json.dumps({"reason": "x" * 1001}),
            400,
            "reason may have at most 1000 characters, not 1001",
        ),
    ],
)
def test_a_mistake_is_answered_with_a_sentence_and_does_nothing(  # noqa: PLR0913, PLR0917 - a table
    daemon: Served, http: UnixHttp, method: str, target: str, body: str | None, status: int, error: str
) -> None:
    told, answer = ask(http, method, target, body)
    assert isinstance(answer, dict)
    assert (told, answer["error"]) == (status, error)
    assert isinstance(answer["hint"], str)
    assert daemon.verbs.done == []
    assert ask(http, "GET", "/v1/status")[0] == 200, "the conversation goes on"


def test_a_wrong_method_is_told_the_right_one(http: UnixHttp) -> None:
    http.request("PUT", "/v1/reload")
    response = http.getresponse()
    assert (response.status, response.getheader("Allow")) == (405, "POST")


def test_a_store_that_is_away_is_no_fault_of_who_asks(daemon: Served, http: UnixHttp) -> None:
    daemon.verbs.fails = StoreError("the store is locked", temporary=True)
    assert ask(http, "GET", "/v1/status") == (503, {"error": "the store is locked", "hint": ""})


def test_a_defect_is_told_to_the_journal_and_ends_nothing(daemon: Served, http: UnixHttp) -> None:
    daemon.verbs.fails = ZeroDivisionError("oh no")
    status, answer = ask(http, "GET", "/v1/status")
    assert (status, answer) == (
        500,
        {"error": "the request failed because of a bug in rocketd", "hint": "see journalctl -u rocketd"},
    )
    assert "ZeroDivisionError: oh no" in daemon.journal.messages[-1]
    assert ask(http, "GET", "/v1/tasks")[0] == 200


def test_a_long_list_arrives_whole(daemon: Served, http: UnixHttp) -> None:
    daemon.verbs.listed.many = [{"task": f"task-{number}", "when": "x" * 100} for number in range(20_000)]
    assert ask(http, "GET", "/v1/tasks") == (200, daemon.verbs.listed.many)
    daemon.verbs.listed.many = []
    assert ask(http, "GET", "/v1/tasks") == (200, [])


def test_an_answer_that_is_fetched_only_after_the_goodbye_arrives_whole(daemon: Served) -> None:
    """The end of it waits in the daemon when that closes the connection: that is no defect (`Served` would tell)."""
    daemon.verbs.listed.many = ["x" * (fitting_at_once() + 20_000)]
    with closing(socket.socket(socket.AF_UNIX)) as slow, closing(UnixHttp(daemon.path)) as other:
        slow.connect(str(daemon.path))
        slow.sendall(b"GET /v1/tasks HTTP/1.0\r\n\r\n")
        assert slow.recv(8, socket.MSG_PEEK) == b"HTTP/1.1"
        assert ask(other, "GET", "/v1/status")[0] == 200, "by now it has done with the slow one what it can"
        with slow.makefile("rb") as answer:
            assert json.loads(answer.read().partition(b"\r\n\r\n")[2]) == daemon.verbs.listed.many


def fitting_at_once() -> int:
    """How many bytes a unix socket takes before anybody reads."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    ours.settimeout(0)
    taken = 0
    with closing(ours), closing(theirs), suppress(BlockingIOError):
        while True:
            taken += ours.send(bytes(64 * 1024))
    return taken


# -- events


def subscribe(http: UnixHttp, query: str = "") -> HTTPResponse:
    http.request("GET", f"/v1/events{query}")
    response = http.getresponse()
    assert (response.status, response.getheader("Content-Type")) == (200, "application/x-ndjson")
    return response


def test_events_are_a_line_each_and_none_is_missed_once_the_answer_has_begun(daemon: Served, http: UnixHttp) -> None:
    events = subscribe(http)
    for number in range(100):
        daemon.tell({"event": "started", "task": "backup", "number": number})
    heard = [json.loads(events.readline()) for _ in range(100)]
    assert heard == [{"event": "started", "task": "backup", "number": number} for number in range(100)]


def test_a_listener_says_what_it_wants_and_what_it_has(daemon: Served, http: UnixHttp) -> None:
    subscribe(http, "?task=backup&kinds=started,missed&after=7")
    assert daemon.verbs.feed.asked == [(StreamFilter("backup", frozenset({"started", "missed"})), 7)]


def test_a_listener_that_hangs_up_is_forgotten(daemon: Served, http: UnixHttp) -> None:
    events = subscribe(http)
    assert len(daemon.verbs.feed.listeners) == 1
    events.close()
    http.close()
    assert daemon.verbs.feed.left.wait(60)
    assert not daemon.verbs.feed.listeners


def test_a_listener_that_hangs_up_in_the_middle_of_a_flood_is_forgotten(daemon: Served, http: UnixHttp) -> None:
    subscribe(http)
    for _ in range(1000):
        daemon.tell({"event": "output", "line": "x" * 1000})
    http.sock.close()
    http.close()
    assert daemon.verbs.feed.left.wait(60)


def test_a_listener_that_does_not_read_holds_nobody_up(daemon: Served, http: UnixHttp) -> None:
    subscribe(http)
    for _ in range(1000):
        daemon.tell({"event": "output", "line": "x" * 1000})
    with closing(UnixHttp(daemon.path)) as other:
        assert ask(other, "GET", "/v1/status") == (200, {"version": "0.1.0"})


def test_a_listener_hears_the_end_when_the_daemon_stops(tmp_path: Path) -> None:
    """The answer ends as RFC 9112, 7.1, says, with what happened until then: it is not cut off."""
    with served(tmp_path / "control.sock") as daemon:
        http = UnixHttp(daemon.path)
        events = subscribe(http)
        daemon.tell({"event": "started"})
    assert events.fp is not None
    assert events.fp.read() == b'15\r\n{"event": "started"}\n\r\n0\r\n\r\n'
    http.close()


def test_a_listener_that_does_not_read_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with served(tmp_path / "control.sock") as daemon:
        http = UnixHttp(daemon.path)
        subscribe(http)
        for _ in range(1000):
            daemon.tell({"event": "output", "line": "x" * 1000})
    http.close()


def test_output_is_a_line_each_and_ends(http: UnixHttp) -> None:
    for target, lines in (("output", b'{"n": 1}\n'), ("output?follow=true", b'{"n": 1}\n{"n": 2}\n')):
        http.request("GET", f"/v1/runs/backup/7/{target}")
        assert http.getresponse().read() == lines


def test_an_old_client_hears_plain_lines(daemon: Served) -> None:
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(daemon.path))
        plain.sendall(b"GET /v1/events HTTP/1.0\r\n\r\n")
        stream = plain.makefile("rb")
        while stream.readline() != b"\r\n":
            pass
        daemon.tell({"event": "started"})
        assert stream.readline() == b'{"event": "started"}\n'


# -- many


def test_one_user_cannot_take_all_connections(daemon: Served) -> None:
    idle = [socket.socket(socket.AF_UNIX) for _ in range(MAX_CONNECTIONS_PER_USER)]
    for each in idle:
        each.connect(str(daemon.path))
    with closing(UnixHttp(daemon.path)) as late:
        late.connect()
        response = HTTPResponse(late.sock)
        response.begin()
        assert (response.status, json.loads(response.read())["error"]) == (503, "too many connections are open")
    for each in idle:
        each.sendall(b"GET /v1/status HTTP/1.0\r\n\r\n")
        assert each.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")
        each.close()


def test_many_at_once_are_all_answered(daemon: Served) -> None:
    answers: list[tuple[int, Json]] = []

    def talk() -> None:
        with closing(UnixHttp(daemon.path)) as http:
            answers.extend(ask(http, "GET", "/v1/status") for _ in range(20))

    threads = [Thread(target=talk) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(200, {"version": "0.1.0"})] * 400
