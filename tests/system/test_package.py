"""The package on a real Debian."""

from pathlib import Path

import rocketd
from support.machines.administrator import actions, await_end, give_task
from support.machines.machine import Machine

SETTINGS = "[rocketd]\nmax_running = 3\n"
ONCE = """
[task.once]
command = ["true"]
when = "daily"
"""


def test_it_installs_without_a_network_and_is_running(debian: Machine, deb: Path) -> None:
    """As Debian has it: what is installed is enabled and started; without tasks it runs nothing."""
    debian.run("dpkg", "--install", str(deb))
    assert debian.run("systemctl", "is-active", "rocketd").stdout == "active\n"
    assert debian.run("systemctl", "is-enabled", "rocketd").stdout == "enabled\n"


def test_its_programs_tell_their_version(machine: Machine) -> None:
    assert rocketd.__version__ in machine.run("rocketd", "--version").stdout
    assert rocketd.__version__ in machine.run("rocketctl", "--version").stdout
    assert machine.run("/usr/lib/nagios/plugins/check_rocketd").stdout.startswith("ROCKETD OK")


def test_nobody_but_root_can_trace_the_launcher(machine: Machine) -> None:
    """The kernel lets nobody look into a process whose program he cannot read: ptrace(2), pidfd_getfd(2)."""
    modules = "/usr/lib/rocketd/venv/lib/python3*/site-packages/rocketd"
    launcher = machine.sh(f"echo {modules}/executor/process/launcher").strip()
    assert machine.run("stat", "--format=%a %U", launcher).stdout == "711 root\n"


def test_installing_again_keeps_settings_and_past_and_goes_on(debian: Machine, deb: Path) -> None:
    """As an upgrade does: another daemon takes over where the one before it stopped."""
    debian.run("dpkg", "--install", str(deb))
    debian.write("/etc/rocketd/rocketd.toml", SETTINGS)
    give_task(debian, "once", ONCE)
    await_end(debian, "once")
    before = debian.run("systemctl", "show", "--property=MainPID", "rocketd").stdout
    debian.run("dpkg", "--install", "--force-confdef", str(deb))
    assert debian.run("systemctl", "show", "--property=MainPID", "rocketd").stdout != before
    assert debian.run("systemctl", "is-active", "rocketd").stdout == "active\n"
    assert debian.path("/etc/rocketd/rocketd.toml").read_text() == SETTINGS
    assert actions(debian, "once") == ["success"]


WITHOUT_SANDBOX = "sed -i '/^# Hardening/,/^.Install/{/^.Install/!d}' /usr/lib/systemd/system/rocketd.service"
DROP_IN = "/etc/systemd/system/rocketd.service.d/processes.conf"


def test_an_upgrade_from_a_unit_without_a_sandbox_changes_no_rights(debian: Machine, deb: Path) -> None:
    """And says so; the next upgrade leaves alone what the administrator has made of it."""
    debian.run("dpkg", "--install", str(deb))
    assert not debian.path(DROP_IN).exists()
    debian.sh(f"{WITHOUT_SANDBOX}; systemctl daemon-reload; systemctl restart rocketd")
    assert DROP_IN in debian.run("dpkg", "--install", str(deb)).stdout
    assert "CapBnd:\t0000000000000004" not in debian.sh("cat /proc/$(systemctl show -P MainPID rocketd)/status")
    own = f"{DROP_IN.rpartition('/')[0]}/own.conf"
    debian.sh(
        f"rm {DROP_IN}; {WITHOUT_SANDBOX}; printf '[Service]\nCapabilityBoundingSet=CAP_DAC_READ_SEARCH\n' >{own}"
    )
    debian.run("dpkg", "--install", str(deb))
    assert not debian.path(DROP_IN).exists()
    assert "CapBnd:\t0000000000000004" in debian.sh("cat /proc/$(systemctl show -P MainPID rocketd)/status")


def test_purging_leaves_only_the_administrators_own_files(debian: Machine, deb: Path) -> None:
    debian.run("dpkg", "--install", str(deb))
    give_task(debian, "once", ONCE)
    await_end(debian, "once")
    debian.run("dpkg", "--purge", "rocketd")
    found = debian.sh("find / -xdev -path /proc -prune -o -name '*rocket*' -print | sort").split()
    left = [path for path in found if path != str(deb)]  # which is mounted from outside
    assert left == ["/etc/rocketd"]
    assert debian.sh("ls /etc/rocketd").split() == ["once.toml"]
    assert debian.run("systemctl", "is-system-running", check=False).stdout == "running\n"
