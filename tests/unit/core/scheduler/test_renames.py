"""Which tasks take over from former names."""

import pytest

from rocketd.core.model.records import TaskState
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.renames import Rename, find_renames, renamed_states


def task(name: str, *formerly: str) -> Task:
    return Task(name, Command(("/bin/true",)), formerly=formerly)


def states(*names: str) -> dict[str, TaskState]:
    return {name: TaskState(name, "", 0, 7) for name in names}


@pytest.mark.parametrize(
    ("tasks", "known", "found", "impossible"),
    [
        ([task("b", "a")], ["a"], [("a", "b")], []),
        ([task("b", "a")], [], [], []),
        ([task("b", "a")], ["a", "b"], [], [("a", "b")]),  # it has a past of its own
        ([task("b", "a"), task("a")], ["a"], [], []),  # the old one is still there
        ([task("b", "a"), task("c", "a")], ["a"], [], []),  # which of them?
        ([task("c", "b", "a")], ["a"], [("a", "c")], []),  # this host has not seen b
        ([task("c", "b", "a")], ["a", "b"], [("b", "c")], []),  # the newest that is known
        ([task("a", "b")], ["b"], [("b", "a")], []),  # renamed back
        ([task("a", "b"), task("b", "a")], ["a", "b"], [], []),  # both are there
        ([task("a", "a")], ["a"], [], []),
    ],
)
def test_who_takes_over_from_whom(
    tasks: list[Task], known: list[str], found: list[tuple[str, str]], impossible: list[tuple[str, str]]
) -> None:
    assert find_renames(tasks, states(*known)) == ([Rename(*pair) for pair in found], [Rename(*p) for p in impossible])


def test_a_state_goes_with_the_name() -> None:
    made = renamed_states(states("a", "x"), [Rename("a", "b")])
    assert made == {"x": TaskState("x", "", 0, 7), "b": TaskState("b", "", 0, 7)}
