"""A process that is cut off: no ghost, no second tree of its task, no repeat of what was done, and it runs again.

Runs that are units go on: see `test_unit_survival.py`.
"""

from collections.abc import Callable

import pytest

from support.machines.administrator import actions, await_end, await_next, history, lift_sandbox
from support.machines.machine import Machine

# `long` notes each of its starts, and finds out if another tree of it is alive; the first run never ends by itself.
# `done` and `tick` are the other tasks of the host: one has done its work for the day, the other goes on.
TASKS = """
[task.long]
command = '''
    exec 9>/var/lib/alone
    flock --nonblock 9 || echo "not alone" >>/var/lib/ledger
    echo "$ROCKETD_NUMBER" >>/var/lib/ledger
    sync /var/lib/ledger
    echo begun
    [ -e /var/lib/go-on ] || sleep infinity
'''
shell = true
when = "daily"

[task.done]
command = ["true"]
when = "daily"

[task.tick]
command = ["true"]
when = "every('1 second')"
"""
IMPATIENT = """
[Service]
WatchdogSec=3s
TimeoutAbortSec=1s
"""


def restart(machine: Machine) -> None:
    machine.run("systemctl", "restart", "rocketd")


def kill(machine: Machine) -> None:
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "rocketd")


def freeze(machine: Machine) -> None:
    """The daemon stands still; the watchdog has to notice."""
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "rocketd")


def reboot(machine: Machine) -> None:
    machine.reboot()


def cut_power(machine: Machine) -> None:
    machine.power_cut()
    machine.start()


@pytest.fixture
def busy(machine: Machine) -> Machine:
    """A machine in the middle of a run, its settings such that nothing takes long."""
    machine.write("/etc/systemd/system/rocketd.service.d/impatient.conf", IMPATIENT)
    machine.write("/etc/rocketd/rocketd.toml", '[rocketd]\nexecutor = "process"\nshutdown_grace = "1s"\n')
    machine.write("/etc/rocketd/tasks.toml", TASKS)
    lift_sandbox(machine)
    machine.await_journal("ROCKETD_TASK=long", "MESSAGE=begun")
    await_end(machine, "done")
    return machine


@pytest.mark.parametrize("cut_off", [restart, kill, freeze, reboot, cut_power])
def test_what_was_cut_off_runs_again_and_nothing_else_does(busy: Machine, cut_off: Callable[[Machine], None]) -> None:
    busy.run("touch", "/var/lib/go-on")
    cut_off(busy)
    await_end(busy, "long")
    assert actions(busy, "long") == ["crash", "success"]
    assert [run["number"] for run in history(busy, "long")] == [1, 2]
    assert busy.path("/var/lib/ledger").read_text() == "1\n2\n"
    assert actions(busy, "done") == ["success"]
    await_next(busy, "tick", 2)
    assert "run" not in actions(busy, "tick")[:-1]
