"""rocketd takes over what Debian's own timers do."""

from datetime import UTC, datetime, timedelta

from support.machines.administrator import actions, await_end, history
from support.machines.machine import Machine

TAKEOVER = """
[task.logrotate]
command = ["/usr/sbin/logrotate", "/etc/logrotate.conf"]
when = "daily"

[task.dpkg-db-backup]
command = ["/usr/libexec/dpkg/dpkg-db-backup"]
when = "daily"

[task.mandb]
command = ["mandb", "--quiet"]
user = "man"
when = "after_success('dpkg-db-backup')"
"""
FAILING = """
[task.failing]
command = ["false"]
when = "(daily | retry(3)) & time_of_day.between('{begin}', '{end}')"
timezone = "UTC"
"""
ROTATED = """
/var/log/much.log {
    size 1
    rotate 1
}
"""


def around_now() -> dict[str, str]:
    """Three hours of the day, this one in the middle; they may reach over midnight."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(hours=1), now + timedelta(hours=2)
    return {"begin": f"{begin:%H}:00", "end": f"{end:%H}:00"}


def test_the_work_of_debians_timers_is_done(machine: Machine) -> None:
    """What they were to change has changed, and journal and history say so."""
    machine.run("systemctl", "disable", "--now", "logrotate.timer", "dpkg-db-backup.timer", "man-db.timer")
    machine.sh("rm -rf /var/backups/dpkg.status.* /var/cache/man/index.db")
    machine.write("/etc/logrotate.d/much", ROTATED)
    machine.write("/var/log/much.log", "much\n" * 100)
    machine.write("/etc/rocketd/takeover.toml", TAKEOVER)
    machine.run("systemctl", "restart", "rocketd")

    for task in ("logrotate", "dpkg-db-backup", "mandb"):
        await_end(machine, task)
        assert actions(machine, task) == ["success"]
        assert machine.journal("--unit=rocketd", f"ROCKETD_TASK={task}")
    assert machine.path("/var/log/much.log.1").exists()
    assert machine.path("/var/backups/dpkg.status.0").exists()
    assert machine.path("/var/cache/man/index.db").exists()


def test_a_failing_task_is_retried_as_often_as_it_says(machine: Machine) -> None:
    machine.write("/etc/rocketd/failing.toml", FAILING.format(**around_now()))
    machine.run("systemctl", "restart", "rocketd")
    await_end(machine, "failing", "fail", count=4)
    machine.run("systemctl", "restart", "rocketd")
    runs = history(machine, "failing")
    assert [(run["action"], run["attempt"]) for run in runs] == [("fail", attempt) for attempt in (1, 2, 3, 4)]
