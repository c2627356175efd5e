"""Runs as units outlive the daemon, whatever ends it; and none runs twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketd.core.messages.message import MessageId
from support.machines.administrator import actions, await_end, give_task, history, printed
from support.machines.machine import Entry, Machine

IMPATIENT = "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\n"
# It notes each of its starts, and goes on until it is told to end.
TASK = """
[task.long]
command = '''
    echo "$ROCKETD_NUMBER" >>/var/lib/ledger
    echo begun
    while [ ! -e /run/go-on ]; do sleep 0.05; done
    echo done
    exit 3
'''
shell = true
when = "daily"
"""


def restart(machine: Machine) -> None:
    machine.run("systemctl", "restart", "rocketd")


def kill(machine: Machine) -> None:
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "rocketd")
    await_starts(machine, 3)


def freeze(machine: Machine) -> None:
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "rocketd")
    await_starts(machine, 3)


def reexec(machine: Machine) -> None:
    machine.run("systemctl", "daemon-reexec")


def restart_bus(machine: Machine) -> None:
    machine.run("systemctl", "restart", "dbus.service")


def restart_journal(machine: Machine) -> None:
    machine.run("systemctl", "restart", "systemd-journald")


def await_starts(machine: Machine, count: int) -> None:
    machine.await_journal("MESSAGE_ID=4fcbed9721844c3ababa6e428cf4bc7b", "_BOOT_ID=" + boot(machine), count=count)


def ready(machine: Machine) -> list[Entry]:
    """The starts of daemons."""
    return machine.journal(f"MESSAGE_ID={MessageId.READY}")


def boot(machine: Machine) -> str:
    return machine.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip().replace("-", "")


@pytest.fixture
def busy(machine: Machine) -> Machine:
    """A machine in the middle of a run."""
    machine.write("/etc/systemd/system/rocketd.service.d/impatient.conf", IMPATIENT)
    machine.write("/etc/rocketd/tasks.toml", TASK)
    machine.sh("systemctl daemon-reload; systemctl restart rocketd")
    machine.await_journal("ROCKETD_TASK=long", "MESSAGE=begun")
    return machine


def is_one_run_with_its_own_end(machine: Machine) -> None:
    await_end(machine, "long", "fail")
    (run,) = history(machine, "long")
    assert (run["action"], run["exit_code"], run["number"]) == ("fail", 3, 1)
    assert run["output"] == "begun\ndone\n"
    assert machine.path("/var/lib/ledger").read_text() == "1\n"


@pytest.mark.parametrize("end", [restart, kill, freeze, reexec, restart_bus, restart_journal])
def test_a_run_goes_on_and_its_end_is_recorded(busy: Machine, end: Callable[[Machine], None]) -> None:
    end(busy)
    assert actions(busy, "long") == ["run"]
    busy.run("touch", "/run/go-on")
    is_one_run_with_its_own_end(busy)


def test_what_ended_while_there_was_no_daemon_is_learned_from_systemd(busy: Machine) -> None:
    busy.run("systemctl", "stop", "rocketd")
    busy.run("touch", "/run/go-on")
    busy.await_journal("ROCKETD_TASK=long", "MESSAGE=done")
    busy.run("systemctl", "start", "rocketd")
    is_one_run_with_its_own_end(busy)


def test_a_run_over_five_restarts_and_an_installation_is_one_run(busy: Machine, deb: Path) -> None:
    busy.write("/root/rocketd.deb", "")
    busy.path("/root/rocketd.deb").write_bytes(deb.read_bytes())
    for _ in range(5):
        restart(busy)
    busy.run("dpkg", "--install", "--force-confold", "--force-unsafe-io", "/root/rocketd.deb")
    busy.run("touch", "/run/go-on")
    is_one_run_with_its_own_end(busy)


def test_fifty_active_runs_and_fifty_that_end_meanwhile_are_taken_over(busy: Machine) -> None:
    """One daemon starts them all; the next one learns of half the ends from systemd, and sees the others itself."""
    wait = "echo begun; while [ ! -e {0} ]; do sleep 1; done; echo done; exit {1}"
    tasks = [
        f"[task.{name}{number}]\nshell = true\nwhen = 'daily'\ncommand = '{wait.format(file, code)}'\n"
        for name, file, code in (("later", "/run/go-on", 3), ("sooner", "/run/sooner", 4))
        for number in range(50)
    ]
    busy.write("/etc/rocketd/rocketd.toml", "[rocketd]\nmax_running = 200\n")
    give_task(busy, "many", "".join(tasks))
    busy.await_journal("MESSAGE=begun", count=101)
    busy.run("systemctl", "stop", "rocketd")
    busy.run("touch", "/run/sooner")
    busy.await_journal("MESSAGE=done", count=50)
    busy.run("systemctl", "start", "rocketd")
    runs = json.loads(busy.run("rocketctl", "history", "--json", "--limit", "1000").stdout)
    assert sorted((run["action"], run["exit_code"]) for run in runs if run["task"] != "long") == (
        [("fail", 4)] * 50 + [("run", None)] * 50
    )
    busy.run("touch", "/run/go-on")
    busy.await_journal("ROCKETD_ACTION=fail", count=101)
    is_one_run_with_its_own_end(busy)
    runs = json.loads(busy.run("rocketctl", "history", "--json", "--limit", "1000").stdout)
    assert {(run["task"][:5], run["exit_code"], run["output"]) for run in runs} == {
        ("long", 3, "begun\ndone\n"),
        ("later", 3, "begun\ndone\n"),
        ("soone", 4, "begun\ndone\n"),
    }
    assert len(runs) == 101


OLDER = """
    dpkg-deb --raw-extract /root/rocketd.deb /root/older
    sed -i 's/^Version: .*/Version: 0.0.1/' /root/older/DEBIAN/control
    dpkg-deb --build --root-owner-group -Znone /root/older /root/older.deb
