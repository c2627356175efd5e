"""Conditions for the naive scheduler (scheduler.py), in other words: asked at an instant, over a plain list of runs.

A condition is a tuple: its word, then its arguments. `spelled` gives the text that the program reads.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
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
FAR: Final = 10**12
THREE_HOURS: Final = 3 * 3600
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
    ahead: int = 0
    """How far the clock was ahead of the right time when it began; its start and due are by that clock."""
    end_ahead: int = 0

    @property
    def scheduled(self) -> bool:
        return self.trigger != "hand"


@dataclass
class Span:
    """A time that was used, by a clock that was so far ahead."""

    first: int
    last: int
    ahead: int

    def grow(self, *instants: int) -> None:
        self.first, self.last = min(self.first, *instants), max(self.last, *instants)


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
    armed_ahead: int = 0
    runs: list[Run] = field(default_factory=list)
    going: list[Run] = field(default_factory=list)
    """Those of them without an end."""
    ended: list[Run] = field(default_factory=list)
    """The others, as they ended."""
    used: dict[int, Span] = field(default_factory=dict)
    """From when to when ticks and intervals are used, each time that nobody set the clock."""
    done: dict[int, Span] = field(default_factory=dict)
    """The same of the runs that ended."""
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
        self.ahead = 0
        """How far the clock is ahead of the right time, if it was right at first."""
        self.settings = 0
        """How often somebody has set it."""
        self.unseen = False
        """Whether it is asked about a time when nobody looked: an interval waits then, and does not pass."""

    def really(self, at: int, ahead: int) -> int:
        """When something was by the clock of now that was noted by a clock which was so far ahead."""
        return at - ahead + self.ahead

    def on_wall(self, at: int, ahead: int) -> int:
        """The same for windows and ticks: a clock that is set forward does not move what was noted."""
        return min(at, self.really(at, ahead))

    def armed(self, task: Task) -> int:
        return self.on_wall(task.armed, task.armed_ahead)

    def use(self, spans: dict[int, Span], *instants: int, setting: int | None = None, ahead: int | None = None) -> None:
        """Note that these, and what lies between, are used."""
        setting, ahead = (self.settings, self.ahead) if setting is None or ahead is None else (setting, ahead)
        spans.setdefault(setting, Span(min(instants), max(instants), ahead)).grow(*instants)

    def is_taken(self, spans: Iterable[Span], start: int, end: int, now: int, *, fixed: bool) -> bool:
        """Whether the window or tick that begins then, before the next at `end`, is used up."""
        for span in spans:
            really = self.really(span.last, span.ahead)
            if min(span.last, really) >= start:
                return True
            if not fixed or span.last < start or span.first >= end:
                continue
            its_own = span.last < end
            if its_own or span.last - really <= THREE_HOURS or now < really + max(THREE_HOURS, end - start):
                return True
        return False

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
                windows = self.calendar(task).windows(unit, how, marks)
                return self._once(task, now, windows, plain=plain, fixed=unit not in ("minute", "hour"))
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
                begun = [self.really(run.start, run.ahead) for run in going]
                return (True, min(begun)) if going else (False, EVER)
            case ("true",):
                return True, EVER
            case ("false",):
                return False, EVER
            case ("not", part):
                holds, since = self.ask(part, task, now, plain=plain, guards=guards)
                return not holds, since
        raise ValueError(condition)

    def _once(self, task: Task, now: int, windows: list[tuple[int, int]], *, plain: bool, fixed: bool) -> Answer:
        place = bisect_right(windows, (now, 10**12)) - 1
        if place < 0 or now >= windows[place][1]:
            return False, windows[place][1] if place >= 0 else EVER
        start = windows[place][0]
        if self.settings:  # nobody is killed in a world whose clock is set: there are no crashes
            following = [*windows[place + 1 : place + 2], (FAR, FAR)][0][0]
            going = [run for run in task.going if run.scheduled]
            if any(self.really(max(run.start, run.due), run.ahead) >= start for run in going):
                return False, start
            ahead = [span for span in task.used.values() if going and self.really(span.last, span.ahead) < span.last]
            return not self.is_taken([*task.done.values(), *ahead], start, following, now, fixed=fixed), start
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
        return max((self.on_wall(span.last, span.ahead) for span in task.used.values()), default=EVER)

    def _every(self, task: Task, now: int, seconds: int, based: str) -> Answer:
        last = task.scheduled
        if based == "run":
            if last is None:
                return True, EVER
            due = self.really(last.due, last.ahead)
            reached = max(self.really(span.last, span.ahead) for span in task.used.values())
            anchor = due + (reached - due) // seconds * seconds
            if now < anchor + seconds:
                return False, anchor + seconds
            return True, anchor + (1 if self.unseen else (now - anchor) // seconds) * seconds
        if any(run.scheduled for run in task.going):
            return False, EVER
        done = (run for run in reversed(task.ended) if run.scheduled and run.action in ENDS_OF_ITS_OWN[based])
        newest = next((self.really(run.end, run.end_ahead) for run in done if run.end is not None), None)
        if newest is None:
            return True, EVER
        return now >= newest + seconds, newest + seconds

    def _tick(self, task: Task, now: int, line: str, within: int, guards: tuple[Condition, ...]) -> Answer:
        ticks = self.calendar(task).ticks(line)
        place = bisect_right(ticks, now)
        if not place:
            return False, EVER
        tick = ticks[place - 1]
        fixed = not any(part.startswith("*") for part in line.split()[:2])
        taken = self.is_taken(task.used.values(), tick, [*ticks[place : place + 1], FAR][0], now, fixed=fixed)
        good = tick > self.armed(task) and not taken and (not within or now < tick + within)
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
        if last is None or last.end is None or last.attempt > times:
            return False, EVER
        if self.really(last.start, last.ahead) < self.really(task.armed, task.armed_ahead):
            return False, EVER
        tried_again = last.action in ("fail", "crash") or last.cause == "timeout"
        ended = self.really(last.end, last.end_ahead)
        return tried_again and now >= ended + delay, ended + delay

    def _after(self, task: Task, many: str, outcome: str, tasks: tuple[str, ...]) -> Answer:
        own = task.scheduled
        place = own.place if own is not None else 0
        answers = []
        for name in tasks:
            since = takewhile(lambda run: run.end_place > place, reversed(self.tasks[name].ended))
            newest = next((run for run in since if _is_end(run, outcome)), None)
            if newest is None or newest.end is None:
                answers.append((False, EVER))
                continue
            armed = self.really(task.armed, task.armed_ahead)
            good = self.really(newest.end, newest.end_ahead) > armed
            answers.append((good, self.on_wall(newest.end, newest.end_ahead) if good else EVER))
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
            return sorted(at for run in runs if (at := self.on_wall(run.start, run.ahead)) <= now)
        ended = [run for run in runs if run.end is not None and run.action in ENDS[what]]
        return sorted(at for run in ended if (at := self.on_wall(run.end or 0, run.end_ahead)) <= now)


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
