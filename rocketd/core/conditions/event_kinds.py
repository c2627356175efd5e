"""What can happen to a run, as the words about the past name it."""

from typing import Final, Literal, TypeAlias

from rocketd.core.conditions.time_conditions import ENDS
from rocketd.core.model.run import Action

What: TypeAlias = Literal["started", "succeeded", "failed", "finished", "terminated", "inacted", "crashed", "missed"]

ACTIONS: Final[dict[What, tuple[Action, ...]]] = {
    "started": (Action.RUN,),
    "succeeded": (Action.SUCCESS,),
    "failed": (Action.FAIL,),
    "finished": ENDS["finish"],
    "terminated": (Action.TERMINATE,),
    "inacted": (Action.INACTION,),
    "crashed": (Action.CRASH,),
    "missed": (Action.MISSED,),
}