"""
CHANGES = """
    dpkg --install --force-confold --force-unsafe-io --force-downgrade /root/older.deb
    dpkg-query --show --showformat='version ${Version}' rocketd; echo
    dpkg --install --force-confold --force-unsafe-io /root/rocketd.deb
"""


def test_a_task_may_downgrade_and_upgrade_rocketd(busy: Machine, deb: Path) -> None:
    """Each replaces the daemon that runs the task; neither the task nor the other run notices."""
    busy.write("/root/rocketd.deb", "")
    busy.path("/root/rocketd.deb").write_bytes(deb.read_bytes())
    busy.sh(OLDER)
    busy.write("/root/change", f"set -e{CHANGES}")
    daemons = len(ready(busy))
    give_task(busy, "upgrade", "[task.upgrade]\ncommand = ['sh', '/root/change']\n")
    busy.run("rocketctl", "run", "upgrade")
    await_end(busy, "upgrade")
    assert "version 0.0.1" in printed(busy, "upgrade")
    assert busy.run("dpkg", "--audit").stdout == ""
    assert busy.run("dpkg-query", "--show", "--showformat=${Version}", "rocketd").stdout != "0.0.1"
    assert len(ready(busy)) == daemons + 2
    assert (actions(busy, "upgrade"), actions(busy, "long")) == (["success"], ["run"])
    busy.run("touch", "/run/go-on")
    is_one_run_with_its_own_end(busy)


def test_while_the_bus_is_away_runs_end_and_new_ones_wait_for_it(busy: Machine) -> None:
    give_task(busy, "late", "[task.late]\ncommand = ['echo', 'here']\n")
    busy.run("systemctl", "stop", "dbus.socket", "dbus.service")
    busy.run("touch", "/run/go-on")
    busy.await_journal("ROCKETD_TASK=long", "MESSAGE=done")
    busy.run("rocketctl", "run", "late")
    assert (actions(busy, "long"), actions(busy, "late")) == (["run"], ["run"])
    assert printed(busy, "late") == []
    busy.run("systemctl", "start", "dbus.socket")
    is_one_run_with_its_own_end(busy)
    await_end(busy, "late")
    assert printed(busy, "late") == ["here"]


def test_while_journald_is_away_runs_begin_and_end_as_ever(busy: Machine) -> None:
    """Their output is lost, which is systemd's way; it is there again for those that begin afterwards."""
    give_task(busy, "quiet", "[task.quiet]\ncommand = ['sh', '-c', 'echo here; exit 4']\n")
    journald = ("systemd-journald.socket", "systemd-journald-dev-log.socket", "systemd-journald.service")
    busy.run("systemctl", "stop", *journald)
    busy.run("rocketctl", "run", "quiet", "--wait", check=False)
    assert [run["exit_code"] for run in history(busy, "quiet")] == [4]
    busy.run("systemctl", "start", *journald)
    busy.run("rocketctl", "run", "quiet", "--wait", check=False)
    assert [(run["exit_code"], run["output"]) for run in history(busy, "quiet")][1:] == [(4, "here\n")]
    assert actions(busy, "long") == ["run"]


def test_a_stopped_run_is_stopped_by_the_next_daemon_as_by_the_first(busy: Machine) -> None:
    restart(busy)
    busy.run("rocketctl", "stop", "long", "--wait")
    (run,) = history(busy, "long")
    assert (run["action"], run["signal"]) == ("terminate", 15)
    assert busy.run("systemctl", "list-units", "--no-legend", "rocketd-*-*.service").stdout == ""


def test_after_a_power_cut_an_open_run_has_crashed_and_runs_again(busy: Machine) -> None:
    busy.power_cut()
    busy.start()
    busy.run("touch", "/run/go-on")
    await_end(busy, "long", "fail")
    assert actions(busy, "long") == ["crash", "fail"]


def test_a_host_that_goes_down_lets_runs_end_in_their_grace(busy: Machine) -> None:
    ends = TASK.replace("task.long", "task.short").replace(
        "[ ! -e /run/go-on ]", "! systemctl is-system-running | grep -q stopping"
    )
    give_task(busy, "short", ends)
    busy.await_journal("ROCKETD_TASK=short", "MESSAGE=begun")
    busy.write("/etc/rocketd/rocketd.toml", '[rocketd]\nshutdown_grace = "5s"\n')
    busy.run("systemctl", "reload", "rocketd")
    busy.reboot()
    assert actions(busy, "short") == ["fail"]
    assert actions(busy, "long")[0] == "crash"
