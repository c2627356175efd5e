"""A scheduler in other words: it asks every condition at every instant, over a plain list of runs.

Written from the page about conditions, and importing nothing of the program: what it starts is what the real scheduler
must start. Slow on purpose: it has no heap, no verdict, no `until`, and forgets nothing. Times are whole seconds; a
world has a grain of a second or a minute, and everything in it happens at grains.

A condition is a tuple: its word, then its arguments. `spelled` gives the text that the program reads.
"""

from bisect import bisect_left, bisect_right
from calendar import timegm
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import ge, le, lt
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

Condition: TypeAlias = tuple[Any, ...]
Answer: TypeAlias = tuple[bool, int]
"""Whether it holds, and from when it has."""

EVER: Final = -(10**12)
DAY: Final = 86_400
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
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
    used: list[int] = field(default_factory=list)
    """Instants up to which ticks and intervals are used, other than by runs."""
    against_since_start: bool = False
    chance: int | None = None
    quiet: int = EVER

    @property
    def going(self) -> list[Run]:
        return [run for run in self.runs[-50:] if run.end is None]

    @property
    def scheduled(self) -> Run | None:
        return next((run for run in reversed(self.runs) if run.scheduled), None)


class Calendar:
    """The wall clock of a zone over a stretch of time, grain by grain."""

    def __init__(self, zone: str, base: int, grains: int, grain: int) -> None:
        self.base, self.grain = base, grain
        self.instants = range(base, base + grains * grain, grain)
        tz = ZoneInfo(zone)
        quarters = {at: self._offset(tz, at) for at in {at // 900 * 900 for at in self.instants}}
        self.offsets = [quarters[at // 900 * 900] for at in self.instants]  # clocks are set at quarters of an hour
        self.walls = [at + offset for at, offset in zip(self.instants, self.offsets, strict=True)]
        self.highest: list[int] = []
        for wall in self.walls:
            self.highest.append(max(wall, self.highest[-1]) if self.highest else wall)

    @staticmethod
    def _offset(zone: ZoneInfo, at: int) -> int:
        offset = datetime.fromtimestamp(at, zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    def reached(self, wall: int) -> int:
        """The first instant at which the clock shows that, or more."""
        return self.base + self.grain * bisect_left(self.highest, wall)

    def days(self) -> Iterator[datetime]:
        """Every date that it knows wholly."""
        day = datetime.fromtimestamp(self.walls[0], UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
        while timegm(day.timetuple()) + 9 * DAY < self.walls[-1]:
            yield day
            day += timedelta(days=1)

    @cache  # noqa: B019 - there are a few of them, and they are made to be asked again
    def windows(self, unit: str, how: str, marks: tuple[str, ...]) -> list[tuple[int, int]]:
        """All windows of a period, each cut where the next begins."""
        if unit in ("minute", "hour"):
            return list(self._flowing(60 if unit == "minute" else 3600, how, marks))
        found = []
        for day in self.days():
            for start, end in _nominal(unit, how, marks, day):
                first, last = self.reached(start), self.reached(end)
                found.append((first, first + end - start if first == last else last))
        found.sort()
        if not found:
            return []
        return [(s, min(e, later)) for (s, e), (later, _) in zip(found, [*found[1:], (10**12, 0)], strict=True)]

    def _flowing(self, length: int, how: str, marks: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Hours and minutes go on in real time; where the clock is set, another one begins."""
        kept: tuple[int, int, bool] | None = None
        start = self.base
        for at, wall, offset in zip(self.instants, self.walls, self.offsets, strict=True):
            key = (offset, wall // length, _within(wall % length, length, how, marks))
            if key != kept:
                if kept is not None and kept[2]:
                    yield start, at
                start, kept = at, key

    @cache  # noqa: B019 - as above
    def ticks(self, line: str) -> list[int]:
        """All ticks of a cron line."""
        minute, hour, *_ = line.split()
        if minute.startswith("*") or hour.startswith("*"):
            return [
                at for at, wall in zip(self.instants, self.walls, strict=True) if wall % 60 == 0 and _cron(line, wall)
            ]
        first, last = self.walls[0] // 60 * 60 + DAY, self.walls[-1] - DAY
        return sorted({self.reached(wall) for wall in range(first, last, 60) if _cron(line, wall)})


def _clock(mark: str) -> int:
    hours, minutes = mark.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _within(seconds: int, length: int, how: str, marks: tuple[str, ...]) -> bool:
    if how == "whole":
        return True
    places = [int(mark.split(":")[0]) * 60 + int(mark.split(":")[1]) for mark in marks]  # minutes and seconds
    assert length == 3600
    match how:
        case "after":
            return seconds >= places[0]
        case "before":
            return seconds < places[0]
        case "between":
            return places[0] <= seconds < places[1]
    raise ValueError(how)


def _nominal(unit: str, how: str, marks: tuple[str, ...], day: datetime) -> Iterator[tuple[int, int]]:
    """The windows that begin on that date, on the wall clock."""
    begin = timegm(day.timetuple())
    if unit == "day":
        yield from _hours_of_day(how, marks, begin)
    elif unit == "week":
        first = WEEKDAYS.index(marks[0]) if marks else 0
        if day.weekday() == first:
            days = {"whole": 7, "on": 1, "after": 7 - first}.get(how)
            if days is None:
                days = (WEEKDAYS.index(marks[1]) - first) % 7 + 1
            yield begin, begin + days * DAY
    elif day.day == int(marks[0]):
        yield begin, begin + DAY


def _hours_of_day(how: str, marks: tuple[str, ...], begin: int) -> Iterator[tuple[int, int]]:
    places = [begin + _clock(mark) for mark in marks]
    match how:
        case "whole":
            yield begin, begin + DAY
        case "after":
            yield places[0], begin + DAY
        case "before":
            yield begin, places[0]
        case "starting":
            yield places[0], places[0] + DAY
        case "between":
            yield places[0], places[1] + (DAY if places[1] <= places[0] else 0)
        case "at":
            for place in places:
                yield place, place + 3600


def _cron(line: str, wall: int) -> bool:
    minute, hour, *date = line.split()
    return _field(minute, wall // 60 % 60) and _field(hour, wall // 3600 % 24) and _date(*date, wall // DAY)


@cache
def _date(monthday: str, month: str, weekday: str, day: int) -> bool:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    days = [_field(monthday, at.day), _field(weekday, at.isoweekday() % 7)]
    either = not monthday.startswith("*") and not weekday.startswith("*")
    return _field(month, at.month) and (any(days) if either else all(days))


@cache
def _field(field: str, value: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = ("0-59" if span == "*" else span).partition("-")
        top = int(high or (59 if step else low))
        if int(low) <= value <= top and (value - int(low)) % int(step or 1) == 0:
            return True
    return False


@cache
def calendar(zone: str, base: int, grains: int, grain: int) -> Calendar:
    """Lay out the calendar of that stretch once."""
    return Calendar(zone, base, grains, grain)


class Reference:
    """The naive scheduler and its world."""

    def __init__(
        self, now: int, grain: int, slots: int, fate: Callable[[str, int], tuple[int, str]], span: tuple[int, int]
    ) -> None:
        self.now, self.grain, self.slots, self.fate = now, grain, slots, fate
        self.span = span
        self.tasks: dict[str, Task] = {}
        self.place = 0
        self.ending: list[tuple[int, int, Run, str]] = []
        self.begun: list[Run] = []
        self.deadlines: dict[int, int] = {}

    # -- conditions ---------------------------------------------------------------------------------------------------

    def calendar(self, task: Task) -> Calendar:
        return calendar(task.zone, *self.span, self.grain)

    def ask(  # noqa: C901, PLR0911, PLR0912 - one case for each word
        self, condition: Condition, task: Task, now: int, *, plain: bool = False, guards: tuple[Condition, ...] = ()
    ) -> Answer:
        """Whether it holds at that instant, by what the log says now. `plain`: no retry, and a crash is done."""
        match condition:
            case ("true",):
                return True, EVER
            case ("false",):
                return False, EVER
            case ("not", part):
                holds, since = self.ask(part, task, now, plain=plain, guards=guards)
                return not holds, since
            case ("and", *parts):
                beside = tuple(part for part in parts if _clock_only(part)) if _ticking(condition) else ()
                answers = [self.ask(part, task, now, plain=plain, guards=guards + beside) for part in parts]
                against = [since for holds, since in answers if not holds]
                return (False, min(against)) if against else (True, max(since for _, since in answers))
            case ("or", *parts):
                answers = [self.ask(part, task, now, plain=plain, guards=guards) for part in parts]
                pro = [since for holds, since in answers if holds]
                return (True, min(pro)) if pro else (False, max(since for _, since in answers))
            case ("once", unit, how, marks):
                return self._once(task, now, self.calendar(task).windows(unit, how, marks), plain=plain)
            case ("time", unit, how, marks):
                return _inside(self.calendar(task).windows(unit, how, marks), now)
            case ("every", seconds, based):
                return self._every(task, now, seconds, based)
            case ("cron", line, within):
                return self._tick(task, now, line, within, guards)
            case ("retry", times, delay):
                return (False, EVER) if plain else self._retry(task, now, times, delay)
            case ("after", many, outcome, tasks):
                return self._after(task, many, outcome, tasks)
            case ("count", what, other, unit, comparison, number):
                return self._count(task, now, what, other, unit, comparison, number)
            case ("running", other):
                going = self.tasks[other].going
                return (True, min(run.start for run in going)) if going else (False, EVER)
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
            return now >= anchor + seconds, anchor + seconds
        if any(run.scheduled for run in task.going):
            return False, EVER
        done = (run.end for run in reversed(task.runs) if run.scheduled and run.action in ENDS_OF_ITS_OWN[based])
        newest = next(done, None)  # they end in order, as they are not going on beside each other
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
            ended = [
                run
                for run in self.tasks[name].runs[-60:]
                if run.end is not None
                and run.action in ENDS[outcome]
                and not (outcome == "fail" and run.cause == "shutdown")
                and run.end_place > place
            ]
            newest = max(ended, key=lambda run: run.end_place, default=None)
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

    # -- the scheduler ------------------------------------------------------------------------------------------------

    def holds(self, task: Task, now: int) -> Answer:
        return self.ask(task.when, task, now)

    def is_retry(self, task: Task, now: int) -> bool:
        """Whether it holds only because a retry is wanted, or a crash is made good."""
        last = task.scheduled
        if last is None or last.action not in BAD:
            return False
        return not self.ask(task.when, task, now, plain=True)[0]

    def due(self, task: Task) -> int | None:
        """When it was due, if it may start now as far as its condition is concerned."""
        holds, since = self.holds(task, self.now)
        task.chance = None
        if not holds:
            task.against_since_start = True
            return None
        last = task.scheduled
        retry = False
        if last is not None and last.action in BAD:
            wanted, wanted_since = self.ask(task.when, task, self.now, plain=True)
            retry, since = not wanted, wanted_since if wanted else since
        due = begin = min(max(since, task.armed), self.now)
        if retry or (task.runs and since <= task.runs[-1].start):
            begin = max(due, task.quiet)
        if begin > self.now:
            return None
        if not retry:
            task.chance = due
        return self._skip(task, since, due)

    def _skip(self, task: Task, since: int, due: int) -> int | None:
        """`overlap = "skip"`: ticks and intervals that fall due while it runs are given up."""
        going = task.going
        if task.overlap == "skip" and going and max(going[-1].start, self._used(task)) < since:
            task.used.append(since)
            if not self.holds(task, self.now)[0]:
                task.chance = None
                return None
            task.used.pop()
        return due

    def look(self) -> None:
        """Everything that happens at this instant."""
        while True:
            changed = self._learn_ends()
            stops = [(run, "timeout") for run in self.going if self.now >= self.deadlines.get(id(run), 10**12)]
            changed |= self._start_all(stops)
            for run, cause in stops:
                if run.end is None:
                    self.finish(run, "terminate", cause, self.now)
                    changed = True
            if not changed:
                return

    def _learn_ends(self) -> bool:
        over = sorted(one for one in self.ending if one[0] <= self.now)
        self.ending = [one for one in self.ending if one[0] > self.now]
        for at, _, run, action in over:
            if run.end is None:
                self.finish(run, action, "exit", at)
        return bool(over)

    def _start_all(self, stops: list[tuple[Run, str]]) -> bool:
        started = False
        while True:
            wanted = [
                (-task.priority, due, task.name) for task in self.tasks.values() if (due := self.due(task)) is not None
            ]
            for _, due, name in sorted(wanted):
                task = self.tasks[name]
                if len(self.going) < self.slots and self._may(task, stops):
                    self._begin(task, due)
                    started = True
                    break
            else:
                return started

    def _may(self, task: Task, stops: list[tuple[Run, str]]) -> bool:
        going = task.going
        if going and (task.overlap in ("wait", "skip") or not task.against_since_start):
            return False
        if going and task.overlap == "replace":
            stops += [(run, "replace") for run in going]
            return False
        return not self._held(task)

    def _held(self, task: Task) -> bool:
        return bool(task.mutex) and any(self.tasks[run.task].mutex == task.mutex for run in self.going)

    @property
    def going(self) -> list[Run]:
        return [run for task in self.tasks.values() for run in task.going]

    def _begin(self, task: Task, due: int) -> None:
        last = task.scheduled
        if last is not None and self.is_retry(task, self.now):
            self.begin(task, last.due, last.attempt + 1, "retry")
        else:
            self.begin(task, due, 1, "schedule")

    def begin(self, task: Task, due: int, attempt: int, trigger: str) -> None:
        self.place += 1
        run = Run(task.name, len(task.runs) + 1, self.now, due, attempt, trigger, self.place)
        task.runs.append(run)
        task.against_since_start, task.chance = False, None
        self.begun.append(run)
        takes, action = self.fate(task.name, run.number)
        self.ending.append((self.now + takes, len(self.begun), run, action))
        if task.timeout is not None:
            self.deadlines[id(run)] = self.now + task.timeout

    def finish(self, run: Run, action: str, cause: str, at: int) -> None:
        self.place += 1
        run.end, run.action, run.cause, run.end_place = at, action, cause, self.place
        task = self.tasks[run.task]
        task.quiet = max(task.quiet, at + task.restart_delay)

    # -- time passes --------------------------------------------------------------------------------------------------

    def run_until(self, until: int) -> None:
        """Look at every grain until then, that one included."""
        self.look()
        while self.now < until:
            self.now += self.grain
            self._pass_chances(self.now - self.grain)
            self.look()

    def _pass_chances(self, before: int) -> None:
        """A tick or window that was open, and that the clock has closed by now, is gone."""
        for task in self.tasks.values():
            if task.chance is not None and self.holds(task, before)[0] and not self.holds(task, self.now)[0]:
                task.used.append(max([task.chance, *task.used[-1:]]))

    def unobserved(self, start: int) -> None:
        """Nobody looked since then: what opened and closed is gone, once this instant has been looked at."""
        gone = {task.name: self._closed(task, start) for task in self.tasks.values()}
        self.look()
        for name, last in gone.items():
            if last is not None:
                task = self.tasks[name]
                task.used.append(max([last, *task.used[-1:]]))

    def _closed(self, task: Task, start: int) -> int | None:
        found = opened = None
        first = max(start, task.armed)
        for at in range(first, self.now + 1, self.grain):
            holds, since = self.ask(task.when, task, at, plain=True)
            if opened is not None and (not holds or since != opened):
                found = max(opened, first)
            opened = since if holds else None
        return found

    # -- what happens to it -------------------------------------------------------------------------------------------

    def kill(self, down: int) -> None:
        """Die, stay away for so long, and come back."""
        died = self.now
        self.now += down
        for run in sorted(self.going, key=lambda run: (run.start, run.place)):
            self.finish(run, "crash", "down", max(died, run.start))
        self.ending.clear()
        for task in self.tasks.values():
            task.against_since_start, task.chance = False, None
        self.unobserved(died)

    def sleep(self, seconds: int) -> None:
        """Be suspended: elapsed time does not go on."""
        slept = self.now
        self.now += seconds
        for key in self.deadlines:
            self.deadlines[key] += seconds
        for task in self.tasks.values():
            task.quiet = min(task.quiet + seconds, self.now + task.restart_delay)
        self.unobserved(slept)

    def run_by_hand(self, name: str) -> bool:
        task = self.tasks[name]
        if (task.going and task.overlap != "allow") or self._held(task) or len(self.going) >= self.slots:
            return False
        self.begin(task, self.now, 1, "hand")
        return True

    def stop(self, name: str) -> None:
        for run in self.tasks[name].going:
            self.finish(run, "terminate", "operator", self.now)
            if run.scheduled:
                self.tasks[name].used.append(self.now)

    def rewrite(self, name: str, when: Condition) -> None:
        task = self.tasks[name]
        if spelled(task.when) != spelled(when):
            task.when, task.armed = when, self.now
            task.against_since_start, task.chance = False, None


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


def _clock_only(condition: Condition) -> bool:
    word, *rest = condition
    if word in ("and", "or", "not"):
        return all(_clock_only(part) for part in rest)
    return word in ("time", "true", "false")


def _ticking(condition: Condition) -> bool:
    word, *rest = condition
    return word == "cron" or (word in ("and", "or", "not") and any(_ticking(part) for part in rest))
