"""`check` says which tasks are processes although runs are units by default; nothing where there are no units."""

from pathlib import Path

from rocketd.config.executor_notes import executor_notes
from rocketd.core.model.task import Command, ExecutorKind, Task

TRUE = Command(("/bin/true",))
TASKS = [
    Task("plain", TRUE),
    Task("files", TRUE, output_file="/var/log/files"),
    Task("asked", TRUE, output_file="/var/log/asked", executor=ExecutorKind.PROCESS),
]


def test_a_task_that_cannot_be_a_unit_is_noted_at_the_setting(tmp_path: Path) -> None:
    for default in (ExecutorKind.AUTO, ExecutorKind.UNIT):
        [(task, mistake)] = executor_notes(TASKS, default, booted=tmp_path)
        assert (task.name, mistake.path, mistake.severity) == ("files", ("task", "files", "output_file"), "note")
        assert mistake.message == (
            "its runs are processes of rocketd, and end with it: "
            "a unit of systemd cannot carry out a task with 'output_file'"
        )


def test_nothing_is_noted_where_all_runs_are_processes(tmp_path: Path) -> None:
    assert executor_notes(TASKS, ExecutorKind.PROCESS, booted=tmp_path) == []
    assert executor_notes(TASKS, ExecutorKind.AUTO, booted=tmp_path / "not there") == []
