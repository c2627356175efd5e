"""The past of a task takes no more memory than there is of it."""

import sys
from dataclasses import fields

from rocketd.core.history.history import History
from rocketd.core.instant import HOUR, MINUTE
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task_history import TaskHistory


def collections_of(past: TaskHistory) -> list[object]:
    values = [getattr(past, field.name) for field in fields(past)]
    return [value for value in values if hasattr(value, "__len__")]


def test_tasks_that_have_not_run_share_their_empty_collections() -> None:
    one, other = collections_of(TaskHistory()), collections_of(TaskHistory())
    assert len(one) == 11
    assert all(mine is yours for mine, yours in zip(one, other, strict=True))
    assert sum(map(sys.getsizeof, one)) < 11 * sys.getsizeof({})


def test_what_one_task_does_is_not_anothers_past() -> None:
    history = History()
    run = Run("one", 1, "id", 1, due=10, start=10, trigger=Trigger.SCHEDULE, reason="")
    history.learn(Started(run))
    assert dict(history.of("one").running) == {1: run}
    assert collections_of(history.of("other")) == collections_of(TaskHistory())
    history.learn(Finished(run, End(Action.CRASH, Cause.DOWN, 20)))
    assert collections_of(history.of("other")) == collections_of(TaskHistory())


def test_after_the_last_of_its_runs_a_task_shares_the_empty_collection_again() -> None:
    history = History()
    run = Run("one", 1, "id", 1, due=10, start=10, trigger=Trigger.SCHEDULE, reason="")
    history.learn(Started(run))
    history.learn(Finished(run, End(Action.SUCCESS, Cause.EXIT, 20)))
    assert history.of("one").running is TaskHistory().running


def test_as_many_instants_are_kept_as_the_conditions_ask_about_and_no_more() -> None:
    history = History()
    history.set_needs([HistoryNeed("one", Action.RUN, HOUR)])
    for number, minute in enumerate((0, 19, 20, 50, 80), 1):
        start = minute * MINUTE
        history.learn(Started(Run("one", number, "id", 1, due=start, start=start, trigger=Trigger.HAND, reason="")))
    assert history.of("one").recorded_instants[Action.RUN].counted == [20 * MINUTE, 50 * MINUTE, 80 * MINUTE]
