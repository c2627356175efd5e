"""Which tasks are overdue and which runs are slow: each is reported once, whatever happens to the clock."""

from dataclasses import dataclass, replace

import pytest

from rocketd.core.history.history import History
from rocketd.core.instant import DAY, FOREVER, HOUR, MINUTE, SECOND, Instant
from rocketd.core.model.events import Event, Finished, Spawned, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, SlowAfter, Task
from rocketd.core.notifications.deadlines import MIN_SAMPLES, DeadlineMonitor, UsualRuntimes, overdue_at
from rocketd.core.notifications.occasions import Overdue, Slow

AT = 1_790_000_000 * SECOND
TASK = Task("backup", Command(("/bin/true",)), max_age=25 * HOUR)


@dataclass
class Loaded:
    task: Task
    paused: object = None


class World:
    def __init__(self, task: Task = TASK) -> None:
        self.history = History()
        self.history.of(task.name).arm(AT, 0)
        self.loaded = Loaded(task)
        self.monitor = DeadlineMonitor()
        self.monitor.expect_success(task, self.history.of(task.name))

    def learn(self, *events: Event) -> None:
        for event in events:
            self.history.learn(event)
            if isinstance(event, Spawned):
                self.monitor.expect_end(self.loaded.task, event.run.number, event.at)
            elif isinstance(event, Finished):
                self.monitor.learn_end(event.run, event.end)
                self.monitor.expect_success(self.loaded.task, self.history.of(event.run.task))

    def check(self, at: Instant) -> list[Overdue | Slow]:
        return list(self.monitor.check(at, {self.loaded.task.name: self.loaded}, self.history))


def run(number: int, at: Instant, action: Action | None = Action.SUCCESS, took: int = 10 * SECOND) -> list[Event]:
    one = Run("backup", number, f"id-{number}", 1, at, at, Trigger.SCHEDULE, "daily")
    begun: list[Event] = [Started(one), Spawned(one, 7, 7, at)]
    if action is None:
        return begun
    return [*begun, Finished(one, End(action, Cause.EXIT, at + took, runtime=took))]


def test_a_task_that_never_succeeded_is_overdue_from_when_it_was_loaded_and_told_once() -> None:
    world = World()
    assert world.monitor.next_check == AT + 25 * HOUR
    assert world.check(AT + 25 * HOUR - 1) == []
    assert world.check(AT + 25 * HOUR) == [Overdue("backup", AT + 25 * HOUR, AT, 25 * HOUR)]
    assert world.check(AT + 60 * HOUR) == []
    assert world.monitor.next_check == FOREVER


def test_a_success_moves_the_deadline_and_a_failure_does_not() -> None:
    world = World()
    world.learn(*run(1, AT + HOUR), *run(2, AT + 20 * HOUR, Action.FAIL))
    assert world.check(AT + 25 * HOUR) == []
    due = AT + 26 * HOUR + 10 * SECOND
    assert world.monitor.next_check == due
    assert world.check(due) == [Overdue("backup", due, AT + HOUR + 10 * SECOND, 25 * HOUR)]
    world.learn(*run(3, due + DAY))
    assert world.monitor.told == {}
    assert world.check(due + 3 * DAY) == [Overdue("backup", due + 3 * DAY, due + DAY + 10 * SECOND, 25 * HOUR)]


def test_nothing_to_do_is_a_success() -> None:
    world = World()
    world.learn(*run(1, AT + 24 * HOUR, Action.INACTION))
    assert world.check(AT + 26 * HOUR) == []


def test_what_an_earlier_daemon_reported_is_not_reported_again() -> None:
    world = World()
    world.monitor.told["backup"] = AT
    world.monitor.expect_success(TASK, world.history.of("backup"))
    assert world.check(AT + 26 * HOUR) == []


def test_a_paused_task_is_told_when_it_is_resumed() -> None:
    world = World()
    world.loaded.paused = "until somebody resumes it"
    assert world.check(AT + 26 * HOUR) == []
    assert world.check(AT + 27 * HOUR) == []
    world.loaded.paused = None
    assert [type(event) for event in world.check(AT + 28 * HOUR)] == [Overdue]
    assert world.check(AT + 29 * HOUR) == []


def test_a_task_that_is_gone_or_lost_its_max_age_is_not_told() -> None:
    world = World()
    assert list(world.monitor.check(AT + 26 * HOUR, {}, world.history)) == []
    world = World()
    world.loaded.task = replace(TASK, max_age=None)
    assert world.check(AT + 26 * HOUR) == []
    assert overdue_at(world.loaded.task, world.history.of("backup")) is None


def test_a_run_that_is_slow_is_told_once_and_one_that_ended_is_not() -> None:
    world = World(replace(TASK, max_age=None, slow_after=SlowAfter(limit=2 * HOUR)))
    world.learn(*run(1, AT), *run(2, AT + HOUR, None))
    assert world.monitor.next_check == AT + 2 * HOUR
    assert world.check(AT + 2 * HOUR) == []
    (slow,) = world.check(AT + 3 * HOUR)
    assert isinstance(slow, Slow)
    assert (slow.run.number, slow.limit, slow.usual) == (2, 2 * HOUR, None)
    world.monitor.expect_end(world.loaded.task, 2, AT + HOUR)  # as a reload does
    assert world.check(AT + 4 * HOUR) == []


def test_a_multiple_is_of_the_median_of_the_last_successes() -> None:
    world = World(replace(TASK, max_age=None, slow_after=SlowAfter(factor=3.0)))
    for number, runtime in enumerate([MINUTE, HOUR, 2 * MINUTE], 1):
        world.learn(*run(number, AT + number * DAY, took=runtime))
        assert (world.monitor.slow_limit(world.loaded.task) is None) == (number < MIN_SAMPLES)
    world.learn(*run(9, AT + 9 * DAY, None))
    assert world.monitor.next_check == AT + 9 * DAY + 6 * MINUTE
    (slow,) = world.check(AT + 9 * DAY + 6 * MINUTE)
    assert isinstance(slow, Slow)
    assert (slow.limit, slow.usual) == (6 * MINUTE, 2 * MINUTE)


def test_only_the_newest_runtimes_count() -> None:
    usual = UsualRuntimes()
    for runtime in [HOUR] * 30 + [SECOND] * 20:
        usual.learn("backup", runtime)
    assert usual.usual("backup") == SECOND


@pytest.mark.parametrize("at", [AT - DAY, AT])
def test_a_clock_that_was_set_back_tells_nothing(at: Instant) -> None:
    assert World().check(at) == []
