"""What holds for every test: the installed package is tested, not the source tree."""

import os
import sysconfig
from pathlib import Path

import rocketd


def pytest_configure() -> None:
    """Refuse to test the source tree by accident: a file that the wheel lacks would go unnoticed.

    `PYTHONPATH=. pytest …` chooses it on purpose, for a quick look while writing.
    """
    found = Path(rocketd.__file__).parent
    wanted = Path(sysconfig.get_path("purelib")) / "rocketd"
    assert found == wanted or "PYTHONPATH" in os.environ, f"rocketd comes from {found}, not {wanted}: call `make test`"
