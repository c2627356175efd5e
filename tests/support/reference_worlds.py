"""What the worlds share that have the real scheduler beside the naive one: tasks of both, and what began in each."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from random import Random
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from rocketd.core.instant import SECOND
from rocketd.core.language.parser import parse
from rocketd.core.model.task import Command, Overlap, Task
from rocketd.core.model.work_calendar import Calendars, DateList, WorkCalendar, YearRange
from support.reference.conditions import GROUPS, Condition, spelled
from support.reference.conditions import Task as NaiveTask
from support.reference.holidays import LISTINGS, Listing
from support.reference.scheduler import Reference
from support.simulated_world import World

DAY: Final = 86_400
ROLLS: Final = ("before", "after", "nearest")

Begun: TypeAlias = tuple[str, int, int, int, int, str]
"""Task, number, start, due, attempt and trigger of a run; times in seconds."""


def _listed(path: str, listing: Listing, days: frozenset[str], worked: frozenset[str] = frozenset()) -> DateList:
    ordinals = [{date.fromisoformat(day).toordinal(): "" for day in some} for some in (days, worked)]
    covers = None if listing.last_year is None else YearRange(1900, listing.last_year)
    digest = repr((sorted(days), sorted(worked), covers)).encode()
    return DateList(path, digest, ordinals[0], workdays=ordinals[1], covers=covers)


@cache
def calendars(listing: Listing) -> Calendars:
    """What the program is told of the days that the naive scheduler knows."""
    problem = "the file is empty" if listing.is_broken else ""
    work = _listed("/holidays", listing, listing.holidays, listing.worked)
    dates = _listed("/listed", listing, listing.listed)
    return Calendars(
        (("", WorkCalendar(lists=(work,), problem=problem)),),
        (("/listed", WorkCalendar(frozenset(), (dates,), problem)),),
    )


def real(task: NaiveTask, listing: Listing = LISTINGS[0]) -> Task:
    """The same task for the program, which knows these dates."""
    return Task(
        task.name,
        Command(("/bin/true",)),
        parse(spelled(task.when)),
        zone=ZoneInfo(task.zone),
        zone_name=task.zone,
        calendars=calendars(listing),
        overlap=Overlap(task.overlap),
        restart_delay=task.restart_delay * SECOND,
        priority=task.priority,
        mutex=task.mutex,
        timeout=None if task.timeout is None else task.timeout * SECOND,
    )


def told(task: NaiveTask) -> str:
    """A task in one line, for a failure."""
    named = f"{task.name}: {spelled(task.when)} in {task.zone}, overlap {task.overlap}, delay {task.restart_delay}"
    return f"{named}, mutex {task.mutex!r}, timeout {task.timeout}, armed {task.armed}"


def words_of(condition: Condition) -> Iterator[str]:
    """The words of a condition, each as often as it stands there."""
    word, *rest = condition
    if word in GROUPS:
        yield from (name for part in rest for name in words_of(part))
    else:
        yield f"{word} {rest[0]}" if word in ("once", "time", "nth") else word


def begun_here(naive: Reference, since: int = 0) -> list[Begun]:
    """The runs that the naive scheduler has begun, but the first so many."""
    return [(run.task, run.number, run.start, run.due, run.attempt, run.trigger) for run in naive.begun[since:]]


def begun_there(world: World, since: int = 0) -> list[Begun]:
    """The runs that the program has begun, but the first so many."""
    return [
        (run.task, run.number, run.start // SECOND, run.due // SECOND, run.attempt, str(run.trigger))
        for run in world.begun[since:]
    ]


def drawn_workday(chance: Random) -> Condition:
    """A word about working days."""
    words: tuple[Condition, ...] = (
        ("workday",), ("workday",), ("holiday",), ("dates",),
        ("nth", "week", tuple(chance.sample((1, 2, 5, -1, -2), 2))),
        ("nth", chance.choice(("month", "quarter")), tuple(chance.sample((1, 2, 5, 18, -1, -2), 2))),
        ("rolled", chance.choice(("1", "15", "26", "31", "last", "31 or last")), chance.choice(ROLLS)),
    )  # fmt: skip
    return chance.choice(words)


def drawn_boot(chance: Random, names: tuple[str, ...], grain: int) -> Condition:
    """A word about the boot of the host."""
    more, length = chance.choice(((0, 90), (15, 0), (30, 600), (1, 20), (240, 3000), (0, 3000)))
    words: tuple[Condition, ...] = (
        ("up", more * grain, length * grain),
        ("not", ("up", more * grain, length * grain)),
        ("boot", chance.choice(("started", "succeeded")), chance.choice(("", *names)), "<", chance.choice((1, 2, 3))),
        ("boot", "started", chance.choice(names), ">=", 2),
    )
    return chance.choice(words)
