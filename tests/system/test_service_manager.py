"""rocketd under a real systemd and a real journald, and what those two do on bad days."""

import pytest

from rocketd.core.messages.message import MessageId
from support.machines.machine import Machine

TASKS = """
[task.hello]
command = ["/bin/sh", "-c", "echo to stdout; echo to stderr >&2"]

[task.flood]
command = ["/usr/bin/seq", "3000"]

[task.pause]
command = ["/bin/sleep", "8"]
"""


@pytest.fixture
def tasks(machine: Machine) -> Machine:
    """A machine with some tasks, none of which starts by itself."""
    machine.write("/etc/rocketd/a.toml", TASKS)
    machine.run("systemctl", "reload", "rocketd")
    machine.await_journal(f"MESSAGE_ID={MessageId.RELOADED}", "ROCKETD_TASKS=3")
    return machine


def quick_watchdog(machine: Machine) -> None:
    """A few seconds instead of half a minute, so that the test sees what it does."""
    machine.write("/etc/systemd/system/rocketd.service.d/quick.conf", "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n")
    machine.sh("systemctl daemon-reload; systemctl restart rocketd")


def shown(machine: Machine, name: str) -> str:
    return machine.run("systemctl", "show", "--value", f"--property={name}", "rocketd").stdout.strip()


def test_systemd_understands_every_line_of_the_unit(machine: Machine) -> None:
    assert machine.run("systemd-analyze", "verify", "--man=no", "rocketd.service").stderr == ""
    assert shown(machine, "Type") == "notify"
    assert shown(machine, "ActiveState") == "active"


def test_the_catalog_explains_what_the_journal_says(machine: Machine) -> None:
    told = machine.run("journalctl", "--catalog", "--no-pager", f"MESSAGE_ID={MessageId.READY}").stdout
    assert "Subject: The task scheduler is ready" in told
    assert "schedules 0 task(s)." in told


@pytest.mark.parametrize("executor", ["unit", "process"])
def test_a_stopped_journald_stops_nothing(tasks: Machine, executor: str) -> None:
    """Who waits sees the output of a process at once; that of a unit, which is journald's, is there afterwards."""
    tasks.write("/etc/rocketd/rocketd.toml", f'[rocketd]\nexecutor = "{executor}"\n')
    quick_watchdog(tasks)
    daemon = shown(tasks, "MainPID")
    tasks.sh("kill -STOP $(systemctl show --value --property=MainPID systemd-journald)")
    seen = tasks.run("rocketctl", "run", "--wait", "flood").stdout.count("\n")
    assert seen == (3000 if executor == "process" else 0)
    tasks.run("rocketctl", "run", "--wait", "pause")  # longer than the watchdog would have stood a loop that hangs
    assert '"action": "success"' in tasks.run("rocketctl", "history", "--json", "pause").stdout
    assert (shown(tasks, "MainPID"), shown(tasks, "NRestarts")) == (daemon, "0")
    tasks.sh("kill -CONT $(systemctl show --value --property=MainPID systemd-journald)")
    tasks.await_journal(f"MESSAGE_ID={MessageId.SUCCEEDED}", "ROCKETD_TASK=pause")
    assert [entry["MESSAGE"] for entry in tasks.journal("-t", "flood")] == [str(number) for number in range(1, 3001)]


def test_a_restarted_journald_is_found_again(tasks: Machine) -> None:
    tasks.run("systemctl", "restart", "systemd-journald.socket", "systemd-journald")
    tasks.run("rocketctl", "run", "--wait", "hello")
    tasks.await_journal(f"MESSAGE_ID={MessageId.SUCCEEDED}", "ROCKETD_TASK=hello")


def test_a_configuration_of_no_use_does_not_start_again_and_again(machine: Machine) -> None:
    machine.write(
        "/etc/systemd/system/rocketd.service.d/wrong.conf",
        "[Service]\nExecStart=\nExecStart=/usr/bin/rocketd --no\n",
    )
    machine.sh("systemctl daemon-reload")
    assert machine.run("systemctl", "restart", "rocketd", check=False).returncode == 1
    assert (shown(machine, "ActiveState"), shown(machine, "ExecMainStatus")) == ("failed", "2")
