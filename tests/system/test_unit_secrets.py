"""What another user of the host sees of a run: its arguments, as always, and nothing else of its task."""

from support.machines.administrator import give_task
from support.machines.machine import Machine

UNIT = "rocketd-vault-1.service"
BUS_PATH = "/org/freedesktop/systemd1/unit/rocketd_2dvault_2d1_2eservice"
PROPERTIES = "org.freedesktop.DBus.Properties"
TASK = """
[task.vault]
command = ["/bin/sh", "-c", "read -r line; echo begun; exec sleep 1000", "an-argument"]
executor = "unit"
environment.PASSWORD = "secret-value"
environment_files = ["/srv/environment"]
parameters.pin = "secret-input"
user = "backup"
directory = "/srv/secret-directory"
"""
# Every way that systemd, its bus, /proc and /run offer.
LOOK = f"""
systemctl show {UNIT}; systemctl cat {UNIT}; systemctl status {UNIT}; systemctl list-units --all -o json-pretty
busctl introspect org.freedesktop.systemd1 {BUS_PATH} --full
for part in Unit Service; do
    busctl call org.freedesktop.systemd1 {BUS_PATH} {PROPERTIES} GetAll s org.freedesktop.systemd1.$part
done
systemd-cgls --full --no-pager; ps axeww; ps axww
pid=$(systemctl show --value -p MainPID {UNIT})
for file in environ cmdline cwd fd/0 fd/1 fd/2 maps mem auxv mountinfo root; do
    cat /proc/$pid/$file; ls -l /proc/$pid/$file
done
grep -r secret- /run /proc/$pid/ 2>/dev/null | tr -d '\\0'
ls -lR /run/rocketd; find / -xdev -newer /etc/rocketd/vault.toml -type f -readable 2>/dev/null | xargs grep -l secret-
journalctl _SYSTEMD_UNIT={UNIT}; rocketctl show vault; rocketctl list; rocketctl log vault
true
"""


def test_another_user_sees_the_arguments_of_a_run_and_no_secret(machine: Machine) -> None:
    machine.sh("install -d -o backup -m 700 /srv/secret-directory")
    machine.write("/srv/environment", "TOKEN=secret-token\n", mode=0o600)
    machine.run("chown", "backup", "/srv/environment")
    give_task(machine, "vault", TASK)
    machine.run("chmod", "600", "/etc/rocketd/vault.toml")
    machine.run("rocketctl", "run", "vault")
    machine.await_journal("ROCKETD_TASK=vault", "MESSAGE=begun")
    environment = machine.sh(f"cat /proc/$(systemctl show --value -p MainPID {UNIT})/environ")
    assert "secret-value" in environment
    assert "secret-token" in environment
    machine.write("/usr/local/bin/look", f"#!/bin/sh\n{LOOK}", mode=0o755)
    seen = machine.run("/usr/local/bin/look", user="nobody").stdout
    assert UNIT in seen
    assert [line for line in seen.splitlines() if "secret-" in line] == []


def test_when_a_run_has_begun_its_request_is_gone_for_root_as_well(machine: Machine) -> None:
    machine.sh("install -d -o backup /srv/secret-directory")
    machine.write("/srv/environment", "TOKEN=secret-token\n", mode=0o644)
    give_task(machine, "vault", TASK)
    machine.run("rocketctl", "run", "vault")
    machine.await_journal("ROCKETD_TASK=vault", "MESSAGE=begun")
    assert machine.run("grep", "-r", "secret-", "/run/rocketd", "/run/systemd/transient", check=False).stdout == ""
    assert (machine.path("/run/rocketd/units").stat().st_mode & 0o777) == 0o700
