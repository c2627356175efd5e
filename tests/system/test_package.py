"""The package on a real Debian."""

from pathlib import Path

import rocketd
from system.machine import Machine


def test_it_installs_without_a_network_and_is_running(debian: Machine, deb: Path) -> None:
    """As Debian has it: what is installed is enabled and started; without tasks it runs nothing."""
    debian.run("dpkg", "--install", str(deb))
    assert debian.run("systemctl", "is-active", "rocketd").stdout == "active\n"
    assert debian.run("systemctl", "is-enabled", "rocketd").stdout == "enabled\n"


def test_its_programs_tell_their_version(machine: Machine) -> None:
    assert rocketd.__version__ in machine.run("rocketd", "--version").stdout
    assert rocketd.__version__ in machine.run("rocketctl", "--version").stdout
