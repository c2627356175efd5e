"""Runs tests of this tree inside a machine, against the package that is installed there."""

import importlib.util
import shutil
from pathlib import Path
from typing import Final

from support.machines.machine import Machine

TESTS: Final = Path(__file__).parents[2]
PYTHON: Final = "/usr/lib/rocketd/venv/bin/python3"
_PURE: Final = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")
"""What pytest is made of: plain Python, so that the interpreter of any release can import it."""


def pytest_packages(into: Path) -> Path:
    """Copy pytest to where a machine can see it."""
    for name in ("py", *_PURE):
        found = importlib.util.find_spec(name)
        assert found is not None
        if found.submodule_search_locations is None:
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(found.origin), into)
        else:
            shutil.copytree(next(iter(found.submodule_search_locations)), into / name)
    return into


def run_tests(machine: Machine, packages: Path, *arguments: str) -> str:
    """Run tests there, where TESTS and `packages` are bound; raises MachineError if one fails."""
    plain = [
        "--noconftest",
        "-c",
        "/dev/null",
        "-o",
        "faulthandler_timeout=45",
        "--rootdir",
        str(TESTS),
        "--import-mode=importlib",
    ]
    paths = f"PYTHONPATH={packages}:{TESTS}"
    call = ["env", paths, "PYTHONDONTWRITEBYTECODE=1", PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plain]
    return machine.run(*call, *arguments).stdout
