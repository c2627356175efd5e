"""What carries out the runs of a task: what it asks for, what the daemon's default is, and what is possible."""

import pytest

from rocketd.core.model.executor_choice import choose_executor
from rocketd.core.model.task import Command, ExecutorKind, Function, On, Task

TRUE = Command(("/bin/true",))
AUTO, UNIT, PROCESS = ExecutorKind.AUTO, ExecutorKind.UNIT, ExecutorKind.PROCESS
SETTINGS = [
    (Task("job", Function("a:b")), "function"),
    (Task("job", TRUE, on=On.SHUTDOWN), "on"),
    (Task("job", TRUE, output_limit=0), "output_limit"),
    (Task("job", TRUE, output_file="/var/log/job"), "output_file"),
    (Task("job", TRUE, separate_stderr=True), "separate_stderr"),
]


@pytest.mark.parametrize(
    ("own", "default", "missing", "kind"),
    [
        (None, AUTO, "", UNIT),
        (None, AUTO, "a bus", PROCESS),
        (None, UNIT, "a bus", UNIT),
        (None, PROCESS, "", PROCESS),
        (UNIT, PROCESS, "a bus", UNIT),
        (PROCESS, UNIT, "", PROCESS),
        (AUTO, PROCESS, "", UNIT),
        (AUTO, UNIT, "a bus", PROCESS),
    ],
)
def test_a_task_has_what_it_asks_for_and_else_the_default(
    own: ExecutorKind | None, default: ExecutorKind, missing: str, kind: ExecutorKind
) -> None:
    assert choose_executor(Task("job", TRUE, executor=own), default, missing).kind is kind


def test_only_what_is_not_as_asked_for_has_a_reason() -> None:
    task = Task("job", TRUE)
    assert [choose_executor(task, default, "a bus").reason for default in (UNIT, PROCESS, AUTO)] == [
        "",
        "",
        "units need a bus",
    ]


@pytest.mark.parametrize(("task", "setting"), SETTINGS)
@pytest.mark.parametrize("default", [AUTO, UNIT])
def test_a_task_that_no_unit_can_carry_out_is_a_process_and_says_because_of_what(
    task: Task, setting: str, default: ExecutorKind
) -> None:
    reason = f"a unit of systemd cannot carry out a task with '{setting}'"
    assert choose_executor(task, default, "") == (PROCESS, reason)


def test_nothing_is_noted_of_a_task_that_is_to_be_a_process() -> None:
    assert all(choose_executor(task, PROCESS, "").reason == "" for task, _ in SETTINGS)
