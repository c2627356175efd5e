"""What everybody on the host can read of a unit, and what only root can."""

import resource
from collections.abc import Sequence
from pathlib import Path

from rocketd.core.instant import SECOND
from rocketd.core.model.task import Command, Identity, Limit, Surroundings, Task
from rocketd.executor.process.environment import own_identity
from rocketd.executor.unit.properties import UnitPaths, command_properties, encoded, request_of, run_properties
from support.executor_harness import a_run

BOB = Identity(1001, 1001, (7,), "bob", "/home/bob", "/bin/sh")
SECRET = Command(
    ("/bin/login", "argument-secret"),
    stdin="stdin-secret",
    surroundings=Surroundings(
        identity=BOB,
        directory="/srv/directory-secret",
        environment=(("PASSWORD", "environment-secret"),),
        environment_files=("/srv/file-secret",),
        limits=(Limit(resource.RLIMIT_NOFILE, 10, -1), Limit(resource.RLIMIT_FSIZE, 5, 5)),
    ),
)


PATHS = UnitPaths(Path("/run/r.request"), Path("/run/r.status"), Path("/run/r.output"))


def values(properties: Sequence[Sequence[object]]) -> dict[str, object]:
    return {str(name): getattr(variant, "value", None) for name, variant in properties}


def shown(task: Task, service: str = "") -> dict[str, object]:
    return values(run_properties(task, a_run(task), own_identity(), PATHS, service))


def shown_of_command(task: Task, **more: bool) -> dict[str, object]:
    return values(command_properties(task, a_run(task), own_identity(), PATHS, "", **more))


def test_nothing_of_a_task_is_in_its_properties_but_its_name_user_limits_and_times() -> None:
    assert "secret" not in str(shown(Task("job", SECRET)))


def test_the_request_has_all_of_it() -> None:
    task = Task("job", SECRET)
    data = encoded(request_of(task, {}, own_identity(), {}), task)
    assert all(f"{what}-secret".encode() in data for what in ("argument", "stdin", "directory", "environment", "file"))


def test_systemd_sets_user_and_limits_but_the_launcher_the_size_of_files() -> None:
    found = shown(Task("job", SECRET))
    assert (found["User"], found["Group"]) == ("bob", "1001")
    assert (found["LimitNOFILE"], found["LimitNOFILESoft"]) == (2**64 - 1, 10)
    assert "LimitFSIZE" not in found


def test_a_task_without_a_user_names_root_as_systemd_would_leave_its_home_unset() -> None:
    assert shown(Task("job", Command(("/bin/true",))))["User"] == own_identity().name


def test_no_grace_means_that_it_is_killed_and_not_that_systemd_waits_for_ever() -> None:
    found = shown(Task("job", SECRET, kill_grace=0))
    assert (found["KillSignal"], found["TimeoutStopUSec"]) == (9, 1000)


def test_systemd_stops_a_run_a_little_after_rocketd_would() -> None:
    assert shown(Task("job", SECRET, timeout=60 * SECOND))["RuntimeMaxUSec"] == 65 * SECOND
    assert "RuntimeMaxUSec" not in shown(Task("job", SECRET))


def test_the_daemon_stops_before_its_runs_whatever_its_own_unit_is_called() -> None:
    assert shown(Task("job", SECRET), "scheduler.service")["Before"] == ["scheduler.service"]
    assert "Before" not in shown(Task("job", SECRET))


def test_a_command_that_is_no_run_prints_to_the_daemon_and_nothing_of_it_is_shown_either() -> None:
    found = shown_of_command(Task("job", SECRET))
    assert "secret" not in str(found)
    assert found["StandardOutputFile"] == "/run/r.output"
    assert "StandardOutput" not in found
    assert (found["User"], found["Group"]) == ("bob", "1001")


def test_a_hook_of_a_task_whose_user_systemd_makes_up_has_such_a_user_too() -> None:
    found = shown_of_command(Task("job", SECRET, unit=(("DynamicUser", "yes"),)))
    assert found["DynamicUser"] is True
    assert "User" not in found


def test_only_commands_of_conditions_which_run_often_are_quiet_in_the_journal() -> None:
    assert shown_of_command(Task("job", SECRET), quiet=True)["LogLevelMax"] == 5
    assert "LogLevelMax" not in shown_of_command(Task("job", SECRET))
    assert "LogLevelMax" not in shown(Task("job", SECRET))
