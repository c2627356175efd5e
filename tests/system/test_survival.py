"""What survives what: each cell of the table in docs/how-to/units.md, on one machine."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from support.machines.administrator import give_task, history, lift_sandbox
from support.machines.inside import PYTHON
from support.machines.machine import Machine

# A run notes that it begins, and goes on until it is told to end.
WAIT = """#!/bin/sh
echo begun >>/var/lib/ledger/$1
while [ ! -e /run/go-on ]; do sleep 0.05; done
"""
TASKS = """
[task.unit]
command = ["wait-for-end", "unit"]
executor = "unit"
when = "false"

[task.process]
command = ["wait-for-end", "process"]
executor = "process"
when = "false"

[task.function]
function = "subprocess:check_call"
parameters.args = ["wait-for-end", "function"]
when = "false"
"""
PROGRAM = """
import subprocess
from pathlib import Path

from rocketd import Rocketd
from rocketd.log import RunRecord
from rocketd.repos import CSVFileRepo

repository = CSVFileRepo(model=RunRecord, filename="/var/lib/ledger/log.csv")
if not Path(repository.filename).exists():
    repository.create()
app = Rocketd(config={"restart_delay": 0})
app.session.set_repo(repository)


@app.task("daily", execution="process")
def library():
    subprocess.check_call(["wait-for-end", "library"])


if __name__ == "__main__":
    app.run()
"""
SERVICE = f"""
[Service]
ExecStart={PYTHON} /srv/program.py
WorkingDirectory=/srv
Restart=on-failure
RestartSec=0.1
TimeoutStopSec=2
"""
PACKAGE = "/srv/rocketd.deb"
SETTINGS = '[rocketd]\nshutdown_grace = "1s"\n'
IMPATIENT = "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\n"
JOURNALD = "systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket"
DBUS = "dbus.service dbus.socket"


@pytest.fixture(scope="module")
def machine(tree: Path, installed: Path, deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian with the daemon, and a program of its own that uses the library."""
    with Machine(tmp_path_factory.mktemp("survival") / "disk", installed, tree) as machine:
        machine.path(PACKAGE).write_bytes(deb.read_bytes())
        machine.write("/usr/local/bin/wait-for-end", WAIT, mode=0o755)
        machine.write("/srv/program.py", PROGRAM)
        machine.write("/etc/systemd/system/program.service", SERVICE)
        machine.write("/etc/systemd/system/rocketd.service.d/impatient.conf", IMPATIENT)
        machine.write("/etc/rocketd/rocketd.toml", SETTINGS)
        machine.sh("mkdir /var/lib/ledger")
        lift_sandbox(machine)
        give_task(machine, "tasks", TASKS)
        yield machine


def restart(machine: Machine) -> None:
    machine.run("systemctl", "restart", "rocketd", "program")


def upgrade(machine: Machine) -> None:
    machine.run("dpkg", "--install", "--force-confold", "--force-unsafe-io", PACKAGE)


def kill(machine: Machine) -> None:
    machine.sh("systemctl kill --kill-whom=main --signal=KILL rocketd program")
    machine.sh(UP)


def freeze(machine: Machine) -> None:
    """The watchdog ends it."""
    pid = machine.run("systemctl", "show", "--property=MainPID", "--value", "rocketd").stdout.strip()
    machine.sh(f"kill -STOP {pid}; until [ ! -e /proc/{pid} ]; do sleep 0.1; done")
    machine.sh(UP)


def reboot(machine: Machine) -> None:
    machine.reboot()
    machine.sh(f"systemctl start program; {UP}")


def cut_power(machine: Machine) -> None:
    machine.power_cut()
    machine.start()
    machine.sh(f"systemctl start program; {UP}")


def without(services: str) -> Callable[[Machine], None]:
    """Their runs end while these services are away."""

    def away(machine: Machine) -> None:
        machine.sh(f"systemctl stop {services}; touch /run/go-on")
        machine.sh(f"while pgrep -x wait-for-end; do sleep 0.1; done; systemctl start {services}")

    return away


UP = "until rocketctl status >/dev/null 2>&1 && systemctl is-active -q program; do sleep 0.1; done"
ENDS = """until ! rocketctl list --json | grep -q '"running": true'; do sleep 0.1; done
until grep -q ,success, /var/lib/ledger/log.csv; do sleep 0.1; done"""
BEGUN = "for name in unit process function library; do until [ -e /var/lib/ledger/$name ]; do sleep 0.1; done; done"
GOES_ON = (["success"], 1)
CRASHES = (["crash"], 1)
REPEATED = (["crash", "success"], 2)
"""A run that was started by its condition, and is still due, is repeated; one by hand is not."""


@pytest.mark.parametrize(
    ("event", "unit", "process", "library"),
    [
        pytest.param(restart, GOES_ON, CRASHES, REPEATED, id="restart"),
        pytest.param(upgrade, GOES_ON, CRASHES, GOES_ON, id="upgrade"),
        pytest.param(kill, GOES_ON, CRASHES, REPEATED, id="kill"),
        pytest.param(freeze, GOES_ON, CRASHES, GOES_ON, id="watchdog"),
        pytest.param(without(JOURNALD), GOES_ON, GOES_ON, GOES_ON, id="journald away"),
        pytest.param(without(DBUS), GOES_ON, GOES_ON, GOES_ON, id="dbus away"),
        pytest.param(reboot, CRASHES, CRASHES, REPEATED, id="reboot"),
        pytest.param(cut_power, CRASHES, CRASHES, REPEATED, id="power cut"),
    ],
)
def test_what_survives_what(
    machine: Machine,
    event: Callable[[Machine], None],
    unit: tuple[list[str], int],
    process: tuple[list[str], int],
    library: tuple[list[str], int],
) -> None:
    before = {name: len(history(machine, name)) for name in ("unit", "process", "function")}
    machine.sh("systemctl stop program; rm -rf /run/go-on /var/lib/ledger/*; systemctl start program")
    for name in before:
        machine.run("rocketctl", "run", name)
    machine.sh(BEGUN)
    event(machine)
    machine.sh(f"touch /run/go-on; {ENDS}")
    assert outcome(machine, before) == {"unit": unit, "process": process, "function": process, "library": library}


def outcome(machine: Machine, before: Mapping[str, int]) -> dict[str, tuple[list[object], int]]:
    """How the runs of each kind ended, and how many began."""
    ends = {name: [run["action"] for run in history(machine, name)[count:]] for name, count in before.items()}
    records = machine.path("/var/lib/ledger/log.csv").read_text().splitlines()
    place = records[0].split(",").index("action")
    ends["library"] = [action for action in (row.split(",")[place] for row in records[1:]) if action != "run"]
    ledger = machine.path("/var/lib/ledger")
    return {name: (ended, len((ledger / name).read_text().splitlines())) for name, ended in ends.items()}
