"""Many tasks that are due at the same second: the first are started before all are judged, in the same order."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Decision, Finished, Spawned, Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Task
from rocketd.core.model.verdict import Verdict
from rocketd.core.scheduler.queues import EXPECTED_LIMIT
from rocketd.core.scheduler.scheduler import Scheduler
from support.scheduler_world import at, task

DUE = at("2026-03-02 10:00")


@dataclass(frozen=True, slots=True)
class Counted(Condition):
    """Notes each task that it is judged for."""

    part: Condition
    judged: list[str] = field(compare=False)

    def judge(self, moment: Moment) -> Verdict:
        self.judged.append(moment.task.name)
        return self.part.judge(moment)

    def watches(self) -> frozenset[str]:
        return self.part.watches()

    def __str__(self) -> str:
        return str(self.part)


def scheduler_of(tasks: Iterable[Task], slots: int = 1_000) -> Scheduler:
    """Return a scheduler whose tasks have been judged a minute before they are due."""
    ids = count(1)
    made = Scheduler(host="here", new_run_id=lambda _: f"{next(ids)}", max_running=slots)
    made.load(tasks, DUE - HOUR, {})
    assert made.decide(DUE - MINUTE) == []
    return made


def names(decisions: Iterable[Decision]) -> list[str]:
    return [decision.run.task for decision in decisions if isinstance(decision, Start)]


def counted(condition: str, count: int = 100) -> tuple[list[Task], list[str]]:
    judged: list[str] = []
    tasks = [replace(task(f"t{n:03}"), when=Counted(parse(condition), judged)) for n in range(count)]
    return tasks, judged


def test_the_first_portion_starts_before_the_others_are_judged() -> None:
    tasks, judged = counted("daily.at('10:00')")
    made = scheduler_of(tasks)
    judged.clear()
    assert names(made.decide(DUE, 16)) == [f"t{n:03}" for n in range(16)]
    assert set(judged) == {f"t{n:03}" for n in range(17)}, "the first that must wait tells that the pass was cut"
    assert made.is_cut
    assert names(made.decide(DUE, 256)) == [f"t{n:03}" for n in range(16, 100)]
    assert not made.is_cut


def test_who_waits_to_be_judged_does_not_wait_for_the_record_of_another() -> None:
    made = scheduler_of(counted("daily.at('10:00')")[0])
    made.decide(DUE, 16)
    assert made.next_check() == DUE + EXPECTED_LIMIT
    made.decide(DUE + EXPECTED_LIMIT, 0)
    assert made.next_check() > DUE + SECOND


def test_without_a_slot_they_are_judged_all_the_same() -> None:
    tasks, judged = counted("daily.at('10:00')")
    made = scheduler_of(tasks, slots=10)
    judged.clear()
    assert names(made.decide(DUE, 16)) == [f"t{n:03}" for n in range(10)]
    assert len(set(judged)) == 100
    assert {entry.blocked_reason for entry in made.tasks.values() if entry.ready} == {"all slots are in use"}
    assert sum(entry.ready is not None for entry in made.tasks.values()) == 90


def test_the_order_is_that_of_a_pass_that_judges_all_before() -> None:
    """Beside the plain rule: priority, due, name, whatever portions they come in."""
    conditions = (
        "daily.at('10:00')",
        "daily.after('10:00')",
        "daily.between('09:59:30', '11:00')",
        "cron('0 10 * * *')",
    )
    for seed in range(20):
        chance = random.Random(seed)  # noqa: S311 - no secret
        tasks = [
            replace(task(f"t{n:02}", chance.choice(conditions)), priority=chance.choice((0, 0, 0, 5, -3)))
            for n in range(40)
        ]
        chance.shuffle(tasks)
        whole, portions = scheduler_of(tasks), scheduler_of(tasks)
        for entry in whole.tasks.values():  # what something may have happened to is judged before anything starts
            whole._parts.queues.mark_dirty(entry.task.name)  # noqa: SLF001 - the only difference between the two
        expected, started = whole.decide(DUE), portions.decide(DUE, 3)
        while portions.is_cut:
            started += portions.decide(DUE, 5)
        assert [one.run for one in started if isinstance(one, Start)] == [
            one.run for one in expected if isinstance(one, Start)
        ]


def test_one_that_the_start_of_another_concerns_is_judged_after_that_start() -> None:
    tasks = [task("a", "daily.at('10:00')"), task("b", "daily.at('10:00') & ~running('a')")]
    assert names(scheduler_of(tasks).decide(DUE)) == ["a"]


def pause(made: Scheduler) -> None:
    made.pause("t050", until=None, by="ann", reason="")


def unload(made: Scheduler) -> None:
    made.load([entry.task for name, entry in made.tasks.items() if name != "t050"], DUE, {})


def edit(made: Scheduler) -> None:
    tasks = {name: entry.task for name, entry in made.tasks.items()}
    tasks["t050"] = replace(tasks["t050"], when=parse("daily.at('12:00')"))
    made.load(tasks.values(), DUE, {})


def step(made: Scheduler) -> None:
    made.clock_stepped(DUE - HOUR, -HOUR)


def drain(made: Scheduler) -> None:
    made.drain()


@pytest.mark.parametrize(
    ("what", "now", "left"),
    [(pause, DUE, 83), (unload, DUE, 83), (edit, DUE, 83), (step, DUE - HOUR, 0), (drain, DUE, 0)],
)
def test_what_happens_between_two_portions_counts(what: Callable[[Scheduler], None], now: Instant, left: int) -> None:
    made = scheduler_of(counted("daily.at('10:00')")[0])
    made.decide(DUE, 16)
    what(made)
    started = names(made.decide(now, 256))
    assert len(started) == left
    assert "t050" not in started


def test_by_hand_one_starts_once_that_is_about_to_be_judged() -> None:
    made = scheduler_of(counted("daily.at('10:00')")[0])
    made.decide(DUE, 16)
    assert names(made.run("t050", DUE, "by ann")) == ["t050"]
    assert "t050" not in names(made.decide(DUE, 256))


def test_each_has_its_next_start_a_day_later() -> None:
    made = scheduler_of(counted("daily.at('10:00')")[0])
    started = made.decide(DUE, 16)
    while made.is_cut:
        started += made.decide(DUE, 16)
    for one in started:
        assert isinstance(one, Start)
        made.learn(Spawned(one.run, 1, 1, DUE))
        made.learn(Finished(one.run, End(Action.SUCCESS, Cause.EXIT, DUE + SECOND)))
    made.decide(DUE + SECOND)
    assert {entry.next_start for entry in made.tasks.values()} == {DUE + DAY}


def test_one_that_is_more_urgent_goes_before_one_that_waits_already() -> None:
    waiting, urgent = task("waiting", "daily.after('09:30')"), task("urgent", "daily.at('10:00')")
    made = scheduler_of([waiting, replace(urgent, priority=1)], slots=0)
    made.max_running = 1
    assert names(made.decide(DUE, 16)) == ["urgent"]
