"""Tells a retry from a first attempt: by whether the condition would hold without it."""

from typing import Final

from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Trigger
from rocketd.core.model.verdict import FOR, Verdict

_RETRIED: Final = frozenset({Action.FAIL, Action.TERMINATE, Action.CRASH})


def verdict_without_retries(moment: Moment) -> Verdict | None:
    """Return the verdict without retries, a crash counted as done; None: the last run gave no reason to try again.

    `daily | retry(2)`, whose run failed at 10:05:

    asked at 10:06    against, as the day is used up: what holds is the retry
    asked at 00:00    for, as a new day has begun: a first attempt, though the retry may hold as well
    after a success   None
    """
    end = moment.task_history.scheduled_end
    if end is None or end.action not in _RETRIED:
        return None
    return moment.task.when.judge(moment._replace(without_retries=True))


def is_retry(moment: Moment) -> bool:
    """Whether the condition holds only because of a retry or a crash."""
    verdict = verdict_without_retries(moment)
    return verdict is not None and verdict.answer is not FOR


def trigger_after(moment: Moment) -> Trigger:
    """Return how the attempt after the last scheduled run is called: nothing has failed where that was interrupted."""
    end = moment.task_history.scheduled_end
    return Trigger.RERUN if end is not None and end.action is Action.CRASH else Trigger.RETRY
