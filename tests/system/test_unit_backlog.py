"""Many runs that end while there is no daemon."""

import json

from support.machines.administrator import give_task
from support.machines.machine import Machine

COUNT = 500
SETTINGS = f'[rocketd]\nexecutor = "unit"\nmax_running = {COUNT}\n'
# Each waits for whoever opens the other end, and ends when that is closed again.
TASK = """
[task.t{number:03}]
command = ["sh", "-c", "read -r line </run/gate; exit {code}"]
when = "daily"
"""


def test_500_runs_that_end_without_a_daemon_are_recorded_by_the_next(machine: Machine) -> None:
    machine.run("mkfifo", "/run/gate")
    machine.write("/etc/rocketd/rocketd.toml", SETTINGS)
    machine.run("systemctl", "restart", "rocketd")
    give_task(machine, "many", "".join(TASK.format(number=number, code=number % 3) for number in range(COUNT)))
    waiting = "[ $(systemctl list-units --no-legend --state=running 'rocketd-*-*.service' | wc -l) = %d ]"
    machine.sh(f"until {waiting % COUNT}; do sleep 0.2; done")
    machine.run("systemctl", "stop", "rocketd")
    machine.sh(f": >/run/gate; until {waiting % 0}; do sleep 0.2; done")
    assert machine.run("systemctl", "is-system-running").stdout == "running\n"  # none of them is a failed unit
    machine.run("systemctl", "start", "rocketd")
    machine.sh("until [ $(rocketctl list --json | grep -c '\"running\": true') = 0 ]; do sleep 0.2; done")
    runs = json.loads(machine.run("rocketctl", "history", "--json", "--limit", "1000").stdout)
    assert sorted((one["task"], one["exit_code"], one["number"]) for one in runs) == [
        (f"t{number:03}", number % 3, 1) for number in range(COUNT)
    ]
    assert all(one["cpu_time"] is not None for one in runs)
    machine.run("systemctl", "restart", "rocketd")  # who stops has collected what it recorded
    assert machine.run("systemctl", "list-units", "--all", "--no-legend", "rocketd-*-*.service").stdout == ""
