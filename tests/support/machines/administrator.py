"""What tests ask of a machine where rocketd runs, in the ways an administrator asks."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from rocketd.core.messages.message import MessageId
from support.machines.debian_trees import TOP
from support.machines.machine import Entry, Machine

RELOADED = f"MESSAGE_ID={MessageId.RELOADED}"

RunView: TypeAlias = Mapping[str, object]
"""A run as `rocketctl history --json` shows it."""


def lift_sandbox(machine: Machine) -> None:
    """Install the drop-in that takes the sandbox of the daemon's unit away; for runs that are processes."""
    text = (TOP / "etc/examples/processes.conf").read_text()
    machine.write("/etc/systemd/system/rocketd.service.d/processes.conf", text)
    machine.sh("systemctl daemon-reload; systemctl try-restart rocketd")


def give_task(machine: Machine, name: str, text: str) -> None:
    """Drop a task file and have it taken up; returns when it has been."""
    reloads = len(machine.journal(RELOADED))
    machine.write(f"/etc/rocketd/{name}.toml", text)
    machine.run("systemctl", "reload", "rocketd")
    machine.await_journal(RELOADED, count=reloads + 1)


def await_end(machine: Machine, task: str, action: str = "success", count: int = 1) -> list[Entry]:
    """Wait until the journal tells such an end of the task, or several."""
    return machine.await_journal(f"ROCKETD_TASK={task}", f"ROCKETD_ACTION={action}", count=count)


def await_next(machine: Machine, task: str, count: int) -> None:
    """Wait until the task has succeeded that many times from now on."""
    before = len(machine.journal(f"ROCKETD_TASK={task}", "ROCKETD_ACTION=success"))
    await_end(machine, task, count=before + count)


def history(machine: Machine, task: str) -> list[RunView]:
    """Its runs, oldest first."""
    runs: list[RunView] = json.loads(machine.run("rocketctl", "history", task, "--json").stdout)
    return runs[::-1]


def actions(machine: Machine, task: str) -> list[object]:
    """How its runs ended, oldest first; `run` is one that goes on."""
    return [run["action"] for run in history(machine, task)]


def printed(machine: Machine, task: str) -> list[str]:
    """The lines that it has printed, as the journal has them; systemd's own entries have other identifiers."""
    matches = (f"ROCKETD_TASK={task}", "ROCKETD_STREAM=stdout", f"SYSLOG_IDENTIFIER={task}")
    return [entry["MESSAGE"] for entry in machine.journal(*matches)]


def state(machine: Machine) -> str:
    return machine.run("systemctl", "show", "--property=StatusText", "--value", "rocketd").stdout.strip()
