"""The packaged unit leaves the daemon next to no rights, and everything works that needs more."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.machines.administrator import await_end, give_task, history, lift_sandbox
from support.machines.machine import Machine

EXPOSURE = 27
"""Ten times what systemd-analyze security may say of the daemon's unit."""
FREE = "id -un; touch /usr/here-$$ && echo wrote"
SENDMAIL = """#!/bin/sh
cat >/srv/mail; touch /usr/mail-was-here
"""
SETTINGS = """
[mail]
command = ["/usr/local/sbin/sendmail", "-t"]
receivers = ["root@localhost"]
on = ["fail"]

[hooks]
on_fail = "id -un; touch /usr/hook-was-here && echo $ROCKETD_HOOK of $ROCKETD_TASK; cat; grep ^0:: /proc/self/cgroup"
"""
TASKS = f"""
[task.free]
command = '''{FREE}'''
shell = true

[task.backups]
command = "id -un; cat /proc/self/cgroup; exit 1"
shell = true
user = "backup"
on_fail = "id -un; pwd; echo $MINE; cat"
environment = {{ MINE = "mine" }}

[task.fails]
command = "echo printed; exit 1"
shell = true

[task.boxed]
command = '''{FREE}'''
shell = true
on_end = '''{FREE}'''
[task.boxed.unit]
ProtectSystem = "strict"

[task.nobody]
command = "exit 1"
shell = true
on_fail = '''[ "$(id -u)" -gt 60000 ] && echo made up'''
[task.nobody.unit]
DynamicUser = true

[task.sees]
command = ["true"]
when = "path_exists('/home/alice/secret/file') & path_exists('/tmp/seen') & path_exists('/dev/null') & daily"

[task.probes]
command = ["true"]
when = "command_succeeds('touch /usr/probe-was-here') & daily"

[task.unknown]
command = ["true"]
when = "command_succeeds('no-such-program')"
"""
PROCESSES = """
[task.writes]
command = ["id", "-un"]
user = "backup"
output_file = "/srv/writes"

[task.calls]
function = "os:mkdir"
parameters = { path = "/usr/calls" }

[task.asks]
command = ["touch", "/usr/asks"]
executor = "process"
"""


