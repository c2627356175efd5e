"""Five users of one host: a stranger, a viewer, an operator, a member of the group rocketd, and root by sudo."""

import json
from subprocess import CompletedProcess

from support.machines.machine import Machine

TASKS = """
[task.backup]
command = "echo backup-line; sleep 1000"
shell = true
operators = ["dba"]

[task.report]
command = ["echo", "report-line"]
operators = ["@ops"]
view_output = true

[task.secret]
command = ["echo", "secret-line"]
"""
LISTED = """
import os, struct
entries = struct.iter_unpack("<HHI", os.getxattr("/run/rocketd/view.sock", "system.posix_acl_access")[4:])
print(*(uid for tag, rights, uid in entries if tag == 2 and rights == 6))
"""
"""Prints which users may connect, by the access list of the socket: tag 2 is ACL_USER (linux/posix_acl.h)."""
USERS = {"plain": "", "watcher": "rocketd-view", "dba": "", "opsy": "ops", "member": "rocketd"}
NOT_ALLOWED = 5


def rocketctl(machine: Machine, user: str, *words: str) -> "CompletedProcess[str]":
    login = machine.run("id", "-u", user).stdout.strip()
    become = f"setpriv --reuid={user} --regid={user} --init-groups env HOME=/ rocketctl"
    script = f'echo {login} >/proc/self/loginuid; exec {become} "$@"'
    return machine.run("sh", "-c", script, "sh", *words, check=False)


def as_sudo(machine: Machine, user: str, *words: str) -> str:
    """What sudo(8) leaves of the user: the login uid, which only PAM sets."""
    login = machine.run("id", "-u", user).stdout.strip()
    return machine.run("sh", "-c", f'echo {login} >/proc/self/loginuid; exec rocketctl "$@"', "sh", *words).stdout


def codes(machine: Machine, user: str, *calls: str) -> list[int]:
    return [rocketctl(machine, user, *call.split()).returncode for call in calls]


def names(machine: Machine, user: str) -> list[str]:
    done = rocketctl(machine, user, "list", "--json")
    return sorted(task["task"] for task in json.loads(done.stdout)) if done.returncode == 0 else [done.stderr]


def test_five_users(machine: Machine) -> None:
    machine.run("groupadd", "ops")
    for user, group in USERS.items():
        machine.run("useradd", *(["--groups", group] if group else []), user)
    machine.write("/etc/rocketd/tasks.toml", TASKS)
    machine.run("rocketctl", "reload")
    machine.run("rocketctl", "run", "secret", "--wait")

    # a stranger: nothing, and he is told what to ask for
    refused = rocketctl(machine, "plain", "list")
    assert refused.returncode == NOT_ALLOWED
    assert "rocketd-view" in refused.stderr
    assert "operators" in refused.stderr
    assert codes(machine, "plain", "run backup", "status", "log secret", "pause report", "reload") == [NOT_ALLOWED] * 5

    # the operators: their tasks, and no others
    assert names(machine, "dba") == ["backup"]
    assert names(machine, "opsy") == ["report"]
    assert codes(machine, "dba", "run backup", "pause backup", "resume backup", "stop backup --wait") == [0] * 4
    assert codes(machine, "dba", "run report", "show secret", "reload", "prune", "status") == [NOT_ALLOWED] * 5
    assert codes(machine, "opsy", "run report --wait", "stop backup", "log backup") == [0, NOT_ALLOWED, NOT_ALLOWED]
    assert "backup-line" in rocketctl(machine, "dba", "log", "backup").stdout
    dba = machine.run("id", "-u", "dba").stdout.strip()
    assert f"by hand, dba (uid {dba})" in rocketctl(machine, "dba", "show", "backup/1").stdout
    machine.await_journal("ROCKETD_TASK=backup", f"MESSAGE=backup/1 is being stopped by dba (uid {dba})")

    # the viewer: all tasks, and output where it is shown
    assert names(machine, "watcher") == ["backup", "report", "secret"]
    assert codes(machine, "watcher", "status", "history", "why backup", "stats") == [0] * 4
    assert codes(machine, "watcher", "run report", "pause backup", "reload", "prune") == [NOT_ALLOWED] * 4
    assert "report-line" in rocketctl(machine, "watcher", "show", "report/1").stdout
    shown = rocketctl(machine, "watcher", "show", "secret/1").stdout
    assert "secret-line" not in shown
    assert "view_output" in shown
    assert rocketctl(machine, "watcher", "log", "secret").returncode == NOT_ALLOWED
    assert rocketctl(machine, "watcher", "log", "report").stdout.strip() == "report-line"

    # a member, and root behind sudo: everything, and who it was
    assert codes(machine, "member", "run secret --wait", "reload", "pause secret", "log secret") == [0] * 4
    member = machine.run("id", "-u", "member").stdout.strip()
    assert f"by member (uid {member})" in machine.run("rocketctl", "show", "secret").stdout
    as_sudo(machine, "plain", "resume", "secret")
    plain = machine.run("id", "-u", "plain").stdout.strip()
    machine.await_journal("ROCKETD_TASK=secret", f"MESSAGE=secret was resumed by root (uid 0) for plain (uid {plain})")

    # who is removed from the list, or from the host, is out at once; new groups count from the next login on
    machine.write("/etc/rocketd/tasks.toml", TASKS.replace('"dba"', '"plain"'))
    machine.run("rocketctl", "reload")
    assert names(machine, "plain") == ["backup"]
    assert codes(machine, "dba", "list") == [NOT_ALLOWED]
    machine.run("gpasswd", "--delete", "watcher", "rocketd-view")
    assert codes(machine, "watcher", "list") == [NOT_ALLOWED]
    assert machine.run("python3", "-c", LISTED).stdout.split() == [plain]
