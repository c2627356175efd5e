"""Metrics of a loop: lines that are kept are those that would be written anew."""

import random

import pytest

from rocketd.bootstrap.metrics_source import MetricsSource
from rocketd.core.instant import HOUR, SECOND, Instant
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger, Usage
from rocketd.core.model.task import Command, Task
from rocketd.daemon.clock import SystemClock
from rocketd.metrics.exposition import MetricsFormat
from support.event_loop import looped
from support.passed_by_hand import World


class LaterClock(SystemClock):
    """An hour ahead."""

    def now(self) -> Instant:
        return super().now() + HOUR


NAMES = [f"t{number}" for number in range(12)]


class Measured(World):
    """Twelve tasks to which anything happens."""

    def __init__(self, seed: int) -> None:
        super().__init__(0)
        self.random = random.Random(seed)  # noqa: S311 - a game
        self.limit = HOUR
        old = [Task(name, Command(("/bin/true",)), max_age=HOUR if name == "t1" else None) for name in NAMES]
        self.scheduler.load(old, self.clock.now() - SECOND, {})
        self.a_pass()

    def source(self) -> MetricsSource:
        return MetricsSource(self.loop, 0, lambda task: self.limit if task.name == "t2" else None)

    def anything(self) -> None:
        name, now = self.random.choice(NAMES), self.clock.now()
        match self.random.randrange(6):
            case 0 if self.scheduler.tasks[name].paused:
                self.scheduler.resume(name, now)
            case 0:
                self.scheduler.pause(name, until=None, by="bob", reason="")
            case 1:
                self.limit += HOUR
            case 2:
                self.learn(Missed(name, f"{name}{now}", now, now - HOUR, now - HOUR, 1, "down"))
            case _:
                self.run(name, now)
        self.a_pass()

    def run(self, name: str, now: Instant) -> None:
        running = self.scheduler.history.of(name).running
        if running:
            usage = Usage(cpu=self.random.randrange(10**7), memory=self.random.choice([None, 4096]))
            action = self.random.choice([Action.SUCCESS, Action.FAIL, Action.INACTION])
            self.learn(Finished(next(iter(running.values())), End(action, Cause.EXIT, now, runtime=1_500, usage=usage)))
        else:
            number = self.scheduler.history.of(name).next_number
            run = Run(name, number, f"{name}{now}", 1, now, now, Trigger.HAND, "")
            self.learn(Started(run))
            self.learn(Spawned(run, 1, 1, now))

    def learn(self, event: Event) -> None:
        self.scheduler.learn(event)
        self.loop.publish(event)
        self.loop.events.publish_delayed(None)


@pytest.mark.parametrize("written", list(MetricsFormat))
@looped
async def test_lines_that_are_kept_are_those_that_would_be_written_anew(written: MetricsFormat) -> None:
    here, steps = Measured(1), 60
    first, *others = [here.source() for _ in range(steps)]
    before = await first.text(written)
    for fresh in others:
        here.anything()
        text = await first.text(written)
        assert text == await fresh.text(written)
    assert text != before


@looped
async def test_tasks_that_a_reload_takes_away_have_no_metrics_any_more() -> None:
    here = Measured(2)
    source = here.source()
    assert 'task="t3"' in await source.text("text")
    here.scheduler.load([], here.clock.now(), {})
    assert "task=" not in await source.text("text")


@looped
async def test_a_task_becomes_overdue_though_nothing_happens_to_it() -> None:
    here = Measured(3)
    source = here.source()
    assert 'rocketd_task_overdue{task="t1"} 0.0' in await source.text("text")
    here.loop.clock = LaterClock()
    assert 'rocketd_task_overdue{task="t1"} 1.0' in await source.text("text")