@pytest.fixture(scope="module")
def machine(tree: Path, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian with a mail program that needs rights, and the daemon as its package has it."""
    with Machine(tmp_path_factory.mktemp("sandbox") / "disk", installed, tree) as machine:
        machine.write("/usr/local/sbin/sendmail", SENDMAIL, mode=0o755)
        machine.sh("touch /tmp/seen; useradd --create-home alice; install -d -m 700 -o alice /home/alice/secret")
        machine.sh("touch /home/alice/secret/file; chown backup /srv")
        machine.write("/etc/rocketd/rocketd.toml", SETTINGS)
        machine.run("systemctl", "restart", "rocketd")
        give_task(machine, "tasks", TASKS)
        yield machine


def run(machine: Machine, task: str) -> str:
    """Run it to its end, and return what `run --wait` shows."""
    return machine.run("rocketctl", "run", task, "--wait", check=False).stdout


def printed_by_hook(machine: Machine, task: str, count: int) -> list[str]:
    """Return so many lines that its hook printed, without the hook's name; waits for them."""
    entries = machine.await_journal(f"ROCKETD_TASK={task}", "ROCKETD_HOOK=on_fail", count=count)
    return [entry["MESSAGE"].partition(": ")[2] for entry in entries]


def checked(machine: Machine) -> dict[str, str]:
    """Return by task, or by the line of a setting, what `rocketctl check` says of the sandbox."""
    found = json.loads(machine.run("rocketctl", "check", "--json", check=False).stdout)
    return {one["task"] or one["source_line"]: one["severity"] for one in found if "sandbox" in one["message"]}


def test_the_daemon_has_next_to_no_rights(machine: Machine) -> None:
    assert machine.run("systemd-analyze", "verify", "--man=no", "rocketd.service").stderr == ""
    machine.run("systemd-analyze", "security", f"--threshold={EXPOSURE}", "rocketd.service")
    pid = machine.run("systemctl", "show", "--property=MainPID", "--value", "rocketd").stdout.strip()
    status = machine.path(f"/proc/{pid}/status").read_text()
    assert "CapBnd:\t0000000000000004" in status
    assert "NoNewPrivs:\t1" in status


def test_runs_hooks_mail_and_conditions_are_not_in_its_sandbox(machine: Machine) -> None:
    assert run(machine, "free").split() == ["root", "wrote"]
    assert run(machine, "fails") == "printed\n"
    hook = printed_by_hook(machine, "fails", 4)
    assert hook[:3] == ["root", "on_fail of fails", "printed"]
    assert "/rocketd.slice/rocketd.hook-" in hook[3]
    machine.sh("until [ -e /usr/mail-was-here ]; do sleep 0.1; done; grep -q '^Subject: .*fails' /srv/mail")
    for name in ("sees", "probes"):
        await_end(machine, name)
    assert machine.path("/usr/probe-was-here").exists()
    why = machine.run("rocketctl", "why", "unknown", check=False).stdout
    assert "/bin/sh: 1: no-such-program: not found" in why


def test_a_hook_has_the_rights_of_its_task_but_nothing_of_its_table_unit(machine: Machine) -> None:
    run(machine, "backups")
    assert printed_by_hook(machine, "backups", 5)[:4] == ["backup", "/var/backups", "mine", "backup"]
    assert "wrote" not in run(machine, "boxed")
    machine.await_journal("ROCKETD_TASK=boxed", "MESSAGE=on_end: wrote")
    run(machine, "nobody")
    machine.await_journal("ROCKETD_TASK=nobody", "MESSAGE=on_fail: made up")


def test_nothing_is_left_of_commands_that_have_ended(machine: Machine) -> None:
    run(machine, "fails")
    machine.sh("while systemctl list-units --all --plain --no-legend 'rocketd.hook-*' | grep .; do sleep 0.1; done")
    machine.sh("while ls /run/rocketd/units | grep output; do sleep 0.1; done")


def test_what_cannot_be_a_unit_is_told_at_once_and_one_drop_in_lets_it_work(machine: Machine) -> None:
    give_task(machine, "processes", PROCESSES)
    for name in ("writes", "calls", "asks"):
        (warning,) = machine.journal(f"ROCKETD_TASK={name}", "PRIORITY=4")
        assert "in the sandbox of rocketd's own service" in warning["MESSAGE"]
    assert checked(machine) == dict.fromkeys(("writes", "calls", "asks"), "warning")
    run(machine, "writes")
    assert str(history(machine, "writes")[0]["message"]).startswith(
        "cannot start: the sandbox of rocketd's own service lets no process become backup"
    )
    run(machine, "asks")
    assert history(machine, "asks")[0]["action"] == "fail"

    machine.write("/etc/rocketd/rocketd.toml", f'{SETTINGS}\n[rocketd]\nexecutor = "process"\n')
    machine.run("systemctl", "reload", "rocketd")
    found = checked(machine)
    assert {"free", "backups", "probes", "writes"} <= found.keys()
    assert {line.partition(" ")[0] for line in found} > {"on_fail", "command"}  # of [hooks] and [mail]

    lift_sandbox(machine)
    assert checked(machine) == {}
    for name in ("writes", "calls", "asks"):
        run(machine, name)
        assert history(machine, name)[-1]["action"] == "success", name
    assert machine.path("/srv/writes").read_text() == "backup\n"
    machine.sh("rm /etc/systemd/system/rocketd.service.d/processes.conf /etc/rocketd/processes.toml")
    machine.write("/etc/rocketd/rocketd.toml", SETTINGS)
    machine.sh("systemctl daemon-reload; systemctl restart rocketd")


LONG_HOOK = """
[task.long]
command = ["false"]
on_fail = "echo $$ >>/srv/hooks; echo begun; exec sleep 1000"
hook_timeout = "1 h"
"""


def test_a_hook_of_a_daemon_that_was_killed_is_ended_and_run_again(machine: Machine) -> None:
    give_task(machine, "long", LONG_HOOK)
    run(machine, "long")
    machine.await_journal("ROCKETD_TASK=long", "MESSAGE=on_fail: begun")
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "rocketd")
    machine.await_journal("ROCKETD_TASK=long", "MESSAGE=on_fail: begun", count=2)
    first, second = machine.path("/srv/hooks").read_text().split()
    machine.sh(f"while [ -e /proc/{first} ]; do sleep 0.1; done; [ -e /proc/{second} ]")
    machine.run("systemctl", "stop", "rocketd")
    assert machine.run("systemctl", "list-units", "--plain", "--no-legend", "rocketd.*-*").stdout == ""
    machine.sh("rm /etc/rocketd/long.toml; systemctl start rocketd")


