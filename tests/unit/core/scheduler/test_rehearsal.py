"""Which start is rehearsed, and that nothing follows from it."""

from datetime import UTC, datetime

from rocketd.core.instant import FOREVER, MINUTE, SECOND, instant_of
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Start
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.rehearsal import DecisionRehearsal
from rocketd.core.scheduler.scheduler import Scheduler

NOON = instant_of(datetime(2026, 3, 2, 12, tzinfo=UTC))


def scheduler_of(*conditions: str) -> Scheduler:
    made = Scheduler(host="h", new_run_id=str)
    tasks = [Task(f"t{place}", Command(("/bin/true",)), parse(when)) for place, when in enumerate(conditions)]
    made.load(tasks, NOON, {})
    made.decide(NOON)
    return made


def expected(scheduler: Scheduler) -> str:
    task = DecisionRehearsal(scheduler).expected_task(scheduler.next_check())
    return "" if task is None else task.name


def test_the_start_that_comes_next_is_expected() -> None:
    assert expected(scheduler_of("cron('* * * * *')", "false")) == "t0"
    assert expected(scheduler_of("daily.after('13:00')", "cron('0 * * * *')")) in {"t0", "t1"}


def test_without_a_start_that_the_clock_brings_nothing_is_expected() -> None:
    assert expected(scheduler_of()) == ""
    assert expected(scheduler_of("false")) == ""
    assert expected(scheduler_of("after_success('t0')")) == ""


def test_what_is_to_be_judged_now_or_may_not_start_is_not_expected() -> None:
    scheduler = scheduler_of("cron('* * * * *')")
    scheduler.drain()
    assert expected(scheduler) == ""
    scheduler = scheduler_of("cron('* * * * *')")
    scheduler.clock_stepped(NOON + SECOND, SECOND)
    assert scheduler.expected_start(NOON + MINUTE) is None
    assert scheduler.expected_start(FOREVER) is None


def test_after_a_rehearsal_everything_is_decided_as_without_it() -> None:
    scheduler, without = (scheduler_of("cron('* * * * *')", "daily") for _ in range(2))
    rehearsal, due = DecisionRehearsal(scheduler), scheduler.next_check()
    for at in (due, due, due + MINUTE, due):
        rehearsal.rehearse(scheduler.tasks["t0"].task, at)
    assert scheduler.next_check() == due
    assert scheduler.running_count == without.running_count == 1
    decided, expected_ = scheduler.decide(due + 1), without.decide(due + 1)
    assert [(one.run.task, one.run.due) for one in decided if isinstance(one, Start)] == [
        (one.run.task, one.run.due) for one in expected_ if isinstance(one, Start)
    ]
    assert decided
