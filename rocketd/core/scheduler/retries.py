"""What tells a retry from a first attempt: whether the condition would hold without it."""

from typing import Final

from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action
from rocketd.core.model.verdict import FOR, Verdict

_RETRIED: Final = frozenset({Action.FAIL, Action.TERMINATE, Action.CRASH})


def verdict_without_retries(moment: Moment) -> Verdict | None:
    """The verdict without retries, a crash counted as done; None where the last run gave no reason to try again."""
    end = moment.task_history.scheduled_end
    if end is None or end.action not in _RETRIED:
        return None
    return moment.task.when.judge(moment._replace(without_retries=True))


def is_retry(moment: Moment) -> bool:
    """Whether the condition holds only because a retry is wanted or a crash is made good."""
    verdict = verdict_without_retries(moment)
    return verdict is not None and verdict.answer is not FOR
