"""What a client may ask for, and what it sees of an answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

import pytest

from rocketd.core.model.access import Access
from rocketd.core.model.events import NoSuchRun, NoSuchTask
from rocketd.core.model.operators import Operators
from rocketd.core.model.task import Command, Task
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.web.access_gate import AccessGate, Right
from rocketd.web.errors import NotAllowed

DBA = 1001
OPEN = Task("open", Command(("/bin/true",)), view_output=True)
CLOSED = Task("closed", Command(("/bin/true",)))
MINE = Task("mine", Command(("/bin/true",)), operators=Operators(uids=frozenset({DBA})))

ROOT = Access(0, frozenset(), full=True)
VIEWER = Access(1002, frozenset(), view=True)
OPERATOR = Access(DBA, frozenset())


class Tasks:
    """Three tasks, and a run of each."""

    def __init__(self) -> None:
        self.known = {task.name: task for task in (OPEN, CLOSED, MINE)}

    def written(self, name: str) -> Task | None:
        return self.known.get(name)

    def all_written(self) -> Iterable[tuple[str, Task]]:
        return self.known.items()

    async def task(self, name: str) -> JsonObject:
        if name not in self.known:
            raise NoSuchTask(f"no task {name!r} is loaded")
        return {"task": name}

    async def run(self, which: str) -> JsonObject:
        name = which.partition("/")[0]
        if name not in self.known:
            raise NoSuchRun(f"no run {which!r}")
        return {"task": name, "run_id": f"id-of-{name}"}


def admitted(access: Access, right: Right, name: str) -> str:
    try:
        return asyncio.run(AccessGate(access, Tasks()).admit(right, name, "x"))
    except (NotAllowed, NoSuchTask, NoSuchRun) as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("right", "name", "root", "viewer", "operator"),
    [
        (Right.FULL, "", "", "NotAllowed", "NotAllowed"),
        (Right.VIEW, "", "", "", "NotAllowed"),
        (Right.SEE, "", "", "", ""),
        (Right.SEE_TASK, "closed", "closed", "closed", "NotAllowed"),
        (Right.SEE_TASK, "none", "none", "none", "NotAllowed"),
        (Right.SEE_TASK, "mine", "mine", "mine", "mine"),
        (Right.SEE_RUN, "closed/1", "closed/1", "id-of-closed", "NotAllowed"),
        (Right.SEE_RUN, "none/1", "none/1", "NoSuchRun", "NotAllowed"),
        (Right.SEE_OUTPUT, "closed/1", "closed/1", "NotAllowed", "NotAllowed"),
        (Right.SEE_OUTPUT, "open/1", "open/1", "id-of-open", "NotAllowed"),
        (Right.SEE_OUTPUT, "mine/1", "mine/1", "NotAllowed", "id-of-mine"),
        (Right.OPERATE_TASK, "open", "open", "NotAllowed", "NotAllowed"),
        (Right.OPERATE_TASK, "none", "none", "NoSuchTask", "NotAllowed"),
        (Right.OPERATE_TASK, "mine", "mine", "NotAllowed", "mine"),
        (Right.OPERATE_RUN, "open/1", "open/1", "NotAllowed", "NotAllowed"),
        (Right.OPERATE_RUN, "mine/1", "mine/1", "NotAllowed", "id-of-mine"),
    ],
)
def test_who_is_admitted(right: Right, name: str, root: str, viewer: str, operator: str) -> None:
    assert [admitted(access, right, name) for access in (ROOT, VIEWER, OPERATOR)] == [root, viewer, operator]


def a_run(name: str) -> JsonObject:
    return {"task": name, "output": "printed", "exc_text": "a traceback", "message": "ValueError: secret"}


HIDDEN: JsonObject = {"output": None, "exc_text": None, "message": ""}


def seen(access: Access, answer: Json) -> Json:
    return asyncio.run(AccessGate(access, Tasks()).visible(answer))


def test_output_is_for_those_who_may_see_it_wherever_it_is_in_an_answer() -> None:
    answer: Json = {"runs": [a_run("open"), a_run("closed"), a_run("mine")], "next": None}
    closed, mine = ({**a_run(name), **HIDDEN} for name in ("closed", "mine"))
    assert seen(ROOT, answer) == answer
    assert seen(VIEWER, answer) == {"runs": [a_run("open"), closed, mine], "next": None}
    assert seen(OPERATOR, answer) == {"runs": [a_run("mine")], "next": None}
    details: Json = {"task": "closed", "runs": [a_run("closed")], "going": [{"task": "closed"}]}
    assert seen(VIEWER, details) == {"task": "closed", "runs": [closed], "going": [{"task": "closed"}]}


def test_a_run_of_another_host_has_no_output_for_viewers() -> None:
    assert seen(VIEWER, [{**a_run("open"), "scope": "x", "host": "web2"}]) == [
        {**a_run("open"), **HIDDEN, "scope": "x", "host": "web2"}
    ]


def test_a_long_list_is_cut_down_as_a_short_one_is() -> None:
    assert seen(OPERATOR, [{"task": name} for name in ("open", "mine") * 100]) == [{"task": "mine"}] * 100


EVENTS: list[JsonObject] = [
    {"event": "started", "task": "closed"},
    {"event": "output", "task": "closed", "line": "printed"},
    {"event": "output", "task": "mine", "line": "printed"},
    {"event": "output", "task": "open", "line": "printed"},
    {"event": "finished", **a_run("closed")},
    {"event": "tasks", "count": 3},
    {"event": "alive"},
]


def heard(access: Access) -> list[Json]:
    @contextmanager
    def stream() -> Iterator[AsyncIterator[bytes]]:
        async def parts() -> AsyncIterator[bytes]:
            yield b"".join(json.dumps(event).encode() + b"\n" for event in EVENTS[:4])
            yield b"".join(json.dumps(event).encode() + b"\n" for event in EVENTS[4:])

        yield parts()

    async def listen() -> bytes:
        with AccessGate(access, Tasks()).visible_lines(stream()) as parts:
            return b"".join([part async for part in parts])

    return [json.loads(line) for line in asyncio.run(listen()).splitlines()]


def test_events_are_cut_down_as_answers_are() -> None:
    assert heard(ROOT) == EVENTS
    hidden: Json = {"event": "finished", **a_run("closed"), **HIDDEN}
    assert heard(VIEWER) == [EVENTS[0], EVENTS[3], hidden, EVENTS[5], EVENTS[6]]
    assert heard(OPERATOR) == [EVENTS[2], EVENTS[6]]
