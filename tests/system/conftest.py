"""Debian 12 and 13, each with the package of this tree installed, booted for one test.

`ROCKETD_SUITES=noble` boots another release instead: Ubuntu 24.04, whose archive's key has to be on this host.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.machines import debian_trees
from support.machines.machine import Machine

NEEDS = ("systemd-nspawn", "mmdebstrap", "unshare", "nsenter", "make")
RELEASES = os.environ.get("ROCKETD_SUITES", "bookworm trixie").split()
SUITES = [pytest.param(suite, marks=getattr(pytest.mark, suite)) for suite in RELEASES]


def why_not() -> str | None:
    """What keeps machines from being booted here."""
    if os.getuid() != 0:
        return "only root can boot machines"
    missing = [program for program in NEEDS if shutil.which(program) is None]
    return f"these programs are missing: {', '.join(missing)} (packaging/host/prepare system)" if missing else None


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """The name of a Debian release; a test that asks for it, or for what is built on it, runs for each."""
    if reason := why_not():
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"THE SYSTEM TESTS DID NOT RUN: {reason}")
    return str(request.param)


@pytest.fixture(scope="session")
def tree(suite: str) -> Path:
    """A Debian as it is before anyone installs rocketd. Read-only."""
    return debian_trees.bare(suite)


@pytest.fixture(scope="session")
def deb(suite: str) -> Path:
    """The package, built from this tree if it has changed."""
    return debian_trees.package(suite)


@pytest.fixture(scope="session")
def installed(tree: Path, deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What installing the package changes in a Debian, as a tree to lay over it."""
    return debian_trees.install(tree, deb, tmp_path_factory.mktemp("installed"))


@pytest.fixture
def debian(tree: Path, deb: Path, tmp_path: Path) -> Iterator[Machine]:
    """A booted Debian without rocketd; the package lies at the path that `deb` gives."""
    with Machine(tmp_path / "disk", tree, binds=[deb]) as machine:
        yield machine


@pytest.fixture
def machine(tree: Path, installed: Path, tmp_path: Path) -> Iterator[Machine]:
    """A booted Debian where rocketd was installed before it booted."""
    with Machine(tmp_path / "disk", installed, tree) as machine:
        yield machine
