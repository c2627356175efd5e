"""What a condition needs of the past, beyond the newest event of each action."""

from typing import NamedTuple

from rocketd.core.instant import Duration
from rocketd.core.run import Action


class Need(NamedTuple):
    """Which instants of the past a condition asks for: those of one action that are younger than `reach`."""

    task: str
    """Empty: the task whose condition it is."""
    action: Action
    reach: Duration
