"""The state directory unmounted and mounted again under the running daemon: told, and nothing lost, nothing twice."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.run_ledger import NOTE, ledger, reconcile_at_rest

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounts a disk of its own")

TASKS = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"

[task.day]
command = "{note}"
shell = true
when = "daily"
"""
# The disk is mounted twice: it stays what it is while it is away from its place.
MOUNTED = """
mount --make-rprivate / && mount -t tmpfs -o size=16m,mode=755 disk "$2" && mount --bind "$2" "$1"
shift 2; exec "$@"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "disk").mkdir()
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        made.wrapper = ("unshare", "-m", "sh", "-c", MOUNTED, "sh", str(made.state), str(tmp_path / "disk"))
        made.start()
        made.until_line("day succeeded")
        made.until_line("often succeeded", 2)
        yield made


def within(daemon: Daemon, *command: str) -> None:
    """Run it where the daemon sees its disk."""
    subprocess.run(["nsenter", "-m", "-t", str(daemon.pid), *command], check=True, timeout=30)


def goes_on(daemon: Daemon) -> None:
    daemon.until_line("often succeeded", sum("often succeeded" in line for line in daemon.lines) + 3)


def check_nothing_is_lost(daemon: Daemon, tmp_path: Path) -> None:
    """Stop it, with its disk copied to where this test sees it."""
    within(daemon, "true")
    disk = Path(f"/proc/{daemon.pid}/root{tmp_path}/disk")
    descriptor = os.open(disk, os.O_RDONLY | os.O_DIRECTORY)  # good for longer than the daemon lives
    try:
        assert daemon.stop() == 0
        shutil.copytree(f"/proc/self/fd/{descriptor}", daemon.state, dirs_exist_ok=True)
    finally:
        os.close(descriptor)
    assert [number for number, _, _ in daemon.history("day")] == [1]
    begun, recorded = reconcile_at_rest(daemon)
    assert begun == recorded


@pytest.mark.parametrize("lazily", [["-l"], ["-l", "-n"]])
def test_it_is_told_and_goes_on_once_it_is_mounted_again(daemon: Daemon, tmp_path: Path, lazily: list[str]) -> None:
    within(daemon, "umount", *lazily, str(daemon.state))
    daemon.until_line("it was unmounted, or something is mounted over it")
    daemon.until_notice("it was unmounted, or something is mounted over it")
    begun = len(ledger(tmp_path))
    within(daemon, "mount", "--bind", str(tmp_path / "disk"), str(daemon.state))
    daemon.until_line("the run log is writable again")
    goes_on(daemon)
    assert len(ledger(tmp_path)) > begun
    check_nothing_is_lost(daemon, tmp_path)


def test_what_is_mounted_over_it_is_not_written_to(daemon: Daemon, tmp_path: Path) -> None:
    within(daemon, "mount", "-t", "tmpfs", "-o", "size=1m", "over", str(daemon.state))
    daemon.until_notice("it was unmounted, or something is mounted over it")
    over = Path(f"/proc/{daemon.pid}/root{daemon.state}")
    assert not [path.name for path in over.iterdir() if path.name.startswith("rocketd.db")]
    within(daemon, "umount", str(daemon.state))
    daemon.until_line("the run log is writable again")
    goes_on(daemon)
    check_nothing_is_lost(daemon, tmp_path)
