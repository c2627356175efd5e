"""Debian as trees of files: bare, and with the package of this tree installed. Neither is ever written to."""

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[3]

# The package as the administrator's dpkg leaves it, in a layer of its own, so that each machine boots with it.
INSTALL: Final = """
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$LAYER/up,workdir=$LAYER/plan" "$LAYER/root"
mount -t proc proc "$LAYER/root/proc"
cp "$DEB" "$LAYER/root/tmp/rocketd.deb"
chroot "$LAYER/root" dpkg --install /tmp/rocketd.deb
rm "$LAYER/root/tmp/rocketd.deb"
"""


def bare(suite: str, kind: str = "machine") -> Path:
    """A Debian as it is before anyone installs rocketd; `kind` as `packaging/host/tree` has them."""
    return _last_line("packaging/host/tree", suite, kind)


def package(suite: str) -> Path:
    """The package, built from this tree if it has changed, by one worker at a time: packages share the manual."""
    return _made("deb", f"SUITE={suite}")


def rpm_package() -> Path:
    """The RPM package for this host's own Python, likewise."""
    return _made("rpm")


def _made(*goals: str) -> Path:
    (TOP / "dist").mkdir(exist_ok=True)
    with (TOP / "dist" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _last_line("make", "--silent", *goals)


def install(tree: Path, deb: Path, layer: Path) -> Path:
    """What installing the package changes in a Debian, as a tree to lay over it; `layer` is an empty directory."""
    run_over(tree, layer, INSTALL, DEB=str(deb))
    return layer / "up"


def run_over(tree: Path, layer: Path, script: str, **variables: str) -> str:
    """Run a script that mounts `tree`, below `layer`, as it likes; return what it prints. It is without a network."""
    for part in ("up", "plan", "root"):
        (layer / part).mkdir(exist_ok=True)
    return subprocess.run(
        ["unshare", "--mount", "--propagation=private", "--net", "sh", "-ec", script],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LOWER": str(tree), "LAYER": str(layer), **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def _last_line(*argv: str) -> Path:
    """The path that a tool of ours prints last."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    done = subprocess.run(argv, cwd=TOP, env=clean, stdout=subprocess.PIPE, text=True, check=True)
    return TOP / done.stdout.splitlines()[-1]
