"""What one client may ask for and see: each route needs a right, and an answer has only what the client may see.

A route that names no right is for those who may do everything. In answers, an object with a `task` is about that task.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum, auto
from typing import Final, Protocol

from rocketd.core.errors import RocketdError
from rocketd.core.model.access import Access
from rocketd.core.model.task import Task
from rocketd.daemon.json_format import EncodedItems, Json, JsonObject
from rocketd.web.errors import NotAllowed

OUTPUT_KEYS: Final = ("output", "exc_text", "line")
"""What runs print, in answers."""
OBJECTS_PER_TURN: Final = 64
"""Objects of a list that are looked through in one iteration of the loop; about 2 ms."""
UNADDRESSED: Final = ("lost", "alive")
"""Events that are about no task and tell nothing of any."""
_NESTED: Final = (dict, list, EncodedItems)


class Right(Enum):
    """What a client must be allowed to do, to use a route."""

    FULL = auto()
    """Everything."""
    VIEW = auto()
    """Look at all tasks."""
    SEE = auto()
    """Look at some tasks: the answer has no others."""
    SEE_TASK = auto()
    """Look at the task in the path."""
    SEE_RUN = auto()
    """Look at the run in the path."""
    SEE_OUTPUT = auto()
    """Look at what the run in the path has printed."""
    OPERATE_TASK = auto()
    """Operate the task in the path."""
    OPERATE_RUN = auto()
    """Operate the task of the run in the path."""


class KnownTasks(Protocol):
    """The tasks that requests are about."""

    def written(self, name: str) -> Task | None:
        """Return the task of that name in the files, loaded or disabled."""
        ...

    def all_written(self) -> Iterable[tuple[str, Task]]:
        """Return all of them, by name."""
        ...

    async def task(self, name: str) -> JsonObject:
        """Return everything about a task; raises NoSuchTask."""
        ...

    async def run(self, which: str) -> JsonObject:
        """Return everything about a run; raises NoSuchRun, Refusal."""
        ...


class AccessGate:
    """The rights of one client."""

    def __init__(self, access: Access, tasks: KnownTasks) -> None:
        self._access = access
        self._tasks = tasks
        self._output_of: str | None = None
        """The task whose output is asked for, of one run."""

    async def admit(self, right: Right, name: str, by: str) -> str:
        """Return the name to use for the task or run in the path; raises NotAllowed, and errors of who looks it up."""
        if self._access.full or right is Right.SEE or (right is Right.VIEW and self._access.view):
            return name
        if right in {Right.SEE_RUN, Right.SEE_OUTPUT, Right.OPERATE_RUN}:
            return await self._admit_to_run(right, name, by)
        if right is Right.SEE_TASK:
            self.admit_to_see(name, by)
        elif right is Right.OPERATE_TASK:
            await self._admit_to_task(name, by)
        else:
            raise _refused(by, "")
        return name

    def admit_to_see(self, name: str, by: str) -> None:
        """Raise NotAllowed if the client may not see this task."""
        if not self._access.may_see(self._tasks.written(name)):
            raise _refused(by, name)

    @property
    def only(self) -> tuple[str, ...] | None:
        """The names of the tasks that the client may see; None: it may see all."""
        if self._access.full or self._access.view:
            return None
        return tuple(name for name, task in self._tasks.all_written() if self._access.may_see(task))

    def describe(self, by: str) -> JsonObject:
        """Return who the client is, and what it may do."""
        access = self._access
        names = () if access.full else self._tasks.all_written()
        operated: list[Json] = [*sorted(name for name, task in names if access.may_operate(task))]
        may: list[Json] = ["look"] if access.full or access.view else []
        may += ["act"] if access.full else ["operate"] if operated else []
        return {"by": by, "uid": access.uid, "may": may, "operates": None if access.full else operated}

    async def _admit_to_task(self, name: str, by: str) -> None:
        if self._access.may_operate(self._tasks.written(name)):
            return
        if self._access.view:
            await self._tasks.task(name)  # that there is none of that name says more
        raise _refused(by, name)

    async def _admit_to_run(self, right: Right, reference: str, by: str) -> str:
        """Return the id of the run: what the reference means may be another run in a moment."""
        try:
            run = await self._tasks.run(reference)
        except RocketdError:
            if self._access.view:
                raise
            raise _refused(by, reference) from None  # which runs there are is not for everybody
        name = str(run.get("task"))
        may = {
            Right.OPERATE_RUN: self._access.may_operate,
            Right.SEE_OUTPUT: self._access.may_see_output,
            Right.SEE_RUN: self._access.may_see,
        }
        if not may[right](self._tasks.written(name)):
            raise _refused(by, reference)
        self._output_of = name if right is Right.SEE_OUTPUT else None
        return str(run.get("run_id"))

    # -- answers ----------------------------------------------------------------------------------------------------

    async def visible(self, answer: Json) -> Json:
        """Return what this client may see of an answer; the loop has its turns in a long list."""
        if self._access.full:
            return answer
        if not isinstance(answer, list | EncodedItems):
            shown = self._shown(answer)
            return None if shown is None else shown[0]
        listed: list[Json] = []
        for start in range(0, len(answer), OBJECTS_PER_TURN):
            listed += self._shown_items(answer[start : start + OBJECTS_PER_TURN])
            await asyncio.sleep(0)
        return listed

    def _shown_items(self, items: list[Json]) -> list[Json]:
        return [shown[0] for item in items if (shown := self._shown(item)) is not None]

    def _shown(self, value: Json) -> tuple[Json] | None:
        """Return what may be seen of a value, None if nothing."""
        if isinstance(value, list | EncodedItems):
            return (self._shown_items(value[:]),)
        if not isinstance(value, dict):
            return (value,)
        name = value.get("task")
        if isinstance(name, str):
            task = self._tasks.written(name)
            if not self._access.may_see(task):
                return None
            if "scope" in value or not self._access.may_see_output(task):  # of another host, or not for this client
                value = without_output(value)
        shown = {
            key: self._shown(item) if isinstance(item, dict | list | EncodedItems) else (item,)
            for key, item in value.items()
        }
        return ({key: None if item is None else item[0] for key, item in shown.items()},)

    @contextmanager
    def visible_lines(self, lines: AbstractContextManager[AsyncIterator[bytes]]) -> Iterator[AsyncIterator[bytes]]:
        """Pass on the lines of JSON that this client may see, by its rights at that time."""
        with lines as opened:
            if self._access.full:
                yield opened
            else:
                yield (
                    self._filtered(opened) if self._output_of is None else self._while_allowed(opened, self._output_of)
                )

    async def _while_allowed(self, lines: AsyncIterator[bytes], task: str) -> AsyncIterator[bytes]:
        """Pass on the output of a run of that task."""
        async for part in lines:
            if not self._access.may_see_output(self._tasks.written(task)):
                return
            yield part

    async def _filtered(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for part in lines:
            events = (self._visible_event(json.loads(line)) for line in part.splitlines())
            if shown := b"".join(json.dumps(event).encode() + b"\n" for event in events if event is not None):
                yield shown

    def _visible_event(self, event: JsonObject) -> JsonObject | None:
        name = event.get("task")
        if not isinstance(name, str):
            return event if self._access.view or event.get("event") in UNADDRESSED else None
        if event.get("event") == "output" and not self._access.may_see_output(self._tasks.written(name)):
            return None
        shown = self._shown(event)
        return shown[0] if shown is not None and isinstance(shown[0], dict) else None


def without_output(value: JsonObject) -> JsonObject:
    """Return an object without what its run has printed; the message about an exception is printed as well."""
    hidden: JsonObject = {key: None for key in OUTPUT_KEYS if key in value}
    if value.get("exc_text"):
        hidden["message"] = ""
    return {**value, **hidden}


def _refused(by: str, name: str) -> NotAllowed:
    what = f"may not do this with {name!r}" if name else "may not do this"
    return NotAllowed(f"{by} {what}", hint=WHO_MAY)


WHO_MAY: Final = (
    "root and members of group rocketd may do everything, those of rocketd-view may look at tasks, "
    "and operators of a task (operators in its file) may run and stop it"
)
