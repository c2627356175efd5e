"""Pages of the list of tasks are those that one would cut out of the whole list."""

import random
from collections.abc import Mapping, Sequence

import pytest

from rocketd.core.instant import HOUR, SECOND, Instant
from rocketd.core.model.events import Finished, Missed, Spawned, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Disabled, Task
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339
from rocketd.daemon.task_list import ORDERS, STATES, TaskList, TaskQuery
from rocketd.daemon.usual_runtimes import KnownRuntimes
from support.event_loop import looped
from support.passed_by_hand import TaskFilesOf, World

NAMES = [f"{part}-{number}" for part in ("backup", "mail", "web") for number in range(20)]


async def no_runtimes(tasks: Sequence[str]) -> Mapping[str, Sequence[int]]:
    return {task: [SECOND] * 3 for task in tasks}


class Listed(World):
    """Sixty tasks to which all sorts of things have happened, and one that is disabled."""

    def __init__(self, seed: int) -> None:
        super().__init__(0)
        self.random = random.Random(seed)  # noqa: S311 - a game
        made = [
            Task(
                name,
                Command(("/bin/true",)),
                description=f"does {number}",
                file=f"/etc/{name[0]}.toml",
                max_age=HOUR if number % 3 == 0 else None,
                tags=("db",) if number % 4 == 0 else (),
            )
            for number, name in enumerate(NAMES)
        ]
        self.scheduler.load(made, self.clock.now() - 2 * HOUR, {})
        self.loop.events.reloads += 1
        off = TaskFilesOf([Disabled(Task("off", Command(("/bin/true",))), 3)])
        self.listed = TaskList(self.loop, off, KnownRuntimes(no_runtimes))
        self.feed.on_changes.append(self.listed.note)
        self.a_pass()

    def anything(self) -> None:
        """Let something happen to some task."""
        name, now = self.random.choice(NAMES), self.clock.now()
        entry, history = self.scheduler.tasks[name], self.scheduler.history.of(name)
        match self.random.randrange(5):
            case 0 if entry.paused:
                self.scheduler.resume(name, now)
            case 0:
                self.scheduler.pause(name, until=None, by="bob", reason="")
            case 1:
                missed = Missed(name, f"{name}{now}", now, now - HOUR, now - HOUR, 1, "down")
                self.scheduler.learn(missed)
                self.loop.publish(missed)
                self.loop.events.publish_delayed(None)
            case _ if history.running:
                run = next(iter(history.running.values()))
                action = self.random.choice([Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH])
                ended = Finished(run, End(action, Cause.EXIT, now))
                self.scheduler.learn(ended)
                self.loop.publish(ended)
            case _:
                run = Run(name, history.next_number, f"{name}{now}", 1, now, now, Trigger.HAND, "")
                for event in (Started(run), Spawned(run, 1, 1, now)):
                    self.scheduler.learn(event)
                    self.loop.publish(event)
        self.a_pass()

    def rows(self) -> list[JsonObject]:
        found = [self.listed.row(name) for name in sorted([*NAMES, "off"])]
        return [row for row in found if row]


def is_in(state: str, row: JsonObject, now: Instant) -> bool:
    if row["disabled"]:
        return state == "disabled"
    return bool(
        {
            "running": row["running"],
            "failed": row["failing"],
            "late": row["overdue_at"] is not None and from_rfc3339(str(row["overdue_at"])) <= now,
            "missed": row["last_action"] == "missed",
            "paused": row["paused"],
            "disabled": False,
            "enabled": not row["paused"],
        }[state]
    )


def names_of(page: JsonObject) -> list[str]:
    tasks = page["tasks"]
    assert isinstance(tasks, list)
    return [str(row["task"]) for row in tasks if isinstance(row, dict)]


@pytest.mark.parametrize("seed", range(5))
@looped
async def test_states_and_counts_are_those_of_the_rows_whatever_has_happened(seed: int) -> None:
    here = Listed(seed)
    for _ in range(60):
        here.anything()
        page = await here.listed.page(TaskQuery(limit=100))
        rows, now = here.rows(), here.clock.now()
        expected = {state: sum(is_in(state, row, now) for row in rows) for state in STATES}
        assert page["counts"] == expected
        state = here.random.choice(STATES)
        found = await here.listed.page(TaskQuery(state=state, limit=100))
        assert names_of(found) == [row["task"] for row in rows if is_in(state, row, now)]
        assert found["total"] == expected[state]


@pytest.mark.parametrize("seed", range(3))
@looped
async def test_the_whole_list_is_as_if_it_were_made_anew_whatever_has_happened(seed: int) -> None:
    here = Listed(seed)
    for _ in range(60):
        here.anything()
        await here.listed.page(TaskQuery(limit=here.random.choice([1, 100])))  # which reads usual runtimes
        listed = {row["task"]: row for row in (await here.listed.all_rows())[:] if isinstance(row, dict)}
        assert listed == {row["task"]: row for row in here.rows()}


@pytest.mark.parametrize("order", ORDERS)
@looped
async def test_pages_have_every_task_once_in_order(order: str) -> None:
    here = Listed(1)
    for _ in range(40):
        here.anything()
    whole = names_of(await here.listed.page(TaskQuery(order=order, limit=100)))
    assert sorted(whole) == sorted([*NAMES, "off"])
    parts: list[str] = []
    after: Json = ""
    while after is not None:
        place = (int(str(after).partition("/")[0]), str(after).partition("/")[2]) if after else None
        page = await here.listed.page(TaskQuery(order=order, limit=7, after=place))
        assert page["total"] == 61
        parts += names_of(page)
        after = page["next"]
    assert parts == whole
    if order != "name":
        assert whole[-1] == "off", "what nothing tells of comes last"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (TaskQuery(match="BACKUP"), 20),
        (TaskQuery(match="backup-1*"), 11),
        (TaskQuery(match="[bw]*-3"), 2),
        (TaskQuery(match="/etc/w.toml"), 20),
        (TaskQuery(match="does 3"), 11),
        (TaskQuery(match="db"), 15),
        (TaskQuery(tag="db"), 15),
        (TaskQuery(tag="db", match="mail"), 5),
        (TaskQuery(tag="other"), 0),
        (TaskQuery(match="("), 0),
        (TaskQuery(match="*" * 200), 61),
        (TaskQuery(only=["mail-1", "off", "gone"]), 2),
    ],
)
@looped
async def test_tasks_are_searched_in_all_their_words_or_by_a_pattern(query: TaskQuery, count: int) -> None:
    page = await Listed(0).listed.page(query._replace(limit=100))
    assert (page["total"], len(names_of(page))) == (count, count)
    counts = page["counts"]
    assert isinstance(counts, dict)
    assert sum(int(str(counts[state])) for state in ("enabled", "paused", "disabled")) == count


@looped
async def test_only_the_keys_that_are_wanted_are_there() -> None:
    page = await Listed(0).listed.page(TaskQuery(limit=1, fields=frozenset({"next", "usual_runtime"})))
    assert page["tasks"] == [{"task": "backup-0", "next": None, "usual_runtime": 1.0}]


@looped
async def test_other_tasks_are_there_after_a_reload() -> None:
    here = Listed(0)
    await here.listed.page(TaskQuery())
    here.load(3)
    assert names_of(await here.listed.page(TaskQuery())) == ["off", "t0", "t1", "t2"]
