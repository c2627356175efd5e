"""needrestart after an upgrade of libraries: the daemon gets the new ones, and no run is lost for it."""

from support.machines.administrator import actions, give_task
from support.machines.machine import Machine

LONG = """
[task.a-b]
command = ["sh", "-c", "echo begun; exec sleep infinity"]
when = "daily"
"""
RUN = r"rocketd-a\x2db-1.service"
UPGRADE = "lib=$(readlink -f /lib/*/libc.so.6); cp $lib $lib.new; mv $lib.new $lib"


def pid(machine: Machine, unit: str) -> str:
    return machine.run("systemctl", "show", "--property=MainPID", "--value", unit).stdout.strip()


def test_the_daemon_is_restarted_and_runs_go_on(machine: Machine) -> None:
    give_task(machine, "long", LONG)
    machine.await_journal("ROCKETD_TASK=a-b", "MESSAGE=begun")
    daemon, run = pid(machine, "rocketd.service"), pid(machine, RUN)
    machine.sh(UPGRADE)
    shown = machine.run("needrestart", "-r", "a").stdout
    assert pid(machine, "rocketd.service") not in {daemon, "0"}
    assert "rocketd-" not in shown, "nothing suggests that a run should be restarted"
    assert pid(machine, RUN) == run
    assert actions(machine, "a-b") == ["run"]
