"""Limits that systemd enforces on runs, and how the record of a run says so. All on one machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.machines.administrator import RunView, give_task, history
from support.machines.machine import Machine

MEBIBYTE = 1 << 20
# The first program that needs more memory than there may be is killed, and its shell says that it was.
EATS = f'/usr/bin/python3 -c "bytearray({300 * MEBIBYTE})"'
TASKS = f"""
[task.eater]
command = ["/usr/bin/python3", "-c", "bytearray({300 * MEBIBYTE})"]
unit.MemoryMax = "50M"

[task.shell]
command = '''{EATS}'''
shell = true
unit.MemoryMax = "50M"

[task.forker]
command = '''for i in 1 2 3 4 5 6; do sleep 1000 & done; wait'''
shell = true
unit.TasksMax = 4

[task.burner]
command = '''i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done
    cd /sys/fs/cgroup; [ -d cpu ] && cd cpu; cat rocketd.slice/rocketd-burner-1.service/cpu.stat'''
shell = true
unit.CPUQuota = "20%"

[task.sleeper]
command = ["sleep", "1000"]
timeout = "1 s"

[task.child]
command = ["/usr/bin/python3", "-c", "bytearray({600 * MEBIBYTE})"]
executor = "process"
"""
SERVICE = "[Service]\nMemoryMax=300M\nRestart=no\n"


@pytest.fixture(scope="module")
def machine(tree: Path, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian where limits bite, with a limit for the daemon and its processes together."""
    with Machine(tmp_path_factory.mktemp("limits") / "disk", installed, tree, limits=True) as machine:
        machine.write("/etc/rocketd/rocketd.toml", '[rocketd]\nexecutor = "unit"\n')
        machine.write("/etc/systemd/system/rocketd.service.d/limits.conf", SERVICE)
        machine.sh("systemctl daemon-reload; systemctl restart rocketd")
        give_task(machine, "limits", TASKS)
        yield machine


def ended(machine: Machine, task: str) -> RunView:
    """Run it to its end, and return its record."""
    machine.run("rocketctl", "run", task, "--wait", check=False)
    return history(machine, task)[0]


def test_a_run_that_needs_too_much_memory_is_killed_and_its_record_says_why(machine: Machine) -> None:
    run = ended(machine, "eater")
    assert (run["action"], run["signal"]) == ("fail", 9)
    assert "out of memory: " in str(run["message"])


def test_a_shell_whose_command_was_killed_for_its_memory_says_so_as_well(machine: Machine) -> None:
    run = ended(machine, "shell")
    assert run["action"] == "fail"
    assert "out of memory: " in str(run["message"])


def test_a_process_that_is_killed_for_its_memory_was_probably_out_of_it(machine: Machine) -> None:
    run = ended(machine, "child")
    assert (run["action"], run["signal"]) == ("fail", 9)
    assert str(run["message"]).startswith("probably out of memory: ")


def test_a_run_that_somebody_kills_is_not_out_of_memory(machine: Machine) -> None:
    give_task(machine, "killed", '[task.killed]\ncommand = ["sh", "-c", "kill -9 $$"]\n')
    run = ended(machine, "killed")
    assert (run["signal"], run["message"]) == (9, "")


def test_a_run_gets_no_more_processes_than_it_may_have(machine: Machine) -> None:
    run = ended(machine, "forker")
    assert (run["action"], run["exit_code"]) == ("fail", 2)
    assert "annot fork" in str(run["output"])


def test_a_run_gets_no_more_of_a_processor_than_its_share(machine: Machine) -> None:
    statistics = dict(line.split() for line in str(ended(machine, "burner")["output"]).splitlines())
    assert int(statistics["nr_throttled"]) > 0


def test_a_timeout_holds_while_there_is_no_daemon(machine: Machine) -> None:
    machine.run("rocketctl", "run", "sleeper")
    machine.sh("until systemctl is-active -q rocketd-sleeper-1; do :; done; systemctl stop rocketd")
    machine.sh("until [ $(systemctl show -p SubState --value rocketd-sleeper-1) = failed ]; do :; done")
    machine.run("systemctl", "start", "rocketd")
    (run,) = history(machine, "sleeper")
    assert (run["action"], run["cause"], run["signal"]) == ("terminate", "timeout", 15)
