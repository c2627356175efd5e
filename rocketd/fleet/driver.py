"""The driver of the database, psycopg 3: a package of its own, which may be installed while rocketd runs."""

import importlib
import site
import sysconfig
from typing import Final

_PATHS: Final = "rocketd-fleet.pth"
"""The file of the package that says where the driver is. Python reads it when it starts."""


def load_driver() -> None:
    """Import the driver, also if it has been installed since this program began; raises ImportError."""
    try:
        importlib.import_module("psycopg")
    except ImportError:
        importlib.invalidate_caches()
        site.addpackage(sysconfig.get_path("purelib"), _PATHS, None)
        importlib.import_module("psycopg")
