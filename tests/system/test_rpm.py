"""The RPM package: what rpmlint says of it, and its scriptlets in a tree of another package manager.

It is built for this host's Python, so it runs where the tree has the same one: Debian 12 on Debian 12.
"""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from support.machines import debian_trees
from support.machines.machine import Machine

TOP: Final = Path(__file__).parents[2]
OVER: Final = """
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$LAYER/up,workdir=$LAYER/plan" "$LAYER/root"
mount -t proc proc "$LAYER/root/proc"
mount -t devtmpfs devtmpfs "$LAYER/root/dev" 2>/dev/null || mount --bind /dev "$LAYER/root/dev"
umask 022
"""
# Debian's packages are none of rpm's, so nothing that the package needs is known to be there.
RPM: Final = 'rpm --root "$LAYER/root" --nodeps'
FLEET_DRIVER: Final = "/usr/lib/rocketd/venv/bin/python3 -I -c 'import psycopg; print(psycopg.WHERE)'"


@pytest.fixture(scope="module")
def rpm(suite: str) -> Path:
    here = {line.partition("=")[2].strip().strip('"') for line in Path("/etc/os-release").read_text().splitlines()}
    if suite not in here:
        pytest.skip("the package is for this host's own Python")
    return debian_trees.rpm_package()


def scripted(tree: Path, layer: Path, rpm: Path, *commands: str) -> str:
    return debian_trees.run_over(tree, layer, OVER + "\n".join(commands), RPM=str(rpm))


def fleet_package(rpm: Path) -> Path:
    """The package with the driver, which is built with it."""
    return next(rpm.parent.glob("rocketd-fleet-*.noarch.rpm"))


def test_rpmlint_says_nothing(rpm: Path) -> None:
    said = subprocess.run(
        ["rpmlint", "--rpmlintrc", TOP / "packaging" / "rocketd.rpmlintrc", rpm, fleet_package(rpm)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (said.returncode, [line for line in said.stdout.splitlines() if line.startswith("rocketd")]) == (0, [])


def test_it_is_installed_started_changed_and_removed(rpm: Path, tree: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    scripted(
        tree, layer, rpm, f'{RPM} --install "$RPM" "{fleet_package(rpm)}"', f"{RPM} --verify rocketd rocketd-fleet"
    )
    assert (layer / "up/etc/systemd/system/multi-user.target.wants/rocketd.service").readlink()
    assert "\nrocketd:" in (layer / "up/etc/group").read_text()
    with Machine(tmp_path / "disk", layer / "up", tree) as machine:
        assert machine.run("systemctl", "is-active", "rocketd").stdout == "active\n"
        assert machine.run("/usr/lib/nagios/plugins/check_rocketd").stdout.startswith("ROCKETD OK")
        assert "rocketd" in machine.run("man", "rocketd").stdout
        machine.write("/usr/lib/python3/dist-packages/psycopg/__init__.py", "WHERE = __file__\n")  # as the driver's
        assert machine.sh(FLEET_DRIVER) == "/usr/lib/rocketd/fleet/psycopg/__init__.py\n"
    settings = layer / "up/etc/rocketd/rocketd.toml"
    settings.write_text("[rocketd]\nmax_running = 3\n")
    scripted(tree, layer, rpm, f'{RPM} --upgrade --replacepkgs "$RPM"')
    assert settings.read_text() == "[rocketd]\nmax_running = 3\n"
    left = scripted(
        tree,
        layer,
        rpm,
        f"{RPM} --erase rocketd rocketd-fleet",
        'cd "$LAYER/root" && find etc usr var -name "*rocketd*" | sort',
    ).split()
    assert left == ["etc/rocketd", "etc/rocketd/rocketd.toml.rpmsave"]
