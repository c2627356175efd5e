"""The names of units."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.executor.unit.unit_name import object_path, unit_name, unit_prefix

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True)


def test_a_unit_is_named_for_its_task_and_its_number() -> None:
    assert unit_name("backup", 7) == "rocketd-backup-7.service"
    assert unit_name("pg-dump.daily", 12) == r"rocketd-pg\x2ddump.daily-12.service"


@given(NAMES, NAMES, st.integers(1, 10**12), st.integers(1, 10**12))
def test_no_two_runs_share_a_unit(one: str, other: str, number: int, another: int) -> None:
    same = (one, number) == (other, another)
    assert (unit_name(one, number) == unit_name(other, another)) is same


@given(NAMES, st.integers(1, 10**18))
def test_a_name_fits_into_what_systemd_takes(task: str, number: int) -> None:
    name = unit_name(task, number)
    assert len(name) <= 255
    assert name.removeprefix(unit_prefix(task)) == f"{number}.service"
    assert unit_prefix(task).count("-") == 2


def test_a_path_on_the_bus_is_that_of_systemd() -> None:
    assert object_path("rocketd-a-1.service") == "/org/freedesktop/systemd1/unit/rocketd_2da_2d1_2eservice"


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="this host has no systemd-escape")
@pytest.mark.parametrize("task", ["plain", "with-dash", "a.b_c-d", "9lives"])
def test_a_task_is_escaped_as_systemd_does_it(task: str) -> None:
    done = subprocess.run(["systemd-escape", task], capture_output=True, text=True, check=True)
    assert unit_prefix(task) == f"rocketd-{done.stdout.strip()}-"
