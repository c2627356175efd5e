"""From an earlier version to this one and back, on a real Debian: `make upgrade FROM=COMMIT`.

`ROCKETD_EARLIER` is the directory with the packages of the earlier version, whose runs are processes of its daemon.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from support.machines.administrator import actions, await_end, give_task, history
from support.machines.machine import Machine

EARLIER: Final = os.environ.get("ROCKETD_EARLIER", "")
pytestmark = pytest.mark.skipif(not EARLIER, reason="needs packages of an earlier version: make upgrade FROM=COMMIT")

SETTINGS: Final = "# edited\n[rocketd]\nmax_running = 7\nshutdown_grace = '1s'\n"
ONCE: Final = '[task.once]\ncommand = ["true"]\nwhen = "daily"\n'
LONG: Final = '[task.long]\ncommand = ["sleep", "infinity"]\nwhen = "daily"\n'
UPGRADES: Final = '[task.upgrades]\ncommand = ["dpkg", "--install", "--force-confold", "{deb}"]\n'


@pytest.fixture
def earlier(suite: str) -> Path:
    (deb,) = Path(EARLIER).glob(f"rocketd_*_{suite}_*.deb")
    return deb.resolve()


@pytest.fixture
def host(tree: Path, deb: Path, earlier: Path, tmp_path: Path) -> Iterator[Machine]:
    """A Debian with the earlier version, where a task has run and another one is running."""
    binds = [deb, earlier, *deb.parent.glob(f"rocketd_*{deb.name[-10:]}")]
    with Machine(tmp_path / "disk", tree, binds=list(dict.fromkeys(binds))) as machine:
        machine.run("dpkg", "--install", str(earlier))
        machine.write("/etc/rocketd/rocketd.toml", SETTINGS)
        machine.run("systemctl", "restart", "rocketd")
        give_task(machine, "once", ONCE)
        await_end(machine, "once")
        give_task(machine, "long", LONG)
        machine.await_journal("ROCKETD_TASK=long", "ROCKETD_ACTION=run")
        yield machine


def install(machine: Machine, deb: Path) -> None:
    machine.run("dpkg", "--install", "--force-confold", "--force-downgrade", str(deb))


def active(machine: Machine) -> str:
    return machine.run("systemctl", "is-active", "rocketd", check=False).stdout.strip()


def store_of(machine: Machine) -> bytes:
    return machine.path("/var/lib/rocketd/rocketd.db").read_bytes()


def test_an_upgrade_keeps_settings_and_records_and_runs_again_what_it_cut_off(host: Machine, deb: Path) -> None:
    for _ in range(2):
        install(host, deb)
        assert active(host) == "active"
        assert host.path("/etc/rocketd/rocketd.toml").read_text() == SETTINGS
        assert actions(host, "once") == ["success"]
    (cut, again) = history(host, "long")
    assert (cut["action"], again["action"]) == ("crash", "run"), "the second installation is survived by the unit"


def test_a_downgrade_is_refused_by_the_store_which_stays_as_it_is(host: Machine, deb: Path, earlier: Path) -> None:
    install(host, deb)
    host.run("systemctl", "stop", "rocketd")
    before = store_of(host)
    install(host, earlier)
    host.run("systemctl", "start", "rocketd", check=False)
    assert active(host) != "active"
    assert "and this rocketd knows versions up to" in host.sh("journalctl --unit=rocketd --output=cat --no-pager")
    assert store_of(host) == before
    install(host, deb)
    host.run("systemctl", "reset-failed", "rocketd", check=False)
    host.run("systemctl", "start", "rocketd")
    assert actions(host, "once") == ["success"]


def test_a_task_of_the_earlier_version_may_upgrade_it(host: Machine, deb: Path) -> None:
    """Its run is a process of the daemon that it has replaced, and which waits for its end no longer than its grace."""
    give_task(host, "upgrades", UPGRADES.format(deb=deb))
    host.run("rocketctl", "run", "upgrades")
    host.await_journal("ROCKETD_TASK=upgrades", "ROCKETD_ACTION=crash")
    host.run("dpkg", "--configure", "--pending")
    assert host.run("dpkg-query", "--show", "--showformat=${db:Status-Status}", "rocketd").stdout == "installed"
    assert active(host) == "active"
    assert actions(host, "once") == ["success"]


def test_a_version_that_cannot_start_leaves_the_state_as_it_was(host: Machine, deb: Path) -> None:
    install(host, deb)
    host.run("systemctl", "stop", "rocketd")
    before = store_of(host)
    program = host.path("/usr/lib/rocketd/venv/bin/rocketd")
    program.write_text("#!/bin/sh\nexit 1\n")
    host.run("systemctl", "start", "rocketd", check=False)
    assert active(host) != "active"
    assert store_of(host) == before
    install(host, deb)
    host.run("systemctl", "reset-failed", "rocketd", check=False)
    host.run("systemctl", "start", "rocketd")
    assert actions(host, "once") == ["success"]


def test_it_is_removed_installed_again_and_purged(host: Machine, deb: Path) -> None:
    install(host, deb)
    host.run("dpkg", "--remove", "rocketd")
    assert host.path("/var/lib/rocketd/rocketd.db").exists()
    assert host.path("/etc/rocketd/rocketd.toml").read_text() == SETTINGS
    install(host, deb)
    assert actions(host, "once") == ["success"]
    host.run("dpkg", "--purge", "rocketd")
    assert not host.path("/var/lib/rocketd").exists()


def test_the_package_of_another_suite_is_not_configured(tree: Path, deb: Path, suite: str, tmp_path: Path) -> None:
    other = {"bookworm": "trixie", "trixie": "bookworm"}[suite]
    wrong = deb.with_name(deb.name.replace(suite, other))
    if not wrong.exists():
        pytest.skip(f"there is no {wrong.name}")
    with Machine(tmp_path / "disk", tree, binds=[wrong, deb]) as machine:
        refused = machine.run("dpkg", "--install", str(wrong), check=False)
        assert refused.returncode
        assert "depends on python3" in refused.stderr
        machine.run("dpkg", "--install", "--force-downgrade", str(deb))
        assert active(machine) == "active"
