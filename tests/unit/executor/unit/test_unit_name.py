"""The names of units."""

import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.executor.unit.unit_name import UnitNames, object_path

OURS = UnitNames()
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True)


def test_a_unit_is_named_for_its_task_and_its_number() -> None:
    assert OURS.of_run("backup", 7) == "rocketd-backup-7.service"
    assert OURS.of_run("pg-dump.daily", 12) == r"rocketd-pg\x2ddump.daily-12.service"


@given(NAMES, NAMES, st.integers(1, 10**12), st.integers(1, 10**12))
def test_no_two_runs_share_a_unit(one: str, other: str, number: int, another: int) -> None:
    same = (one, number) == (other, another)
    assert (OURS.of_run(one, number) == OURS.of_run(other, another)) is same


@given(NAMES, st.integers(1, 10**18))
def test_a_name_fits_into_what_systemd_takes(task: str, number: int) -> None:
    name = OURS.of_run(task, number)
    assert len(name) <= 255
    assert name.removeprefix(OURS.prefix(task)) == f"{number}.service"
    assert OURS.prefix(task).count("-") == 2


def test_a_path_on_the_bus_is_that_of_systemd() -> None:
    assert object_path("rocketd-a-1.service") == "/org/freedesktop/systemd1/unit/rocketd_2da_2d1_2eservice"


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="this host has no systemd-escape")
@pytest.mark.parametrize("task", ["plain", "with-dash", "a.b_c-d", "9lives"])
def test_a_task_is_escaped_as_systemd_does_it(task: str) -> None:
    done = subprocess.run(["systemd-escape", task], capture_output=True, text=True, check=True)
    assert OURS.prefix(task) == f"rocketd-{done.stdout.strip()}-"


DIRECTORIES = st.from_regex(r"/(run/)?[A-Za-z0-9._-]{1,40}(/[A-Za-z0-9._:-]{1,60})?", fullmatch=True).filter(
    lambda path: not {".", ".."} & set(path.split("/"))
)


def test_the_daemon_of_the_package_has_plain_names_and_any_other_says_which_it_is() -> None:
    assert UnitNames.of_daemon(Path("/run/rocketd")) == OURS
    assert UnitNames.of_daemon(Path("/run/test")).of_run("backup", 7) == "rocketd:test-backup-7.service"
    assert UnitNames.of_daemon(Path("/srv/a.b")).daemon == r"rocketd:\x2fsrv\x2fa\x2eb"


@given(DIRECTORIES, DIRECTORIES, NAMES, NAMES)
def test_no_two_daemons_share_a_unit_or_find_one_of_the_other(one: str, other: str, task: str, another: str) -> None:
    first_names, others_names = UnitNames.of_daemon(Path(one)), UnitNames.of_daemon(Path(other))
    if first_names == others_names:
        assert Path(one).resolve() == Path(other).resolve()
        return
    names = [others_names.of_run(another, 7), others_names.of_command("hook", "0a1b2c3d-0000")]
    assert first_names.of_run(task, 7) not in names
    assert first_names.of_command("hook", "0a1b2c3d-0000") not in names
    for name in names:
        assert len(name) <= 255
        assert not fnmatchcase(name.replace("\\", "/"), first_names.runs.replace("\\", "/"))
        assert not fnmatchcase(name.replace("\\", "/"), first_names.commands.replace("\\", "/"))


@given(NAMES, st.integers(1, 10**12))
def test_a_command_is_no_run_and_no_drop_in_for_a_task_is_about_it(other: str, number: int) -> None:
    command = OURS.of_command("hook", "0a1b2c3d-4e5f")
    assert command == "rocketd.hook-0a1b2c3d.service"
    assert not command.startswith("rocketd-")  # whatever a drop-in for `rocketd-….service.d` says
    assert not fnmatchcase(OURS.of_run(other, number).replace("\\", "/"), OURS.commands)
    assert fnmatchcase(command.replace("\\", "/"), OURS.commands)


def test_a_service_of_the_administrator_that_looks_alike_is_no_run() -> None:
    assert OURS.is_run("rocketd-backup-7.service")
    assert OURS.is_run(OURS.of_run("a-b.c", 12))
    assert not OURS.is_run("rocketd-my-service.service")
    assert not OURS.is_run("rocketd-my-other-7.service")
