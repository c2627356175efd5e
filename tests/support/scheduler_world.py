"""A simulated world for tests of the scheduler: tasks by their conditions, instants as text."""

from datetime import UTC, datetime

from rocketd.core.instant import Instant, instant_of
from rocketd.core.language.parser import parse
from rocketd.core.model.task import Command, Task
from support.simulated_world import World


def at(text: str) -> Instant:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def task(name: str, when: str = "false", stop_when: str = "false") -> Task:
    return Task(name, Command(("/bin/true",)), parse(when), parse(stop_when))


def world(*tasks: Task, start: str = "2026-03-02 09:00", max_running: int = 32) -> World:
    made = World(seed=1, now=at(start), max_running=max_running)
    for each in tasks:
        made.add(each)
    return made


def started(made: World) -> list[str]:
    return [f"{run.task}/{run.number}" for run in made.begun]
