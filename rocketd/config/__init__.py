"""Task files to tasks and problems: which files count, what is written in them, and what is wrong with it.

A bad task file is data, not an exception: loading returns tasks *and* problems, and one bad file never affects the
others.
"""

from rocketd.config.daemon_settings import DEFAULTS, Durability, Settings, StoreSettings
from rocketd.config.load_result import FileOutcome, LoadedFile, LoadResult
from rocketd.config.loader import load, load_calendars, load_settings, reload
from rocketd.config.problems import Problem
from rocketd.config.task_files import DEFAULT_DIRECTORIES

__all__ = [
    "DEFAULTS",
    "DEFAULT_DIRECTORIES",
    "Durability",
    "FileOutcome",
    "LoadResult",
    "LoadedFile",
    "Problem",
    "Settings",
    "StoreSettings",
    "load",
    "load_calendars",
    "load_settings",
    "reload",
]
