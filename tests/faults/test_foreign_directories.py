"""A state or runtime directory that another user can write to: rocketd does not start, and overwrites nothing."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from support.daemon_process import Daemon

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
NOBODY = pwd.getpwnam("nobody")


def belong_to_nobody(directory: Path) -> None:
    os.chown(directory, NOBODY.pw_uid, NOBODY.pw_gid)


def be_open_to_everybody(directory: Path) -> None:
    directory.chmod(0o1777)


def be_open_to_a_group(directory: Path) -> None:
    os.chown(directory, 0, NOBODY.pw_gid)
    directory.chmod(0o775)


@pytest.mark.parametrize(
    ("become", "told"),
    [
        (belong_to_nobody, "belongs to 'nobody'"),
        (be_open_to_everybody, "is writable by everybody"),
        (be_open_to_a_group, "is writable by its group"),
    ],
)
@pytest.mark.parametrize("which", ["lib", "run"])
def test_it_is_refused_with_what_to_do(tmp_path: Path, which: str, become: Callable[[Path], None], told: str) -> None:
    with Daemon(tmp_path) as daemon:
        directory = tmp_path / which
        become(directory)
        assert daemon.spawn().wait() == 4
        name = {"lib": "state directory", "run": "runtime directory"}[which]
        assert f"rocketd: the {name} {directory} {told}" in daemon.lines[0]
        assert daemon.lines[1].startswith("hint: look for links")
        os.chown(directory, 0, 0)
        directory.chmod(0o750)
        daemon.start()
        assert daemon.stop() == 0


@pytest.mark.parametrize("planted", ["lock", "spool.jsonl", "spool.jsonl.damaged"])
def test_a_link_that_somebody_left_in_it_leads_to_no_file(tmp_path: Path, planted: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("important\n")
    with Daemon(tmp_path) as daemon:
        if planted == "spool.jsonl.damaged":
            (daemon.state / "spool.jsonl").write_text('[{"kind":"Bogus"}]\n')
        (daemon.state / planted).symlink_to(victim)
        daemon.spawn()
        daemon.until(lambda: "READY=1" in daemon.notices or daemon.has_closed())
        if daemon.has_closed():
            daemon.wait()
            assert any(planted in line for line in daemon.lines)
    assert victim.read_text() == "important\n"
