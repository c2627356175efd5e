"""The answers of the control socket have the shapes that the manual, the page and programs are told of."""

import json
from collections.abc import Iterator

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import objects
from rocketd.core.model.events import Missed, Withdrawn
from rocketd.core.model.run import Run, Trigger
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.daemon.serializers import event_object
from rocketd.web.api import ROUTES
from support.daemon_process import Daemon
from support.shape_check import event_mismatches, mismatches

RUN = Run("t", 1, "0199", 1, due=50, start=51, trigger=Trigger.HAND, reason="")

TASKS = """
[task.hello]
command = ["/bin/echo", "hello"]

[task.sleeper]
command = ["/bin/sleep", "1000"]
overlap = "allow"

[task.off]
command = ["/bin/true"]
enabled = false
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Daemon(tmp_path_factory.mktemp("daemon")) as daemon:
        daemon.write("tasks.toml", TASKS)
        client = Client(str(daemon.runtime / "control.sock"))
        daemon.start()
        yield client


def told(answer: Json) -> JsonObject:
    assert isinstance(answer, dict)
    return answer


LOOKS = {
    "/v1/status": "Status",
    "/v1/me": "Client",
    "/v1/overview": "Overview",
    "/v1/tasks": "Task",
    "/v1/tasks?limit=1000": "Page of tasks",
    "/v1/tasks/hello": "Task in full",
    "/v1/tasks/sleeper": "Task in full",
    "/v1/tasks/off": "Task in full",
    "/v1/tasks/hello/why": "Explanation",
    "/v1/why": "Page of explanations",
    "/v1/runs": "Run",
    "/v1/runs/hello/1": "Run",
    "/v1/runs/sleeper/1": "Run",
    "/v1/timeline": "Timeline",
    "/v1/planned": "Plan",
    "/v1/planned?task=hello": "Plan",
    "/v1/stats": "Statistics",
    "/v1/stats?task=hello": "Statistics",
    "/v1/log": "Log page",
}


def look(asked: Client, target: str) -> Json:
    path, _, query = target.partition("?")
    return asked.get(
        path, [(name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one)]
    )


@pytest.fixture(scope="module")
def lived(asked: Client) -> Client:
    """The daemon, after something has happened to each task."""
    with asked.events([("kinds", "finished")]) as events:
        asked.post("/v1/tasks/hello/run")
        asked.post("/v1/tasks/sleeper/run")
        next(iter(events))
    return asked


@pytest.mark.parametrize("target", LOOKS)
def test_an_answer_has_just_the_keys_and_types_of_its_shape(lived: Client, target: str) -> None:
    answer = look(lived, target)
    for one in answer if isinstance(answer, list) else [answer]:
        assert mismatches(one, LOOKS[target]) == []
    assert answer


def test_every_route_is_looked_at() -> None:
    """Those of a fleet are in test_fleet; metrics are text, and lines are below."""
    paths = {target.partition("?")[0].replace("hello/1", "RUN").replace("hello", "TASK") for target in LOOKS}
    others = {"/v1/metrics", "/v1/events", "/v1/runs/RUN/output", "/v1/fleet", "/v1/fleet/tasks", "/v1/fleet/runs"}
    assert {route.path for route in ROUTES if route.method == "GET"} - others <= paths


def test_every_event_has_the_keys_and_types_of_its_shape(asked: Client) -> None:
    with asked.events() as events:
        begun = told(asked.post("/v1/tasks/hello/run"))
        asked.post("/v1/tasks/hello/pause")
        asked.post("/v1/reload")
        seen = set()
        for event in events:
            assert event_mismatches(event) == []
            seen.add(event["event"])
            if {"tasks", "finished"} <= seen:
                break
    asked.post("/v1/tasks/hello/resume")
    assert seen >= {"started", "spawned", "output", "finished", "task", "tasks"}
    with asked.stream(f"/v1/runs/{begun['run_id']}/output") as lines:
        *printed, end = lines
    assert [mismatches(line, "Output line") for line in printed] == [[]]
    assert mismatches(end, "Output end") == []


def test_what_was_missed_has_the_keys_that_stand_there() -> None:
    assert event_mismatches({**event_object(Missed("t", "0199", 5, 1, 3, 2, "down")), "id": 1}) == []
    assert event_mismatches({**event_object(Withdrawn(RUN, 1, "no memory")), "id": 1}) == []


def test_verbs_answer_what_stands_there(asked: Client) -> None:
    steps: list[tuple[str, JsonObject, str]] = [
        ("/v1/tasks/sleeper/run", {}, "Started run"),
        ("/v1/tasks/sleeper/stop", {}, "Stopping runs"),
        ("/v1/tasks/hello/pause", {"reason": "a new disk"}, "Paused task"),
        ("/v1/tasks/hello/resume", {}, "Resumed task"),
        ("/v1/prune", {"dry_run": True}, "Pruned records"),
        ("/v1/reload", {}, "Reload"),
    ]
    for path, body, shape in steps:
        assert mismatches(asked.post(path, body), shape) == [], path
    begun = told(asked.post("/v1/tasks/sleeper/run"))
    assert mismatches(asked.post(f"/v1/runs/{begun['run_id']}/stop"), "Stopping runs") == []


def test_only_the_keys_that_are_asked_for_come(lived: Client) -> None:
    page = told(look(lived, "/v1/tasks?fields=next,running"))
    assert page["tasks"]
    for one in objects(page["tasks"]):
        assert mismatches(one, "Task", only=frozenset({"task", "next", "running"})) == []


def test_a_mistake_has_the_shape_of_an_error(asked: Client) -> None:
    connection = asked.connect()
    connection.sendall(b"GET /v1/tasks/none HTTP/1.0\r\n\r\n")
    assert mismatches(json.loads(connection.makefile("rb").read().partition(b"\r\n\r\n")[2]), "Error") == []
    connection.close()
