"""Which system service a process belongs to, read from its control groups."""

import pytest

from rocketd.executor.unit.host import service_of

HYBRID = """\
9:name=systemd:/
4:memory:/
0::/system.slice/rocketd.service
"""
VERSION_1 = """\
4:memory:/system.slice/other.service
1:name=systemd:/system.slice/rocketd.service
0::/
"""


@pytest.mark.parametrize(
    ("control_groups", "service"),
    [
        ("0::/system.slice/rocketd.service\n", "rocketd.service"),
        (HYBRID, "rocketd.service"),
        (VERSION_1, "rocketd.service"),
        ("0::/batch.slice/batch-night.slice/night.service\n", "night.service"),
        ("0::/system.slice/system-rocketd.slice/rocketd@two.service/daemon\n", "rocketd@two.service"),
        ("0::/rocketd.service\n", "rocketd.service"),
        ("0::/system.slice/_memory.service\n", "memory.service"),
        ("0::/../../system.slice/rocketd.service\n", "rocketd.service"),
    ],
)
def test_a_daemon_that_is_a_system_service_knows_its_name(control_groups: str, service: str) -> None:
    assert service_of(control_groups) == service


@pytest.mark.parametrize(
    "control_groups",
    [
        "",
        "0::/\n",
        "0::/../..\n",
        "0::/init.scope\n",
        "0::/docker/0123456789abcdef\n",
        "0::/system.slice/docker-0123.scope\n",
        "0::/machine.slice/machine-a.scope/payload/system.slice/rocketd.service\n",
        "0::/user.slice/user-0.slice/session-3.scope\n",
        "0::/user.slice/user-0.slice/user@0.service/app.slice/rocketd.service\n",
        "4:memory:/system.slice/rocketd.service\n",
        "no such text",
    ],
)
def test_a_daemon_in_a_container_a_terminal_or_a_user_manager_is_none(control_groups: str) -> None:
    assert service_of(control_groups) == ""
