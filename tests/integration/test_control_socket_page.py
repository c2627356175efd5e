"""What docs/reference/control-socket.md says of the control socket is what the daemon answers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import objects, the_object
from rocketd.core.model.events import Missed
from rocketd.daemon.control_views import PAGE_SIZE as EXPLAINED
from rocketd.daemon.control_views import RUNS_SHOWN
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.daemon.serializers import event_object
from rocketd.web.api import ROUTES
from rocketd.web.http import BODY_BYTES, HEAD_BYTES
from rocketd.web.request_handlers import MAX_REASON_LENGTH, MAX_RUNS, PAGE_RUNS
from rocketd.web.server import MAX_CONNECTIONS, MAX_CONNECTIONS_PER_USER
from support.daemon_process import Daemon

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "control-socket.md").read_text()
ROW = re.compile(r"^\| (GET|POST) \| `(.+?)` \| (.*?) ?\| (.+) \|$", re.MULTILINE)
WORD = re.compile(r"`(\w+)`")

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


def rows(heading: str) -> list[tuple[str, str]]:
    """The first two columns of the table below a heading of the third level."""
    section = PAGE.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    return re.findall(r"^\| (`.+?) \| (.*?) ?\|$", section, re.MULTILINE)


def keys(heading: str) -> set[str]:
    """The keys that it names."""
    return {key for column, _ in rows(heading) for key in WORD.findall(column)}


def test_every_path_stands_there_with_its_parameters_and_no_other() -> None:
    said = {(method, path, tuple(WORD.findall(names))) for method, path, names, _ in ROW.findall(PAGE)}
    assert said == {(route.method, route.path, route.parameters) for route in ROUTES}


def test_every_parameter_is_explained() -> None:
    table = PAGE.partition("| parameter | |\n")[2].partition("\n\n")[0]
    said = {word for line in table.splitlines() for word in WORD.findall(line.split("|")[1])}
    assert said == {name for route in ROUTES for name in route.parameters}


def test_the_bounds_are_those_that_hold() -> None:
    assert f"up to {EXPLAINED} loaded tasks" in PAGE
    assert f"`runs`, up to {PAGE_RUNS}, oldest first" in PAGE
    assert f"100 by default, up to {MAX_RUNS} " in PAGE
    assert f"up to {MAX_REASON_LENGTH} characters" in PAGE
    assert f"its {RUNS_SHOWN} newest runs" in PAGE
    assert f"limit is {BODY_BYTES // 1024} KiB for the body, {HEAD_BYTES // 1024} KiB for the header" in PAGE
    assert f"more than {MAX_CONNECTIONS}, or {MAX_CONNECTIONS_PER_USER} of one user" in PAGE


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Daemon(tmp_path_factory.mktemp("daemon")) as daemon:
        daemon.write("tasks.toml", TASKS)
        client = Client(str(daemon.runtime / "control.sock"))
        daemon.start()
        yield client


def answer_of(path: str) -> list[str]:
    """The keys that the row of a path names."""
    ((_, _, _, answer),) = [row for row in ROW.findall(PAGE) if row[1] == path]
    return [key for key in WORD.findall(answer) if key != "after"]


def told(answer: Json) -> JsonObject:
    assert isinstance(answer, dict)
    return answer


def test_answers_have_the_keys_that_stand_there(asked: Client) -> None:
    in_list, _, off = objects(asked.get("/v1/tasks"))
    assert in_list.keys() == keys("Task")
    assert off.keys() == keys("Task") | {"line"}
    assert told(asked.get("/v1/status")).keys() == keys("Status")
    assert told(asked.get("/v1/tasks/hello")).keys() == keys("Task") | keys("Task in full")
    why = told(asked.get("/v1/tasks/hello/why"))
    assert why.keys() == keys("Explanation")
    assert objects(why["parts"])[0].keys() == keys("Explanation") - {"task", "waiting_for", "timezone"}


def test_what_comes_in_parts_says_where_to_go_on(asked: Client) -> None:
    part = told(asked.get("/v1/why"))
    assert list(part) == answer_of("/v1/why")
    assert [the_object(one)["task"] for one in objects(part["answers"])] == ["hello", "sleeper"]
    assert list(told(asked.get("/v1/log"))) == answer_of("/v1/log")


@pytest.mark.parametrize(
    ("target", "heading", "within"),
    [
        ("/v1/tasks?limit=1", "Page of tasks", ""),
        ("/v1/timeline", "Timeline", "rows"),
        ("/v1/planned?until=2100-01-01T00:00:00Z&task=hello", "Planned starts", "starts"),
        ("/v1/stats", "Statistics", "buckets"),
    ],
)
def test_pages_and_charts_have_the_keys_that_stand_there(asked: Client, target: str, heading: str, within: str) -> None:
    path, _, query = target.partition("?")
    answer = told(asked.get(path, [one.partition("=")[::2] for one in query.split("&") if one]))
    assert answer.keys() == {column.strip("`") for column, _ in rows(heading)}
    described = dict(rows(heading))
    for one in objects(answer[within]) if within else ():
        assert {key for key in one if f"`{key}`" in described[f"`{within}`"]} == one.keys()


def test_verbs_answer_what_stands_there(asked: Client) -> None:
    with asked.events() as events:
        begun = told(asked.post("/v1/tasks/hello/run"))
        seen = {}
        for event in events:
            seen[event["event"]] = event
            if event["event"] == "finished" and event["run_id"] == begun["run_id"]:
                break
    assert list(begun) == answer_of("/v1/tasks/TASK/run")
    assert told(asked.get(f"/v1/runs/{begun['run_id']}")).keys() == keys("Run")
    assert seen.keys() == {"started", "spawned", "output", "finished", "task"}
    for event in seen.values():
        number = {"id"} - ({"id"} if event["event"] == "output" else set())
        task = keys("Task") if event["event"] == "task" else set()
        assert event.keys() == event_keys(str(event["event"])) | number | task


def event_keys(kind: str) -> set[str]:
    """The keys that the page says an event of that kind has."""
    (row,) = (rest for name, rest in rows("Event") if name == f"`{kind}`")
    named = set(WORD.findall(row.partition(":")[0]))
    return (named | event_keys("started")) - {"started"} if "started" in named else named | {"event"}


def test_what_was_missed_has_the_keys_that_stand_there() -> None:
    assert event_object(Missed("t", "0199", 5, 1, 3, 2, "down")).keys() == event_keys("missed")


def test_verbs_that_start_nothing_answer_what_stands_there(asked: Client) -> None:
    steps: list[tuple[str, JsonObject]] = [
        ("/v1/tasks/TASK/pause", {"reason": "a new disk"}),
        ("/v1/tasks/TASK/resume", {}),
        ("/v1/prune", {"dry_run": True}),
        ("/v1/reload", {}),
    ]
    for path, body in steps:
        assert list(told(asked.post(path.replace("TASK", "hello"), body))) == answer_of(path)


def test_verbs_that_stop_answer_what_stands_there(asked: Client) -> None:
    for path in ("/v1/tasks/TASK/stop", "/v1/runs/RUN/stop"):
        begun = told(asked.post("/v1/tasks/sleeper/run"))
        which = path.replace("TASK", "sleeper").replace("RUN", str(begun["run_id"]))
        assert list(told(asked.post(which))) == answer_of(path)
