"""Task files to tasks and problems: which files count, what is written in them, and what is wrong with it.

A bad task file is data, not an exception: loading gives tasks *and* problems, and one bad file never takes the others
down.
"""

from rocketd.config.daemon_settings import Durability, Settings, StoreSettings
from rocketd.config.files import DEFAULT_DIRECTORIES
from rocketd.config.loaded import File, Loaded, Outcome
from rocketd.config.loading import load, load_settings, reload
from rocketd.config.problems import Problem
from rocketd.config.report import check_json, check_text

__all__ = [
    "DEFAULT_DIRECTORIES",
    "Durability",
    "File",
    "Loaded",
    "Outcome",
    "Problem",
    "Settings",
    "StoreSettings",
    "check_json",
    "check_text",
    "load",
    "load_settings",
    "reload",
]
