"""The setting `ignore_warnings` of a task: which warnings `check` does not give about it."""

from typing import Final

from rocketd.config import value_types
from rocketd.config.setting import Setting
from rocketd.config.value_types import ValueType

WARNINGS: Final = ("repeats", "never", "crowd", "timeout", "upgrade", "duplicate")
"""The names of the warnings that can be ignored."""

IGNORE_WARNINGS: Final = Setting[tuple[str, ...]](
    "ignore_warnings",
    ValueType("list of warnings", value_types.each_of(*WARNINGS)),
    (),
    "`[]`",
    "Warnings that `rocketctl check` does not give about this task: `repeats` (it starts again after each end), "
    "`never` (it never starts, or not for years), `crowd` (many tasks start at one moment), `timeout` (it talks to a "
    "network without one), `upgrade` (it could end its own run), `duplicate` (a crontab or timer does the same).",
)
