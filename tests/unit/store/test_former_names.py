"""Records of a repository get the names that their tasks have now."""

from rocketd.core.model.condition import FALSE
from rocketd.core.model.task import Command, Task
from rocketd.store.replication.former_names import former_names, under_present_names
from rocketd.store.sqlite.rows import Row


def task(name: str, *formerly: str) -> Task:
    return Task(name, Command(("true",)), FALSE, formerly=formerly)


def row(name: str, number: int, action: str = "run") -> Row:
    return Row(1.0, name, action, number=number)


def test_names_count_that_one_task_had_and_none_has() -> None:
    tasks = [task("new", "old", "older"), task("x", "twice"), task("y", "twice"), task("z", "new"), task("b", "a")]
    assert former_names(tasks, ["b"]) == {"old": "new", "older": "new"}
    assert former_names(tasks, ["b", "old"]) == {"older": "new"}


def test_rows_get_the_names_of_now() -> None:
    rows = [row("older", 1), row("old", 2), row("old", 2, "success"), row("new", 3), row("other", 1)]
    found = under_present_names(rows, {"old": "new", "older": "new"})
    assert [(one.task_name, one.number) for one in found] == [
        ("new", 1),
        ("new", 2),
        ("new", 2),
        ("new", 3),
        ("other", 1),
    ]


def test_two_tasks_that_had_runs_of_the_same_number_stay_two() -> None:
    rows = [row("old", 1), row("new", 1), row("old", 1, "success")]
    assert under_present_names(rows, {"old": "new"}) == rows
