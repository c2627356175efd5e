"""The setting `formerly` of a task."""

from typing import Final

from rocketd.config.setting import Setting
from rocketd.config.value_types import ValueType, strings


def _names(value: object) -> tuple[str, ...]:
    """Take a name, or a list of names; each counts once."""
    return tuple(dict.fromkeys(strings([value] if isinstance(value, str) else value)))


FORMERLY: Final[Setting[tuple[str, ...]]] = Setting(
    "formerly",
    ValueType("string, or list of strings", _names),
    (),
    "none",
    "The name that the task had before, or several, the newest first. When a task with this name is loaded for the "
    "first time, it takes over the runs, the pause, the numbers and an active run of the old name, and nothing runs "
    "twice; conditions must name the new one. It may stay in the file. Records that were sent elsewhere keep the old "
    "name; where the state directory was lost, they come back under the new one.",
    shared=False,
)
