"""Conditions for the naive scheduler (scheduler.py), in other words: asked at an instant, over a plain list of runs.

A condition is a tuple: its word, then its arguments. `spelled` gives the text that the program reads.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from operator import ge, le, lt
from typing import Any, Final, TypeAlias

from support.reference.calendar import Calendar, calendar

Condition: TypeAlias = tuple[Any, ...]
Answer: TypeAlias = tuple[bool, int]
"""Whether it holds, and from when it has."""

EVER: Final = -(10**12)
ADVERBS: Final = {"minute": "minutely", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}
THIS: Final = {"minute": "this_minute", "hour": "this_hour", "day": "today", "week": "this_week"}
COMPARED: Final[dict[str, Callable[[int, int], bool]]] = {">=": ge, "<": lt, "<=": le}
BAD: Final = ("fail", "terminate", "crash")
ENDS: Final = {
    "success": ("success",),
    "fail": BAD,
    "finish": ("success", "inaction", *BAD),
    "succeeded": ("success",),
    "failed": ("fail",),
    "finished": ("success", "inaction", *BAD),
}

ENDS_OF_ITS_OWN: Final = {"success": ("success",), "fail": ("fail",), "finish": ENDS["finish"]}
"""For `every`: what it counts from."""


def spelled(condition: Condition) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each word
    """Spell it as a user would."""
    match condition:
        case ("and", *parts):
            return "(" + " & ".join(map(spelled, parts)) + ")"
        case ("or", *parts):
            return "(" + " | ".join(map(spelled, parts)) + ")"
        case ("not", part):
            return f"~{spelled(part)}"
        case ("once", unit, how, marks):
            return ADVERBS[unit] + _spelled_hours(how, marks)
        case ("time", unit, how, marks):
            return f"time_of_{unit}" + _spelled_hours(how, marks)
        case ("every", seconds, based):
            return f"every('{seconds} s', based='{based}')"
        case ("cron", line, 0):
            return f"cron('{line}')"
        case ("cron", line, within):
            return f"cron('{line}', within='{within} s')"
        case ("retry", times, delay):
            return f"retry({times}, delay='{delay} s')"
        case ("after", many, outcome, tasks):
            return f"after_{many}{outcome}({', '.join(map(repr, tasks))})"
        case ("count", what, task, unit, comparison, number):
            return f"({what}{f'({task!r})' if task else ''}.{THIS[unit]} {comparison} {number})"
        case ("running", task):
            return f"running({task!r})"
        case (word,):
            return str(word)
    raise ValueError(condition)


def _spelled_hours(how: str, marks: tuple[str, ...]) -> str:
    return "" if how == "whole" else f".{how}({', '.join(map(repr, marks))})"


@dataclass(eq=False)
class Run:
    """One run, as it began and as it ended."""

    task: str
    number: int
    start: int
    due: int
    attempt: int
    trigger: str
    place: int
    """Where in the log its start stands."""
    end: int | None = None
    action: str = ""
    cause: str = ""
    end_place: int = 0

    @property
    def scheduled(self) -> bool:
        return self.trigger != "hand"


@dataclass
class Task:
    """A task, its past, and what is remembered about it."""

    name: str
    when: Condition
    zone: str = "UTC"
    overlap: str = "wait"
    restart_delay: int = 60
    priority: int = 0
    mutex: str = ""
    timeout: int | None = None
    crash_limit: int = 3
    armed: int = 0
    runs: list[Run] = field(default_factory=list)
    going: list[Run] = field(default_factory=list)
    """Those of them without an end."""
    ended: list[Run] = field(default_factory=list)
    """The others, as they ended."""
    used: list[int] = field(default_factory=list)
    """Instants up to which ticks and intervals are used, other than by runs."""
    against_since_start: bool = False
    chance: int | None = None
    quiet: int = EVER

    @property
    def scheduled(self) -> Run | None:
        return next((run for run in reversed(self.runs) if run.scheduled), None)


class Asking:
    """Answers conditions, by what the log says now."""

    def __init__(self, grain: int, span: tuple[int, int]) -> None:
        """`span`: from when on, and for how many grains, calendars are laid out."""
        self.grain, self.span = grain, span
        self.tasks: dict[str, Task] = {}
        self.calendars: dict[str, Calendar] = {}
        self.unseen = False
        """Whether it is asked about a time when nobody looked: an interval waits then, and does not pass."""

    def calendar(self, task: Task) -> Calendar:
        if task.zone not in self.calendars:
            self.calendars[task.zone] = calendar(task.zone, *self.span, self.grain)
        return self.calendars[task.zone]

    def ask(  # noqa: C901, PLR0911, PLR0912 - one case for each word
        self, condition: Condition, task: Task, now: int, *, plain: bool = False, guards: tuple[Condition, ...] = ()
    ) -> Answer:
        """Whether it holds at that instant, by what the log says now. `plain`: no retry, and a crash is done."""
        match condition:
            case ("cron", line, within):
                return self._tick(task, now, line, within, guards)
            case ("and", *parts):
                beside = tuple(part for part in parts if _clock_only(part)) if _ticking(condition) else ()
                answers = [self.ask(part, task, now, plain=plain, guards=guards + beside) for part in parts]
                against = [since for holds, since in answers if not holds]
                return (False, min(against)) if against else (True, max(since for _, since in answers))
            case ("or", *parts):
                answers = [self.ask(part, task, now, plain=plain, guards=guards) for part in parts]
                lines = {
                    place: tick
                    for place, part in enumerate(parts)
                    if _ticking(part) and (tick := self._line(part, task, now, guards))
                }
                if lines:
                    newest = max(lines.values())  # several lines tick as one, so that an older tick is over
                    answers = [
                        (one if lines.get(place, newest) == newest else (False, newest))
                        for place, one in enumerate(answers)
                    ]
                pro = [since for holds, since in answers if holds]
                return (True, min(pro)) if pro else (False, max(since for _, since in answers))
            case ("every", seconds, based):
                return self._every(task, now, seconds, based)
            case ("once", unit, how, marks):
                return self._once(task, now, self.calendar(task).windows(unit, how, marks), plain=plain)
            case ("time", unit, how, marks):
                return _inside(self.calendar(task).windows(unit, how, marks), now)
            case ("retry", times, delay):
                return (False, EVER) if plain else self._retry(task, now, times, delay)
            case ("after", many, outcome, tasks):
                return self._after(task, many, outcome, tasks)
            case ("count", what, other, unit, comparison, number):
                return self._count(task, now, what, other, unit, comparison, number)
            case ("running", other):
                going = self.tasks[other].going
                return (True, min(run.start for run in going)) if going else (False, EVER)
            case ("true",):
                return True, EVER
            case ("false",):
                return False, EVER
            case ("not", part):
                holds, since = self.ask(part, task, now, plain=plain, guards=guards)
                return not holds, since
        raise ValueError(condition)

    def _once(self, task: Task, now: int, windows: list[tuple[int, int]], *, plain: bool) -> Answer:
        place = bisect_right(windows, (now, 10**12)) - 1
        if place < 0 or now >= windows[place][1]:
            return False, windows[place][1] if place >= 0 else EVER
        start = windows[place][0]
        crashed = 0
        for run in reversed(task.runs):
            if run.start < start and run.due < start:
                break
            if not run.scheduled:
                continue
            if run.action != "crash" or plain:
                return False, start
            crashed += run.cause != "shutdown"
        return (False, start) if crashed >= task.crash_limit else (True, start)

    def _used(self, task: Task) -> int:
        last = task.scheduled
        used = task.used[-1] if task.used else EVER
        return used if last is None else max(used, last.start, last.due)

    def _every(self, task: Task, now: int, seconds: int, based: str) -> Answer:
        last = task.scheduled
        if based == "run":
            if last is None:
                return True, EVER
            reached = max(last.start, self._used(task))
            anchor = last.due + (reached - last.due) // seconds * seconds
            if now < anchor + seconds:
                return False, anchor + seconds
            return True, anchor + (1 if self.unseen else (now - anchor) // seconds) * seconds
        if any(run.scheduled for run in task.going):
            return False, EVER
        done = (run.end for run in reversed(task.ended) if run.scheduled and run.action in ENDS_OF_ITS_OWN[based])
        newest = next(done, None)
        if newest is None:
            return True, EVER
        return now >= newest + seconds, newest + seconds

    def _tick(self, task: Task, now: int, line: str, within: int, guards: tuple[Condition, ...]) -> Answer:
        ticks = self.calendar(task).ticks(line)
        place = bisect_right(ticks, now)
        if not place:
            return False, EVER
        tick = ticks[place - 1]
        good = tick > task.armed and tick > self._used(task) and (not within or now < tick + within)
        return good and all(self.ask(guard, task, tick)[0] for guard in guards), tick

    def _line(self, part: Condition, task: Task, now: int, guards: tuple[Condition, ...]) -> int | None:
        """The newest tick of a part that is a line of them with nothing but hours beside it; None: it is not."""
        match part:
            case ("cron", line, _):
                ticks = self.calendar(task).ticks(line)
                tick = ticks[bisect_right(ticks, now) - 1]
                return tick if tick <= now and all(self.ask(guard, task, tick)[0] for guard in guards) else EVER
            case ("and", *parts):
                hours = tuple(one for one in parts if _clock_only(one))
                rest = [one for one in parts if not _clock_only(one)]
                return self._line(rest[0], task, now, guards + hours) if len(rest) == 1 else None
        return None

    def _retry(self, task: Task, now: int, times: int, delay: int) -> Answer:
        last = task.scheduled
        if last is None or last.end is None or last.start < task.armed or last.attempt > times:
            return False, EVER
        tried_again = last.action in ("fail", "crash") or last.cause == "timeout"
        return tried_again and now >= last.end + delay, last.end + delay

    def _after(self, task: Task, many: str, outcome: str, tasks: tuple[str, ...]) -> Answer:
        own = task.scheduled
        place = own.place if own is not None else 0
        answers = []
        for name in tasks:
            since = takewhile(lambda run: run.end_place > place, reversed(self.tasks[name].ended))
            newest = next((run for run in since if _is_end(run, outcome)), None)
            good = newest is not None and newest.end is not None and newest.end > task.armed
            answers.append((good, newest.end if good and newest is not None and newest.end is not None else EVER))
        pro = [since for holds, since in answers if holds]
        if many == "any_":
            return (True, min(pro)) if pro else (False, EVER)
        return (True, max(pro)) if len(pro) == len(tasks) else (False, EVER)

    def _count(  # noqa: PLR0913, PLR0917 - what the word takes
        self, task: Task, now: int, what: str, other: str, unit: str, comparison: str, number: int
    ) -> Answer:
        windows = self.calendar(task).windows(unit, "whole", ())
        place = bisect_right(windows, (now, 10**12)) - 1
        start = windows[place][0]
        instants = self._instants(other or task.name, what, now)
        inside = instants[bisect_left(instants, start) :]
        compared = COMPARED[comparison]
        holds = compared(len(inside), number)
        for count in range(len(inside), 0, -1):
            if compared(count - 1, number) is not holds:
                return holds, inside[count - 1]
        earlier = instants[: bisect_left(instants, start)]
        while earlier:  # the newest window in which it was otherwise
            begin, end = windows[bisect_right(windows, (earlier[-1], 10**12)) - 1]
            before = bisect_left(earlier, begin)
            if compared(len(earlier) - before, number) is not holds:
                return holds, end
            del earlier[before:]
        return holds, EVER

    def _instants(self, task: str, what: str, now: int) -> list[int]:
        runs = self.tasks[task].runs
        if what == "started":
            return [run.start for run in runs if run.start <= now]
        return sorted(run.end for run in runs if run.end is not None and run.end <= now and run.action in ENDS[what])


def _inside(windows: list[tuple[int, int]], now: int) -> Answer:
    place = bisect_right(windows, (now, 10**12)) - 1
    if place < 0:
        return False, EVER
    start, end = windows[place]
    if now >= end:
        return False, end
    while place and windows[place - 1][1] == start:
        place -= 1
        start = windows[place][0]
    return True, start


@cache
def _clock_only(condition: Condition) -> bool:
    word, *rest = condition
    if word in ("and", "or", "not"):
        return all(_clock_only(part) for part in rest)
    return word in ("time", "true", "false")


@cache
def _ticking(condition: Condition) -> bool:
    word, *rest = condition
    return word == "cron" or (word in ("and", "or", "not") and any(_ticking(part) for part in rest))


def _is_end(run: Run, outcome: str) -> bool:
    return run.action in ENDS[outcome] and not (outcome == "fail" and run.cause == "shutdown")
