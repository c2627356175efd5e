"""`check` says which tasks are processes although runs are units by default, and what a sandbox does to processes."""

from dataclasses import replace
from pathlib import Path

import pytest

from rocketd.config.executor_notes import executor_notes, sandbox_warnings, sandbox_warnings_of_settings
from rocketd.config.mail_settings import MailSettings
from rocketd.core.language.parser import parse
from rocketd.core.model.executor_choice import no_unit_because_of
from rocketd.core.model.task import Command, ExecutorKind, Function, Identity, Surroundings, Task, TaskHooks

TRUE = Command(("/bin/true",))
TASKS = [
    Task("plain", TRUE),
    Task("files", TRUE, output_file="/var/log/files"),
    Task("asked", TRUE, output_file="/var/log/asked", executor=ExecutorKind.PROCESS),
]


def test_a_task_that_cannot_be_a_unit_is_noted_at_the_setting(tmp_path: Path) -> None:
    for default in (ExecutorKind.AUTO, ExecutorKind.UNIT):
        [(task, mistake)] = executor_notes(TASKS, default, tmp_path)
        assert (task.name, mistake.path, mistake.severity) == ("files", ("task", "files", "output_file"), "note")
        assert mistake.message == (
            "its runs are processes of rocketd, and end with it: "
            "a unit of systemd cannot carry out a task with 'output_file'"
        )


def test_nothing_is_noted_where_all_runs_are_processes(tmp_path: Path) -> None:
    assert [*executor_notes(TASKS, ExecutorKind.PROCESS, tmp_path)] == []
    assert [*executor_notes(TASKS, ExecutorKind.AUTO, tmp_path / "not there")] == []


COMMANDS = [
    Task("probing", TRUE, when=parse("daily & command_succeeds('true')")),
    Task("stopping", TRUE, stop_when=parse("~command_succeeds('true')")),
    Task("telling", TRUE, hooks=TaskHooks(fail=("/bin/mail",), end=())),
]
BOX = "in the sandbox of rocketd's own service"


def told(tasks: list[Task], default: ExecutorKind, bus: Path) -> list[tuple[object, ...]]:
    found = [mistake for _, mistake in sandbox_warnings(tasks, default, bus)]
    assert {mistake.severity for mistake in found} <= {"warning"}
    return [(*mistake.path[1:], mistake.message) for mistake in found]


def test_where_the_daemon_is_confined_runs_that_are_processes_are_warned_of_and_nothing_else(tmp_path: Path) -> None:
    for default in (ExecutorKind.AUTO, ExecutorKind.UNIT):
        assert told([*TASKS, *COMMANDS], default, tmp_path) == [
            ("files", "output_file", f"its runs are {BOX}: {no_unit_because_of('output_file')}"),
            ("asked", "executor", f"its runs are {BOX}"),
        ]


@pytest.mark.parametrize("default", [ExecutorKind.AUTO, ExecutorKind.PROCESS])
def test_where_nothing_is_a_unit_all_that_tasks_have_run_is_warned_of(tmp_path: Path, default: ExecutorKind) -> None:
    """By `executor = "process"`, or because a host has no system bus."""
    bus = tmp_path / "not there" if default is ExecutorKind.AUTO else tmp_path
    tasks = [Task("commands", TRUE, executor=ExecutorKind.UNIT, when=task.when, hooks=task.hooks) for task in COMMANDS]
    assert told(tasks, default, bus) == [
        ("commands", "when", f"the command of command_succeeds is {BOX}"),
        ("commands", "on_fail", f"its hook is {BOX}"),
    ]
    assert ("stopping", "stop_when", f"the command of command_succeeds is {BOX}") in told(COMMANDS, default, bus)


def test_a_process_that_is_to_have_another_user_cannot_start_there(tmp_path: Path) -> None:
    bob = Identity(1001, 1001, (), "bob", "/home/bob", "/bin/sh")
    own = Identity(0, 0, (), "root", "/root", "/bin/sh")
    tasks = [
        Task("other", Function("a:b", surroundings=Surroundings(identity=bob))),
        Task("own", Function("a:b", surroundings=Surroundings(identity=own))),
    ]
    (_, first), (_, second) = sandbox_warnings(tasks, ExecutorKind.AUTO, tmp_path)
    assert first.message.endswith("with 'function'; there they cannot become bob")
    assert first.hint.startswith("no run can start; processes.conf")
    assert second.message.endswith("with 'function'")


def test_the_hooks_of_every_task_and_the_program_that_sends_mail_are_warned_of_where_they_stand(tmp_path: Path) -> None:
    hooks = TaskHooks(fail=("/bin/mail",), missed=("/bin/mail",))
    mail = replace(MailSettings(), command=("/usr/sbin/sendmail", "-t"))
    assert [*sandbox_warnings_of_settings(ExecutorKind.AUTO, hooks, mail, tmp_path)] == []
    found = [*sandbox_warnings_of_settings(ExecutorKind.PROCESS, hooks, mail, tmp_path)]
    assert [mistake.path for mistake in found] == [("hooks", "on_fail"), ("hooks", "on_missed"), ("mail", "command")]
