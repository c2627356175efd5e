"""What the host lacks is no failure of a task: no processes, no descriptors, a store that takes no start.

The daemon is a real one; what it lacks is taken from it by a cgroup, a limit, a lock.
"""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.run_ledger import NOTE, ledger, reconcile_at_rest
from support.shortages import process_cgroup


def rocketctl(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def many(daemon: Daemon, count: int) -> str:
    """Tasks that take some time, and no second process: what they fork themselves is theirs to fail at."""
    work = f'command = "{NOTE % daemon.directory}; exec sleep 0.3"\nshell = true\nwhen = "daily"\n'
    return "\n".join(f"[task.d{number}]\n{work}" for number in range(count))


@pytest.fixture
def cgroup() -> Iterator[Path]:
    with process_cgroup() as place:
        yield place


def inside(cgroup: Path) -> tuple[str, ...]:
    return ("sh", "-c", f'echo $$ >{cgroup}/cgroup.procs; exec "$@"', "sh")


def test_of_many_daily_tasks_under_a_limit_of_processes_all_run_that_day(tmp_path: Path, cgroup: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("rocketd.toml", "[rocketd]\nmax_running = 500\n")
        daemon.write("tasks.toml", many(daemon, 120))
        daemon.wrapper = inside(cgroup)
        (cgroup / "pids.max").write_text("40")
        daemon.start()
        daemon.until_line("so due tasks wait: ")
        daemon.until_line("tasks start again")
        daemon.until(lambda: len(ledger(tmp_path)) == 120)
        assert daemon.stop() == 0
        assert sum("so due tasks wait" in line for line in daemon.lines) <= 3, "it is told once for a stretch"
        assert not any("failed" in line for line in daemon.lines)
        begun, recorded = reconcile_at_rest(daemon)
        assert begun == recorded == 120
        actions = [action for _, _, action in daemon.history()]
        assert actions.count("success") == 120
        assert 0 < actions.count("withdrawn") <= 200


BOMB = """
[task.bomb]
command = {bomb}
when = "daily"
timeout = "4s"
kill_grace = "100 ms"
[task.backup]
command = "{note}"
shell = true
when = "every('500 ms')"
[task.alarm]
command = ["/bin/true"]
when = "after_fail('backup')"
"""
FORK = """
import os, time
print("begun", flush=True)
while True:
    try:
        if os.fork() == 0:
            os.setsid()
            time.sleep(100)
    except OSError:
        time.sleep(0.01)
"""


def test_a_neighbours_fork_bomb_fails_nobodys_run(tmp_path: Path, cgroup: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", BOMB.format(note=NOTE % tmp_path, bomb=json.dumps([sys.executable, "-c", FORK])))
        daemon.wrapper = inside(cgroup)
        (cgroup / "pids.max").write_text("60")
        daemon.start()
        daemon.until_line("so due tasks wait: ")
        daemon.until_line("bomb was stopped by its timeout")
        daemon.until_line("tasks start again")
        before = len(ledger(tmp_path))
        daemon.until(lambda: len(ledger(tmp_path)) > before)
        assert not any("alarm started" in line or "backup failed" in line for line in daemon.lines)
        assert daemon.stop() == 0
        begun, recorded = reconcile_at_rest(daemon)
        assert begun == recorded - 1, "but the bomb, which keeps no ledger"


def test_without_descriptors_tasks_wait_and_all_run(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("rocketd.toml", "[rocketd]\nmax_running = 500\n")
        daemon.write("tasks.toml", many(daemon, 80))
        few = 90
        daemon.wrapper = ("sh", "-c", f'ulimit -n {few}; exec "$@"', "sh")
        daemon.start()
        daemon.until_line("so due tasks wait: ")
        daemon.until(lambda: len(ledger(tmp_path)) == 80)
        daemon.until_line("tasks start again")
        assert daemon.stop() == 0
        assert not any("failed" in line or "Traceback" in line for line in daemon.lines)
        begun, recorded = reconcile_at_rest(daemon)
        assert begun == recorded == 80


def test_it_stops_in_order_where_no_thread_can_be_started(tmp_path: Path, cgroup: Path) -> None:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "200000"}) as daemon:
        daemon.write("tasks.toml", GOOD)
        daemon.wrapper = inside(cgroup)
        daemon.start()
        (cgroup / "pids.max").write_text("1")
        daemon.until_line("so due tasks wait: ")
        daemon.until_notice("WATCHDOG=1", sum("WATCHDOG=1" in notice for notice in daemon.notices) + 5)
        assert daemon.stop() == 0
        assert not any("Traceback" in line for line in daemon.lines)


def test_connections_leave_tasks_their_descriptors_and_their_reports_block_nobody(tmp_path: Path) -> None:
    """What is said of connections that are not accepted would fill the console, which nobody reads here meanwhile."""
    with ExitStack() as clients, Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", GOOD)
        daemon.wrapper = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
        daemon.start()
        for _ in range(200):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(5)
            with suppress(OSError):  # more than the kernel queues
                client.connect(str(daemon.runtime / "control.sock"))
        before = sum("good succeeded" in line for line in daemon.lines)
        daemon.until(lambda: sum("good succeeded" in line for line in daemon.lines) > before + 3)
        clients.close()
        tries = (rocketctl(daemon, "status").returncode for _ in range(60))  # refused, until those that are gone are
        assert any(code == 0 for code in tries)
        assert daemon.stop() == 0
        assert not any("Traceback" in line for line in daemon.lines)


GOOD = """
[task.good]
command = ["/bin/true"]
when = "every('1 s')"
"""

POOR = """
[task.good]
command = ["/bin/true"]
when = "every('1 s')"
[task.hog]
command = ["/bin/sh", "-c", "sleep 5 & echo there; wait"]
user = "nobody"
when = "daily"
limits = {{ nproc = 100 }}
[task.poor]
command = ["/bin/true"]
user = "nobody"
{limits}
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a task as another user")
@pytest.mark.parametrize(
    ("limits", "allows", "told"),
    [
        ("limits = { nproc = 1 }", "", "for some minutes: user nobody has more processes than nproc = 1 in"),
        (
            "",
            "1",
            "until it can: user nobody has more processes than the limit of rocketd itself allows (LimitNPROC= is",
        ),
    ],
)
def test_what_a_users_own_limit_does_not_give_waits_alone(tmp_path: Path, limits: str, allows: str, told: str) -> None:
    """RLIMIT_NPROC of the task's user is his; other tasks run on, and who has to change what is said."""
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", POOR.format(limits=limits))
        daemon.wrapper = ("bash", "-c", f'ulimit -Su {allows}; exec "$@"', "bash") if allows else ()
        daemon.start()
        daemon.until_line("hog | there")
        assert rocketctl(daemon, "run", "poor").returncode == 0
        daemon.until_line(f"poor cannot start; rocketd keeps trying {told}")
        for question in (("list",), ("why", "poor")):
            while "has more processes than" not in rocketctl(daemon, *question).stdout:
                pass  # the next attempt is being made at this moment
        seen = sum("good succeeded" in line for line in daemon.lines)
        daemon.until_line("good succeeded", seen + 2)
        daemon.until_line("poor succeeded")
        assert not any("poor failed" in line for line in daemon.lines)
        assert not any("so due tasks wait" in line for line in daemon.lines), "it is not the host that is short"


OWN_LIMITS = {
    "as0": "as = 0",
    "as64K": 'as = "64K"',
    "as1M": 'as = "1M"',
    "data4K": 'data = "4K"',
    "stack0": "stack = 0",
    "nofile0": "nofile = 0",
    "nofile3": "nofile = 3",
    "nofile4": "nofile = 4",
}


@pytest.mark.parametrize("user", ["", 'user = "nobody"'])
def test_what_its_own_limits_do_not_allow_is_the_tasks_failure(tmp_path: Path, user: str) -> None:
    if user and os.geteuid() != 0:
        pytest.skip("only root can run a task as another user")
    variables = tmp_path / "variables"
    variables.write_text("A=1\n")
    more = f'environment_files = ["{variables}"]\n{user}\nwhen = "daily"\n'
    tasks = [
        f'[task.{name}]\ncommand = ["/bin/true"]\nlimits = {{ {limits} }}\n{more}'
        for name, limits in OWN_LIMITS.items()
    ]
    tmp_path.chmod(0o755)
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", "\n".join(tasks))
        daemon.start()
        for name in OWN_LIMITS:
            daemon.until_line(f"{name} failed")
        daemon.stop()
        assert {action for _, _, action in daemon.history()} == {"fail"}
        assert not any("cannot start, and is tried" in line or "tasks wait" in line for line in daemon.lines)
        assert not any("launcher" in line for line in daemon.lines)


LOCKED = """
[task.backup]
command = "{note}"
shell = true
timeout = "300 ms"
when = "every('1 s')"
[task.alarm]
command = ["/bin/true"]
when = "after_fail('backup')"
"""


def test_a_store_that_stalls_for_longer_than_a_timeout_ends_nothing_and_everybody_says_so(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", LOCKED.format(note=NOTE % tmp_path))
        daemon.start()
        daemon.until_line("backup succeeded")
        blocker = sqlite3.connect(daemon.state / "rocketd.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        daemon.until_notice("degraded: ")
        told = [rocketctl(daemon, "why", "backup").stdout, rocketctl(daemon, "list").stdout]
        assert "has been due since " in told[0]
        assert all(": the run log has not been writable since " in one for one in told)
        assert "running" not in told[1]
        by_hand = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", "run", "alarm"]
        with subprocess.Popen([*by_hand, "--wait"], stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert "alarm waits: the run log has not been writable since " in waiting.stderr.readline()
            blocker.execute("COMMIT")
            blocker.close()
            assert waiting.wait(30) == 0
        seen = sum("backup succeeded" in line for line in daemon.lines)
        daemon.until_line("backup succeeded", seen + 1)
        assert not any("stopped by its timeout" in line for line in daemon.lines)
        assert sum("alarm started" in line for line in daemon.lines) == 1, "by hand, and not by a fail"
        assert daemon.stop() == 0
        begun, recorded = reconcile_at_rest(daemon)
        assert begun == recorded - 1, "but the alarm, which keeps no ledger"
