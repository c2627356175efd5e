"""The groups whose members may use the sockets, in an /etc of their own: given another number, and removed."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.daemon_process import Daemon

PRIVATE_ETC = """
    mount -t tmpfs none /mnt
    cp -a /etc /mnt/etc
    mount --bind /mnt/etc /etc
    sed -i '/^rocketd/d' /etc/group
    printf 'rocketd:x:64010:\\nrocketd-view:x:64020:\\n' >>/etc/group
    exec "$@"
"""
CLIENT = """
import os, socket, sys
os.setgroups([int(sys.argv[2])])
os.setgid(61000)
os.setuid(61000)
one = socket.socket(socket.AF_UNIX)
one.settimeout(30)
try:
    one.connect(sys.argv[1])
    one.sendall(b"GET /v1/tasks HTTP/1.0\\r\\n\\r\\n")
    print(one.makefile().readline().split()[1])
except PermissionError:
    print("refused")
"""


def may_mount() -> bool:
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or not may_mount(), reason="needs to mount"
)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with TemporaryDirectory() as directory, Daemon(Path(directory)) as made:  # not pytest's, which is for one user only
        Path(directory).chmod(0o755)
        made.wrapper = ("unshare", "--mount", "sh", "-ec", PRIVATE_ETC, "sh")
        yield made.start()


def edit_groups(daemon: Daemon, script: str) -> None:
    """Replace /etc/group in one step, as groupmod(8) does."""
    change = f"sed '{script}' /etc/group >/etc/group.new && mv /etc/group.new /etc/group"
    subprocess.run(["nsenter", f"--target={daemon.pid}", "--mount", "sh", "-ec", change], check=True, timeout=60)


def answer(daemon: Daemon, name: str, gid: int) -> str:
    command = [sys.executable, "-c", CLIENT, str(daemon.runtime / name), str(gid)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.mark.parametrize(
    ("name", "group", "gid"), [("control.sock", "rocketd", 64010), ("view.sock", "rocketd-view", 64020)]
)
def test_a_number_that_is_no_longer_that_of_the_group_opens_nothing(
    daemon: Daemon, name: str, group: str, gid: int
) -> None:
    assert (answer(daemon, name, gid), answer(daemon, name, gid + 1)) == ("200", "refused")
    edit_groups(daemon, f"s/^{group}:x:{gid}:/{group}:x:{gid + 1}:/")
    daemon.until(lambda: answer(daemon, name, gid + 1) == "200")
    assert answer(daemon, name, gid) == "refused"
    edit_groups(daemon, f"/^{group}:/d")
    daemon.until(lambda: answer(daemon, name, gid + 1) == "refused")
    assert stat.S_IMODE((daemon.runtime / name).stat().st_mode) & 0o007 == 0
