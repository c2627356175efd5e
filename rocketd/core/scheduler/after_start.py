"""What a task's condition was right after a start that somebody else has decided: another daemon, or another host."""

from rocketd.core.history.history import History
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.core.model.verdict import AGAINST


def was_against_after(run: Run, task: Task, history: History) -> bool:
    """Whether the condition did not hold right after that start: then it holds now for another chance."""
    try:
        verdict = task.when.judge(Moment(run.start + 1, task, history))
    except Exception:  # noqa: BLE001 - it is reported when the task is judged
        return False
    return verdict.answer is AGAINST
