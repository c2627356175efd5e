"""`check` says which tasks are processes although runs are units by default, and what a sandbox does to processes."""

from pathlib import Path

from rocketd.config.executor_notes import executor_notes
from rocketd.core.language.parser import parse
from rocketd.core.model.executor_choice import no_unit_because_of
from rocketd.core.model.task import Command, ExecutorKind, Task, TaskHooks

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


def test_where_the_daemon_is_confined_all_that_its_processes_do_is_warned_of(tmp_path: Path) -> None:
    tasks = [
        *TASKS,
        Task("probing", TRUE, when=parse("daily & command_succeeds('true')")),
        Task("stopping", TRUE, stop_when=parse("~command_succeeds('true')")),
        Task("telling", TRUE, hooks=TaskHooks(fail=("/bin/mail",), end=())),
    ]
    found = executor_notes(tasks, ExecutorKind.AUTO, confined=True, booted=tmp_path)
    assert {mistake.severity for _, mistake in found} == {"warning"}
    assert [(mistake.path[1:], mistake.message) for _, mistake in found] == [
        (
            ("files", "output_file"),
            f"its runs are in the sandbox of rocketd's own service: {no_unit_because_of('output_file')}",
        ),
        (("asked", "executor"), "its runs are in the sandbox of rocketd's own service"),
        (("probing", "when"), "the command of command_succeeds is in the sandbox of rocketd's own service"),
        (("stopping", "stop_when"), "the command of command_succeeds is in the sandbox of rocketd's own service"),
        (("telling", "on_fail"), "its hook is in the sandbox of rocketd's own service"),
    ]
