"""Bad tasks all at once, and one good one beside them that notices nothing; nor does the daemon."""

import os
import select
import signal
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.run_ledger import reconcile_at_rest, records, tagged

FLOOD = 1024**3 if os.environ.get("ROCKETD_KILLS") == "all" else 16 * 1024**2
"""Bytes that the flood prints: 1 GiB by `make kill`."""
TIMEOUT = 600.0

TASKS = f"""
[task.bomb]
description = "forks itself as often as it may"
command = "bomb() {{ bomb | bomb & }}; bomb; sleep 1000"
shell = true
when = "daily"
timeout = "1 s"
kill_grace = "100 ms"
user = "nobody"
directory = "/"
limits = {{ nproc = 100 }}

[task.stubborn]
command = "trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & sleep 1000; sleep 1000"
shell = true
when = "daily"
timeout = "1 s"
kill_grace = "100 ms"

[task.silent]
command = "exec >&- 2>&- <&-; sleep 0.2"
shell = true
when = "daily"

[task.flood]
command = "head -c {FLOOD} /dev/zero | tr '\\\\0' 'x' | fold -w 100"
shell = true
when = "daily"

[task.endless]
command = "head -c {FLOOD // 8} /dev/zero"
shell = true
when = "daily"

[task.hostile]
command = '''printf '\\033[2J\\033]0;mine\\007\\r\\n\\377 \\342\\200\\256txt\\n12:00:00 rocketd 9.9 is ready\\n' '''
shell = true
when = "daily"

[task.holder]
command = "sleep 1000 & echo left it"
shell = true
when = "daily"

[task.gone]
command = ["/nowhere/at/all"]
when = "daily | retry(2)"
restart_delay = "1 ms"

[task.good]
command = ["/bin/true"]
when = "every('200 ms')"
restart_delay = "1 ms"
"""


def memory(pid: int) -> int:
    """Bytes that it has in memory, at most so far: VmHWM of proc(5)."""
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Heard:
    """How often the console has said something, whatever the tasks print: each line is looked at once."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._looked = 0
        self._ours: list[str] = []

    def __call__(self, text: str) -> int:
        self._ours += [line for line in self._daemon.lines[self._looked :] if " | " not in line]
        self._looked = len(self._daemon.lines)
        return sum(text in line for line in self._ours)


@pytest.mark.skipif(os.geteuid() != 0, reason="a fork bomb needs a user of its own")
def test_bad_tasks_hurt_nobody_but_themselves(tmp_path: Path) -> None:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "4000000"}) as daemon:
        daemon.write(
            "good.toml", "[task.good]\ncommand = ['/bin/true']\nwhen = \"every('200 ms')\"\nrestart_delay = '1 ms'\n"
        )
        daemon.start()
        daemon.until_line("good succeeded", 5)
        before, opened = memory(daemon.pid), descriptors(daemon.pid)
        daemon.stop()
        (daemon.config / "good.toml").unlink()
        daemon.write("tasks.toml", TASKS)
        daemon.start()
        ends = ["bomb was stopped by its timeout", "stubborn was stopped by its timeout", "silent succeeded"]
        ends += ["flood succeeded", "endless succeeded", "hostile succeeded", "holder succeeded"]
        heard = Heard(daemon)
        daemon.until(lambda: all(heard(end) for end in ends) and heard("gone failed") == 3, timeout=TIMEOUT)
        goods = heard("good succeeded")
        daemon.until(lambda: heard("good succeeded") >= goods + 5)
        assert memory(daemon.pid) - before < 32 * 1024**2
        assert descriptors(daemon.pid) <= opened + 3 * 2
        assert not any("\x1b" in line or "\u202e" in line for line in daemon.lines), "nothing hostile is shown raw"
        assert sum("is ready" in line and "|" not in line for line in daemon.lines) == 2, "no output passes for ours"
        assert not any("Traceback" in line for line in daemon.lines)
        assert daemon.stop() == 0
        (left,) = tagged({one.run_id for one in records(daemon.state)})
        end_of_it = os.pidfd_open(left)  # what a task leaves running goes on, as under cron
        os.kill(left, signal.SIGKILL)
        select.select([end_of_it], [], [])
        reconcile_at_rest(daemon)
