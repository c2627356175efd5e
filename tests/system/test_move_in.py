"""A host moves in: its crontabs become tasks and come back, and a user has tasks of his own."""

import json

from support.machines.machine import Machine

CRON = "PATH=/usr/bin:/bin\n0 3 * * * root true\n* * * * * root [ -x /bin/touch ] && /bin/touch /run/moved\n"
WITHOUT_PAM = "[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n"
"""What pam_systemd, which is not installed here, tells the manager of a user."""
TASK = """
[task.mine]
command = ["/bin/sh", "-c", "id -un > ~/who"]
"""


TIMER = "[Timer]\nOnCalendar=*-*-* 03:00\nPersistent=true\n[Install]\nWantedBy=timers.target\n"
STATIC_TIMER = "[Timer]\nOnCalendar=*-*-* 04:00\n"
SERVICE = "[Service]\nType=oneshot\nExecStart=/bin/touch /run/{name}\n"
OLD = '[task.old]\ncommand = ["sleep", "1000"]\nwhen = "every(\'1 h\')"\n'
NEW = OLD.replace("task.old]", 'task.new]\nformerly = "old"')


def test_timers_become_tasks_and_come_back(machine: Machine) -> None:
    machine.sh("timeout 60 sh -c 'until rocketctl status >/dev/null 2>&1; do sleep 0.2; done'")
    for name, timer in (("nightly", TIMER), ("fixed", STATIC_TIMER)):
        machine.write(f"/etc/systemd/system/{name}.timer", timer)
        machine.write(f"/etc/systemd/system/{name}.service", SERVICE.format(name=name))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "nightly.timer")
    machine.run("systemctl", "start", "fixed.timer")
    timers = ("--timers", "nightly.timer", "fixed.timer")
    done = machine.run("rocketctl", "import", *timers, "--output", "/etc/rocketd", "--disable", "--compare")
    assert "the daemon has loaded the new tasks" in done.stderr, done.stderr
    assert states(machine) == ["disabled inactive", "static inactive"]
    machine.run("rocketctl", "run", "nightly", "--wait")
    assert machine.path("/run/nightly").exists()
    machine.run("rocketctl", "import", *timers, "--undo")
    assert states(machine) == ["enabled active", "static active"]

    # a task that is renamed while its unit is active, over a restart of the daemon
    machine.write("/etc/rocketd/long.toml", OLD)
    machine.run("rocketctl", "reload")
    machine.sh("timeout 60 sh -c 'until systemctl is-active -q rocketd-old-1.service; do sleep 0.1; done'")
    machine.write("/etc/rocketd/long.toml", NEW)
    machine.run("rocketctl", "reload")
    for _ in range(2):
        listed = json.loads(machine.run("rocketctl", "list", "new", "--json").stdout)
        assert [(task["task"], task["running"]) for task in listed] == [("new", True)]
        machine.run("systemctl", "restart", "rocketd")
    machine.run("rocketctl", "stop", "new", "--wait")
    assert "inactive" in machine.run("systemctl", "is-active", "rocketd-old-1.service", check=False).stdout
    history = json.loads(machine.run("rocketctl", "history", "new", "--json").stdout)
    assert [(run["number"], run["action"]) for run in history] == [(1, "terminate")]


def states(machine: Machine) -> list[str]:
    """Whether each timer is enabled, and whether it is active."""
    names = ("nightly.timer", "fixed.timer")
    said = [[machine.run("systemctl", ask, name, check=False).stdout.strip() for ask in ASKED] for name in names]
    return [" ".join(words) for words in said]


ASKED = ("is-enabled", "is-active")


def test_crontabs_become_tasks_and_a_user_has_his_own(machine: Machine) -> None:
    machine.write("/etc/cron.d/web", CRON)
    done = machine.run(
        "rocketctl", "import", "--cron-d", "/etc/cron.d", "--output", "/etc/rocketd", "--disable", "--compare"
    )
    assert "the daemon has loaded the new tasks" in done.stderr
    assert "#rocketd# 0 3 * * * root true" in machine.run("cat", "/etc/cron.d/web").stdout
    listed = machine.run("rocketctl", "list", "web-*").stdout
    assert [line.split()[0] for line in listed.splitlines()[1:3]] == ["web-touch", "web-true"]
    assert machine.run("rocketctl", "run", "web-touch", "--wait").returncode == 0
    assert "web-touch" in machine.run("rocketctl", "stats").stdout
    assert "web-touch" in machine.run("rocketctl", "timeline").stdout
    machine.run("rocketctl", "import", "--cron-d", "/etc/cron.d", "--undo")
    assert machine.run("cat", "/etc/cron.d/web").stdout == CRON

    machine.run("useradd", "--create-home", "alice")
    machine.run("install", "-d", "-o", "alice", "-g", "alice", "/home/alice/.config/rocketd")
    machine.write("/home/alice/.config/rocketd/mine.toml", TASK)
    machine.run("chown", "-R", "alice:alice", "/home/alice/.config")
    machine.run("install", "-d", "/etc/systemd/system/user@.service.d")
    machine.write("/etc/systemd/system/user@.service.d/without-pam.conf", WITHOUT_PAM)
    machine.run("systemctl", "daemon-reload")
    uid = machine.run("id", "-u", "alice").stdout.strip()
    as_alice = ("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "env", f"XDG_RUNTIME_DIR=/run/user/{uid}")
    machine.run("systemctl", "start", f"user@{uid}.service")
    alice = (*as_alice, "HOME=/home/alice")
    machine.run(*alice, "systemctl", "--user", "start", "rocketd")
    machine.run(*alice, "rocketctl", "--user", "run", "mine", "--wait")
    assert machine.run("cat", "/home/alice/who").stdout == "alice\n"
    assert "mine" not in machine.run("rocketctl", "list").stdout

    # And it is there without a login, from the boot on. logind of systemd 257 enables no lingering in such a machine.
    machine.sh("loginctl enable-linger alice || install -D /dev/null /var/lib/systemd/linger/alice")
    machine.run(*alice, "systemctl", "--user", "enable", "rocketd")
    machine.reboot()
    machine.sh(f"timeout 60 sh -c 'until [ -S /run/user/{uid}/rocketd/control.sock ]; do sleep 0.2; done'")
    assert "mine" in machine.run(*alice, "rocketctl", "--user", "list").stdout
