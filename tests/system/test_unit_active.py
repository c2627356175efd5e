"""A condition about a unit, answered by a real systemd."""

import json

from rocketd.core.messages.message import MessageId
from support.machines.machine import Machine

TASKS = """
[task.without]
command = ["/bin/true"]
when = "~unit_active('partner.service') & daily"

[task.with]
command = ["/bin/true"]
when = "unit_active('partner.service') & daily"
"""
PARTNER = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"


def test_a_task_starts_when_the_unit_that_it_waits_for_does(machine: Machine) -> None:
    machine.write("/etc/systemd/system/partner.service", PARTNER)
    machine.run("systemctl", "daemon-reload")
    machine.write("/etc/rocketd/a.toml", TASKS)
    machine.run("systemctl", "reload", "rocketd")
    machine.await_journal(f"MESSAGE_ID={MessageId.SUCCEEDED}", "ROCKETD_TASK=without")  # systemd has said: it is not
    assert "is waiting for unit_active" in machine.run("rocketctl", "why", "with").stdout

    machine.run("systemctl", "start", "partner.service")
    machine.await_journal(f"MESSAGE_ID={MessageId.SUCCEEDED}", "ROCKETD_TASK=with")
    (run,) = json.loads(machine.run("rocketctl", "history", "--json", "with").stdout)
    assert run["reason"] == 'unit_active("partner.service") & daily'