OTHER = """
[Service]
Type=notify
ExecStart=/usr/bin/rocketd --config-dir=/srv/config --state-dir={state} --runtime-dir={runtime}
"""
SAME_TASK = """
[task.same]
command = "echo begun; exec sleep {seconds}"
shell = true
unit.CPUWeight = {weight}
"""


def test_two_daemons_have_runs_of_the_same_name_and_number_beside_each_other(machine: Machine) -> None:
    machine.write("/srv/config/same.toml", SAME_TASK.format(seconds=1001, weight=11))
    machine.write("/etc/systemd/system/other.service", OTHER.format(state="/srv/other", runtime="/run/other"))
    machine.sh("systemctl daemon-reload; systemctl start other")
    give_task(machine, "same", SAME_TASK.format(seconds=1000, weight=10))
    machine.run("rocketctl", "run", "same")
    machine.run("rocketctl", "--runtime-dir=/run/other", "run", "same")
    machine.await_journal("ROCKETD_TASK=same", "MESSAGE=begun", count=2)
    machine.run("systemctl", "restart", "other")
    units = machine.run("systemctl", "list-units", "--plain", "--no-legend", "rocketd*same*").stdout.split("\n")
    assert {line.split()[0] for line in units if line} == {"rocketd-same-1.service", "rocketd:other-same-1.service"}
    for unit, weight in (("rocketd-same-1", 10), ("rocketd:other-same-1", 11)):
        assert machine.run("systemctl", "show", "--property=CPUWeight", unit).stdout == f"CPUWeight={weight}\n"
    machine.run("systemctl", "stop", "rocketd-same-1")
    await_end(machine, "same", "terminate")
    assert machine.run("systemctl", "is-active", "rocketd:other-same-1").stdout == "active\n"


def test_a_second_daemon_in_the_same_runtime_directory_does_not_start_and_touches_nothing(machine: Machine) -> None:
    give_task(machine, "kept", SAME_TASK.format(seconds=1000, weight=10).replace("same", "kept"))
    machine.run("rocketctl", "run", "kept")
    machine.await_journal("ROCKETD_TASK=kept", "MESSAGE=begun")
    files = machine.sh("ls /run/rocketd/units")
    machine.write("/etc/systemd/system/third.service", OTHER.format(state="/srv/third", runtime="/run/rocketd"))
    machine.run("systemctl", "daemon-reload")
    assert machine.run("systemctl", "start", "third", check=False).returncode
    said = [entry["MESSAGE"] for entry in machine.journal("_SYSTEMD_UNIT=third.service")]
    assert "rocketd: another rocketd holds the runtime directory /run/rocketd" in said
    assert machine.sh("ls /run/rocketd/units") == files
    machine.run("rocketctl", "stop", "kept")
    await_end(machine, "kept", "terminate")
