"""A host moves in: its crontabs become tasks and come back, and a user has tasks of his own."""

from support.machines.machine import Machine

CRON = "PATH=/usr/bin:/bin\n0 3 * * * root true\n* * * * * root [ -x /bin/touch ] && /bin/touch /run/moved\n"
WITHOUT_PAM = "[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n"
"""What pam_systemd, which is not installed here, tells the manager of a user."""
TASK = """
[task.mine]
command = ["/bin/sh", "-c", "id -un > ~/who"]
"""


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
