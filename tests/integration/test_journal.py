"""journald through libsystemd, and the terminal: nobody who does not listen can hold the daemon up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fakes.journald import INSIDE

HERE = Path(__file__).parent

NAMESPACE = """
mount -t tmpfs tmpfs /run &&
mkdir -p /run/systemd/journal &&
{ echo 512 > /proc/sys/net/unix/max_dgram_qlen || true; } &&
exec "$@"
"""
"""The path of journald's socket is built into libsystemd: only a mount namespace puts another one there.
512 is what systemd sets; the network namespace keeps it from the host."""


def inside(*command: str) -> subprocess.CompletedProcess[str]:
    """Run where /run/systemd/journal is our own."""
    unshare = ["unshare", "--mount", "--net", "--map-root-user"]
    return subprocess.run(
        [*unshare, "sh", "-c", NAMESPACE, "sh", *command],
        env={**os.environ, INSIDE: "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    if inside("true").returncode:
        pytest.skip("this host lets nobody make a mount namespace")


@pytest.mark.parametrize(
    "tests", ["integration/journald_inside.py", "contract/test_journal.py"], ids=["journald", "contract"]
)
def test_journald_in_a_namespace_of_its_own(tests: str) -> None:
    pytest_itself = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = inside(*pytest_itself, str(HERE.parent / tests))
    assert done.returncode == 0, done.stdout + done.stderr
