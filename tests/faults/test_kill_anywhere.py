"""kill -9 at every system call of the write path, by strace(1), which needs no hook in the daemon.

The n-th call of a kind in one of its threads is the last thing that the daemon does, for n = 1, 2, … until a whole
life, from its start to its end, gets by with fewer calls. Each next daemon goes on where the last one died. Each time
ledger, records and what was told are held against each other.

Every n takes minutes: ROCKETD_KILLS=all, as in `make kill`; else some of them, more where a call is rare.
"""

import os
import shutil
import signal
from itertools import count
from pathlib import Path

import pytest

from rocketd.store.sqlite.schema import FILE_NAME
from support.daemon_process import Daemon
from support.run_ledger import NOTE, reconcile, reconcile_at_rest

ALL = os.environ.get("ROCKETD_KILLS") == "all"

STORE = {"openat": 4, "pwrite64": 21, "fdatasync": 6, "ftruncate": 2, "unlink": 2}
"""Calls on the files of the store, and which of them are tried when there is little time: every so many."""
PROCESSES = {"pipe2": 4, "clone3": 4, "pidfd_open": 3}
"""Calls that make processes and threads; clone3 is what posix_spawn(3) is made of."""

TASKS = """
[task.first]
command = "{note}; sync {directory}/ledger"
shell = true
on = "startup"

[task.second]
command = "{note}; sync {directory}/ledger"
shell = true
when = "after_finish('first')"

[task.long]
command = "{note}; exec sleep 1000"
shell = true
on = "startup"
"""


def killing(daemon: Daemon, call: str, turn: int) -> tuple[str, ...]:
    """Have the n-th such call of a thread of the daemon be its last; what it starts is let go of, and lives."""
    paths = (
        [f"{daemon.state}/{FILE_NAME}{ending}" for ending in ("", "-wal", "-shm", "-journal")] if call in STORE else []
    )
    about = [f"--trace-path={path}" for path in paths]
    injection = f"inject={call}:signal=KILL:when={turn}"
    return ("strace", "-D", "-f", "-b", "execve", "-o", "/dev/null", *about, "-e", f"trace={call}", "-e", injection)


def live(daemon: Daemon) -> int:
    """Start it, have it do its work once, and stop it; gives how that ended."""
    done = sum("second succeeded" in line for line in daemon.lines)
    daemon.spawn()
    daemon.until(lambda: daemon.has_closed() or sum("second succeeded" in line for line in daemon.lines) > done)
    if not daemon.has_closed():
        daemon.signal(signal.SIGTERM)
    return daemon.wait()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace(1)")
@pytest.mark.parametrize("call", [*STORE, *PROCESSES])
def test_killed_at_any_call_nothing_is_lost_and_nothing_is_twice(tmp_path: Path, call: str) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("rocketd.toml", "[rocketd]\nshutdown_grace = '0s'\n")
        daemon.write("tasks.toml", TASKS.format(note=NOTE % tmp_path, directory=tmp_path))
        kills = 0
        for turn in count(1, 1 if ALL else {**STORE, **PROCESSES}[call]):
            daemon.wrapper = killing(daemon, call, turn)
            code = live(daemon)
            reconcile(daemon)
            if code == 0:
                break
            assert code == -signal.SIGKILL, "\n".join(daemon.lines[-20:])
            kills += 1
        assert kills, "no such call was ever made"
        daemon.wrapper = ()
        assert live(daemon) == 0
        begun, recorded = reconcile_at_rest(daemon)
        print(f"{call}: {kills} kills, {begun} runs in the ledger, {recorded} recorded")  # noqa: T201 - for the report
