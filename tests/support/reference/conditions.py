"""Conditions for the naive scheduler (scheduler.py), in other words: asked at an instant, over a plain list of runs.

A condition is a tuple: its word, then its arguments. `spelled` gives the text that the program reads.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import takewhile
from operator import ge, le, lt
from typing import Any, Final, NamedTuple, TypeAlias

from support.reference.calendar import SATURDAY, Calendar, calendar
from support.reference.holidays import LISTINGS, Listing

Condition: TypeAlias = tuple[Any, ...]
Answer: TypeAlias = tuple[bool, int]
"""Whether it holds, and from when it has."""

EVER: Final = -(10**12)
FAR: Final = 10**12
THREE_HOURS: Final = 3 * 3600
DAY: Final = 86_400
ADVERBS: Final = {"minute": "minutely", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"} | {
    "quarter": "quarterly"
}
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
        case ("later", many, outcome, tasks, delay, within):
            good = f", within='{within} s'" if within else ""
            return f"after_{many}{outcome}({', '.join(map(repr, tasks))}, delay='{delay} s'{good})"
        case ("count", what, task, unit, comparison, number):
            return f"({what}{f'({task!r})' if task else ''}.{THIS[unit]} {comparison} {number})"
        case ("running", task):
            return f"running({task!r})"
        case ("cycle", number, unit, since):
            return f"cycle('{number} {unit}s', since='{since}')"
        case ("iso_week", which):
            return f"iso_week('{which}')"
        case ("since" | "until" as word, day):
            return f"{word}('{day}')"
        case ("dates",):
            return "dates('/listed')"
        case ("nth", unit, numbers):
            return f"workday_of_{unit}.on({', '.join(map(str, numbers))})"
        case ("rolled", day, roll):
            return f"workday_at({day!r}, roll='{roll}')"
        case ("up", more, less):
            given = [f"{name}='{length} s'" for name, length in (("more_than", more), ("less_than", less)) if length]
            return f"host_up({', '.join(given)})"
        case ("boot", what, task, comparison, number):
            return f"({what}{f'({task!r})' if task else ''}.this_boot {comparison} {number})"
        case (word,):
            return str(word)
    raise ValueError(condition)


def _spelled_hours(how: str, marks: tuple[str, ...]) -> str:
    return "" if how == "whole" else f".{how}({', '.join(map(repr, marks))})"


class Question(NamedTuple):
    """How a condition is asked: what stands around it."""

    plain: bool = False
    """No retry, and a crash is done."""
    hours: tuple[Condition, ...] = ()
    """Joined to a tick by `&`: they hold at the tick, and at every instant since."""
    scheduled: tuple[Condition, ...] = ()
    """The same: they hold at the tick, by when runs were due."""
    spans: tuple[str, ...] = ()
    """Units of which the one around the tick is not over yet."""
    at_tick: bool = False
    """It is asked about a tick, beside which it stands."""
    on_wall: bool = False
    """Intervals of whole days are days on the wall."""
    unknown: bool = False
    """What is said of a date of which nothing is known."""


PLAINLY: Final = Question()


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
    has_process: bool = False
    is_over: bool = False
    """Its end waits to be recorded, and nobody has learned of it."""
    asked_to_stop: int | None = None
    """When an operator stopped it, if it had no process then."""
    chance_before: int | None = None
    """The chance of its task that it was to use."""

    @property
    def scheduled(self) -> bool:
        return self.trigger != "hand"


@dataclass(eq=False)
class Miss:
    """Chances in a row that passed without a run, for one reason: one record."""

    first_told: int
    told: int
    """When it was told first, and when last."""
    last: int
    """The newest of the chances."""
    reason: str
    place: int
    """Where in the log it stands: where it was told first."""


class Use(NamedTuple):
    """What is used up, and by which run; None: it passed."""

    by: Run | None
    instants: tuple[int, ...]
    setting: int
    ahead: int


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
    uses: list[Use] = field(default_factory=list)
    used: dict[int, Span] = field(default_factory=dict)
    """From when to when ticks and intervals are used, each time that nobody set the clock: what `uses` comes to."""
    done: dict[int, Span] = field(default_factory=dict)
    """The same of the runs that ended."""
    against_since_start: bool = False
    chance: int | None = None
    """The chance that is open."""
    unknown: str = ""
    """Why it may not be used: nothing is known of its date."""
    misses: list[Miss] = field(default_factory=list)
    open_miss: Miss | None = None
    """The newest of them, while it can grow."""
    quiet: int = EVER
    numbers: int = 0
    """How many numbers of runs are used up."""
    requests: int = 0
    """How many runs an operator asked for that wait for their start."""
    refusals: int = 0
    """How often its start was refused since a run of it ended."""
    try_at: int = EVER
    """When its start is tried again after that."""

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
        self.counted: int | None = None
        """While what was missed is counted: the newest chance that was, which counts as a run for later ticks."""
        self.walked: dict[tuple[Condition, str, int], tuple[int, bool]] = {}
        """Of hours beside a tick: up to when they were asked, and whether they have always held."""
        self.booted = EVER
        """When the host booted."""
        self.listing: Listing = LISTINGS[0]
        """What the files of the calendars list."""
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

    def use_up(self, task: Task, *instants: int, by: Run | None = None) -> None:
        """Note that a task has used them up, and by which run."""
        task.uses.append(Use(by, instants, self.settings, self.ahead))
        self.use(task.used, *instants)

    def keep_uses(self, task: Task, uses: list[Use]) -> None:
        """Let only these have been."""
        task.uses, task.used = uses, {}
        for use in uses:
            self.use(task.used, *use.instants, setting=use.setting, ahead=use.ahead)

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
        self, condition: Condition, task: Task, now: int, asked: Question = PLAINLY
    ) -> Answer:
        """Whether it holds at that instant, by what the log says now."""
        match condition:
            case ("cron", line, within):
                return self._tick(task, now, line, within, asked)
            case ("and", *parts):
                return self._all(parts, task, now, asked)
            case ("or", *parts):
                answers = [self.ask(part, task, now, asked) for part in parts]
                lines = {
                    place: tick
                    for place, part in enumerate(parts)
                    if _ticking(part) and (tick := self._line(part, task, now, asked))
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
                return self._every(task, now, seconds, based, asked)
            case ("once", unit, how, marks):
                windows = self.calendar(task).windows(unit, how, marks)
                if asked.at_tick:
                    return self._once_at_tick(task, now, windows, asked, fixed=unit not in ("minute", "hour"))
                return self._once(task, now, windows, plain=asked.plain, fixed=unit not in ("minute", "hour"))
            case ("time", unit, how, marks):
                return _inside(self.calendar(task).windows(unit, how, marks), now)
            case (word, *_) if word in DATES:
                holds, since = self._on_date(task, now, condition)
                return (asked.unknown if holds is None else holds), since
            case ("up", more, less):
                return self._up(now, more, less)
            case ("boot", what, other, comparison, number):
                return self._since_boot(task, now, what, other, comparison, number)
            case ("retry", times, delay):
                return (False, EVER) if asked.plain else self._retry(task, now, times, delay)
            case ("after", many, outcome, tasks):
                return self._after(task, now, many, outcome, tasks)
            case ("later", many, outcome, tasks, delay, within):
                return self._after(task, now, many, outcome, tasks, delay, within)
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
                holds, since = self.ask(part, task, now, asked._replace(unknown=not asked.unknown))
                return not holds, since
        raise ValueError(condition)

    def _all(self, parts: list[Condition], task: Task, now: int, asked: Question) -> Answer:
        """Ask a group joined by `&`: its tick, if it has one, is asked with what stands beside it."""
        group = _group(tuple(parts))
        if group.on_wall and not asked.on_wall:
            asked = asked._replace(on_wall=True)
        if group.tick is None:
            return _joined([self.ask(part, task, now, asked) for part in parts])
        if group.each is not None:
            return self.ask(group.each, task, now, asked)
        beside = asked
        if group.hours or group.scheduled or group.spans:
            beside = asked._replace(
                hours=asked.hours + group.hours,
                scheduled=asked.scheduled + group.scheduled,
                spans=asked.spans + group.spans,
            )
        answers = [self.ask(part, task, now, beside) for part in (group.tick, *group.states)]
        for part in group.hours:
            holds, since = self.ask(part, task, now, asked)
            answers.append((holds, EVER if holds else since))
        return _joined(answers)

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

    def _on_date(self, task: Task, now: int, condition: Condition) -> tuple[bool | None, int]:
        """Whether the date around that instant is one of those (None: not known), and since when it has been so."""
        days = self.calendar(task)
        return _on_day(days, condition, days.highest[(now - days.base) // self.grain] // DAY, self.listing)

    def _once_at_tick(
        self, task: Task, now: int, windows: list[tuple[int, int]], asked: Question, *, fixed: bool
    ) -> Answer:
        """Whether nothing was due in the window around that tick yet."""
        place = bisect_right(windows, (now, 10**12)) - 1
        if place < 0 or now >= windows[place][1]:
            return False, EVER
        start = windows[place][0]
        following = [*windows[place + 1 : place + 2], (FAR, FAR)][0][0]
        if self.counted is not None and self.counted >= start:
            return False, start
        if any(run.scheduled and self.really(run.due, run.ahead) >= start for run in task.going):
            return False, start
        done = [run for run in task.ended if run.scheduled]
        last = task.scheduled
        used = [
            Span(run.due, run.due, run.ahead) for run in done if run.action != "crash" or (asked.plain and run is last)
        ]
        crashes = [run for run in done if run.action == "crash" and run.cause != "shutdown" and run.start >= start]
        since_success = [
            run for run in crashes if not any(one.action != "crash" and one.end_place > run.end_place for one in done)
        ]
        gave_up = not asked.plain and len(since_success) >= task.crash_limit
        return not (gave_up or self.is_taken(used, start, following, now, fixed=fixed)), start

    def _every(  # noqa: PLR0911 - what it is asked about
        self, task: Task, now: int, seconds: int, based: str, asked: Question
    ) -> Answer:
        last = task.scheduled
        if based == "run":
            if asked.at_tick and self.counted is not None:
                since = max(self.counted, self.really(last.due, last.ahead) if last is not None else EVER)
                over = self._later(task, since, seconds, 1, asked)
                return now >= over, over
            if last is None:
                return True, EVER
            due = self.really(last.due, last.ahead)
            if asked.at_tick:
                over = self._later(task, due, seconds, 1, asked)
                return now >= over, over
            if asked.on_wall and seconds % DAY == 0:
                return self._every_on_wall(task, now, seconds, due, asked)
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
        over = self._later(task, newest, seconds, 1, asked)
        return now >= over, over

    def _later(self, task: Task, at: int, seconds: int, times: int, asked: Question) -> int:
        """When that interval is over so many times."""
        if not asked.on_wall or seconds % DAY:
            return at + times * seconds
        return self._on_wall_later(task, at, times * seconds)

    def _on_wall_later(self, task: Task, at: int, seconds: int) -> int:
        days = self.calendar(task)
        place = (at - days.base) // self.grain
        wall = at + min(days.offsets[max(place - 1, 0)], days.offsets[place])
        return days.reached(wall + seconds)

    def _every_on_wall(self, task: Task, now: int, seconds: int, due: int, asked: Question) -> Answer:
        reached = max(self.really(span.last, span.ahead) for span in task.used.values())
        count = 0
        while self._later(task, due, seconds, count + 1, asked) <= reached:
            count += 1
        first = self._later(task, due, seconds, count + 1, asked)
        if now < first:
            return False, first
        while not self.unseen and self._later(task, due, seconds, count + 2, asked) <= now:
            count += 1
        return True, self._later(task, due, seconds, count + 1, asked)

    def _tick(self, task: Task, now: int, line: str, within: int, asked: Question) -> Answer:
        ticks = self.calendar(task).ticks(line)
        place = bisect_right(ticks, now)
        if not place:
            return False, EVER
        tick = ticks[place - 1]
        if tick <= self.armed(task) or (within and now >= tick + within):
            return False, tick
        taken = self.is_taken(task.used.values(), tick, [*ticks[place : place + 1], FAR][0], now, fixed=_fixed(line))
        return not taken and self._counts(task, tick, asked) and self._lasts(task, tick, now, asked), tick

    def _counts(self, task: Task, tick: int, asked: Question) -> bool:
        """Whether everything that is asked about the tick holds at it."""
        beside = Question(plain=asked.plain, at_tick=True, on_wall=True, unknown=asked.unknown)
        hours = Question(unknown=asked.unknown)
        return all(self.ask(part, task, tick, beside)[0] for part in asked.scheduled) and all(
            self.ask(part, task, tick, hours)[0] for part in asked.hours
        )

    def _lasts(self, task: Task, tick: int, now: int, asked: Question) -> bool:
        """Whether the hours have held at every instant since the tick, and its day, its week, … goes on."""
        for unit in asked.spans:
            windows = self.calendar(task).windows(unit, "whole", ())
            if now >= windows[bisect_right(windows, (tick, 10**12)) - 1][1]:
                return False
        for part in asked.hours:
            key = (part, task.zone, tick)
            seen, held = self.walked.get(key, (tick - self.grain, True))
            for at in range(seen + self.grain, now + 1, self.grain):
                held = held and self.ask(part, task, at)[0]
            self.walked[key] = max(now, seen), held
            if not (
                held if now >= seen else all(self.ask(part, task, at)[0] for at in range(tick, now + 1, self.grain))
            ):
                return False
        return True

    def _line(self, part: Condition, task: Task, now: int, asked: Question) -> int | None:
        """The newest tick of a part that is a line of them with nothing but hours beside it; None: it is not."""
        match part:
            case ("cron", line, _):
                ticks = self.calendar(task).ticks(line)
                tick = ticks[bisect_right(ticks, now) - 1]
                return tick if tick <= now and self._counts(task, tick, asked) else EVER
            case ("and", *parts):
                hours = tuple(one for one in parts if _clock_only(one) and not _scheduled(one))
                scheduled = tuple(one for one in parts if _scheduled(one))
                rest = [one for one in parts if one not in hours and one not in scheduled]
                beside = asked._replace(hours=asked.hours + hours, scheduled=asked.scheduled + scheduled)
                return self._line(rest[0], task, now, beside) if len(rest) == 1 else None
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

    def _after(  # noqa: PLR0913, PLR0917 - what the word takes
        self, task: Task, now: int, many: str, outcome: str, tasks: tuple[str, ...], delay: int = 0, within: int = 0
    ) -> Answer:
        own = task.scheduled
        place = own.place if own is not None else 0
        answers = []
        for name in tasks:
            newest = (
                self._newest_miss(task, name, place) if outcome == "missed" else self._newest_end(name, outcome, place)
            )
            if newest is None:
                answers.append((False, EVER))
                continue
            armed = self.really(task.armed, task.armed_ahead)
            good = self.really(*newest) > armed
            begin = self.on_wall(*newest) + delay
            holds = good and begin <= now and (not within or now < begin + within)
            answers.append((holds, begin if good else EVER))
        pro = [since for holds, since in answers if holds]
        if many == "any_":
            return (True, min(pro)) if pro else (False, EVER)
        return (True, max(pro)) if len(pro) == len(tasks) else (False, EVER)

    def _newest_end(self, name: str, outcome: str, place: int) -> tuple[int, int] | None:
        """When a task last ended so after that place in the log, by a clock that was so far ahead."""
        since = takewhile(lambda run: run.end_place > place, reversed(self.tasks[name].ended))
        newest = next((run for run in since if _is_end(run, outcome)), None)
        return None if newest is None or newest.end is None else (newest.end, newest.end_ahead)

    def _newest_miss(self, task: Task, name: str, place: int) -> tuple[int, int] | None:
        """When that was told first which a task missed last; of the own one, only since it was armed."""
        newest = next(reversed(self.tasks[name].misses), None)
        if newest is None or newest.place <= place or (name == task.name and newest.last < self.armed(task)):
            return None
        return newest.first_told, 0

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

    def _up(self, now: int, more: int, less: int) -> Answer:
        """Whether the host has been up for so long, and not for longer; 0: for however long."""
        if now < self.booted + more:
            return False, EVER
        over = less and now >= self.booted + less
        return (False, self.booted + less) if over else (True, self.booted + more)

    def _since_boot(  # noqa: PLR0913, PLR0917 - what the word takes
        self, task: Task, now: int, what: str, other: str, comparison: str, number: int
    ) -> Answer:
        instants = self._instants(other or task.name, what, now)
        inside, compared = instants[bisect_left(instants, self.booted) :], COMPARED[comparison]
        holds = compared(len(inside), number)
        for count in range(len(inside), 0, -1):
            if compared(count - 1, number) is not holds:
                return holds, inside[count - 1]
        return holds, self.booted

    def _instants(self, task: str, what: str, now: int) -> list[int]:
        runs = self.tasks[task].runs
        if what == "missed":
            return sorted(miss.told for miss in self.tasks[task].misses if miss.told <= now)
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


def _joined(answers: list[Answer]) -> Answer:
    against = [since for holds, since in answers if not holds]
    return (False, min(against)) if against else (True, max(since for _, since in answers))


class Group(NamedTuple):
    """What stands in a group joined by `&`, by how it is asked."""

    on_wall: bool
    """Intervals of whole days are days on the wall."""
    tick: Condition | None
    hours: tuple[Condition, ...]
    scheduled: tuple[Condition, ...]
    states: tuple[Condition, ...]
    spans: tuple[str, ...]
    each: Condition | None
    """What it is asked as, if its tick is one of several alternatives."""


@cache
def _group(parts: tuple[Condition, ...]) -> Group:
    by_wall = [_by_wall(part) for part in parts]
    on_wall = any(_whole_days(part) and sum(by_wall) > by_wall[place] for place, part in enumerate(parts))
    tick = next((part for part in parts if _ticking(part)), None)
    rest = tuple(part for part in parts if part is not tick)
    hours = tuple(part for part in rest if _clock_only(part) and not _scheduled(part))
    scheduled = tuple(part for part in rest if _scheduled(part))
    states = tuple(part for part in rest if part not in hours and part not in scheduled)
    spans = tuple(unit for part in states for unit in _spans(part))
    apart = tick is not None and (hours or scheduled or spans) and not _only_ticks(tick)
    each = ("or", *(("and", part, *rest) for part in tick[1:])) if tick is not None and apart else None
    return Group(on_wall, tick, hours, scheduled, states, spans, each)


GROUPS: Final = ("and", "or", "not")
DATES: Final = ("cycle", "iso_week", "since", "until", "workday", "holiday", "dates", "nth", "rolled")


@lru_cache(maxsize=4096)
def _on_day(days: Calendar, condition: Condition, day: int, listing: Listing) -> tuple[bool | None, int]:
    holds = _has_date(condition, day, listing)
    while days.reached(day * DAY) > days.base and _has_date(condition, day - 1, listing) is holds:
        day -= 1
    return holds, days.reached(day * DAY)


@cache
def _has_date(condition: Condition, day: int, listing: Listing) -> bool | None:
    """Whether a word about dates holds on that one, in days since 1970; None: not known."""
    at = date(1970, 1, 1) + timedelta(days=day)
    match condition:
        case ("since", first):
            return at >= date.fromisoformat(first)
        case ("until", last):
            return at <= date.fromisoformat(last)
        case ("iso_week", which):
            return at.isocalendar().week % 2 == int(which == "odd")
        case ("cycle", number, unit, since):
            begin = date.fromisoformat(since)
            return at >= begin and not (_unit(at, unit) - _unit(begin, unit)) % int(number)
    return _is_such_day(condition, at, listing)


def _is_such_day(condition: Condition, at: date, listing: Listing) -> bool | None:
    """The same for words about working days."""
    match condition:
        case ("workday",):
            return _works(at, listing)
        case ("holiday",):
            return str(at) in listing.holidays and str(at) not in listing.worked if listing.knows(at) else None
        case ("dates",):
            return str(at) in listing.listed if listing.knows(at) else None
        case ("nth", unit, numbers):
            around = _days_around(at, unit)
            if not all(map(listing.knows, around)):
                return None
            days = [day for day in around if _works(day, listing)]
            return at in days and bool({days.index(at) + 1, days.index(at) - len(days)} & set(numbers))
        case ("rolled", mark, roll):
            most, least = (
                at in {_rolled(day, roll, listing, unknown) for day in _such_days(at, mark)}
                for unknown in (lambda day: day == at, lambda day: day != at)
            )
            return most if most is least else None
    raise ValueError(condition)


def _works(day: date, listing: Listing) -> bool | None:
    if listing.is_broken:
        return None
    if str(day) in listing.worked:
        return True if listing.knows(day) else None
    if day.weekday() >= SATURDAY:
        return False
    return str(day) not in listing.holidays if listing.knows(day) else None


def _days_around(at: date, unit: str) -> list[date]:
    """Every date of the unit around that one."""
    near = (at + timedelta(days=away) for away in range(-366, 367))
    return [day for day in near if _unit(day, unit) == _unit(at, unit)]


def _such_days(at: date, mark: str) -> list[date]:
    """That day of the months around: `15`, `last`, `31 or last`."""
    found = []
    for months in range(-2, 3):
        year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
        days = _days_around(date(year, month + 1, 1), "month")
        number = len(days) if mark == "last" else int(mark.split(maxsplit=1)[0])
        number = min(number, len(days)) if "or last" in mark else number
        found += days[number - 1 : number]
    return found


def _rolled(day: date, roll: str, listing: Listing, unknown: Callable[[date], bool]) -> date | None:
    """The working day to which a date is moved, if those of which nothing is known are such days or not."""

    def works(one: date) -> bool:
        known = _works(one, listing)
        return unknown(one) if known is None else known

    if roll == "nearest":
        near = sorted(_days_around(day, "month"), key=lambda one: (abs((one - day).days), one))
    else:
        near = [day + timedelta(days=away if roll == "after" else -away) for away in range(40)]
    return next((one for one in near if works(one)), None)


def _unit(day: date, unit: str) -> int:
    months = day.year * 12 + day.month - 1
    weeks = (day - timedelta(days=day.weekday())).toordinal() // 7
    return {"day": day.toordinal(), "week": weeks, "month": months, "quarter": months // 3, "year": day.year}[unit]


@cache
def _clock_only(condition: Condition) -> bool:
    word, *rest = condition
    if word in GROUPS:
        return all(_clock_only(part) for part in rest)
    return word in ("time", "true", "false", *DATES)


@cache
def _scheduled(condition: Condition) -> bool:
    word, *rest = condition
    if word in GROUPS:
        return all(_scheduled(part) for part in rest)
    return word in ("every", "once", "true", "false", *DATES)


@cache
def _by_wall(condition: Condition) -> bool:
    word, *rest = condition
    return word in ("cron", "once", "time", *DATES) or (word in GROUPS and any(map(_by_wall, rest)))


@cache
def _whole_days(condition: Condition) -> bool:
    word, *rest = condition
    return (word == "every" and rest[0] % DAY == 0) or (word in GROUPS and any(map(_whole_days, rest)))


@cache
def _spans(condition: Condition) -> tuple[str, ...]:
    word, *rest = condition
    if word in GROUPS:
        return tuple(unit for part in rest for unit in _spans(part))
    return (rest[2],) if word == "count" else ()


@cache
def _ticking(condition: Condition) -> bool:
    word, *rest = condition
    return word == "cron" or (word in ("and", "or") and any(_ticking(part) for part in rest))


@cache
def _fixed(line: str) -> bool:
    """Whether a line names its times of day, which a clock that is set back does not repeat."""
    return not any(part.startswith("*") for part in line.split()[:2])


@cache
def _only_ticks(condition: Condition) -> bool:
    """Whether nothing but a tick makes it hold."""
    word, *rest = condition
    return word == "cron" or (word in ("and", "or") and (any if word == "and" else all)(map(_only_ticks, rest)))


def _is_end(run: Run, outcome: str) -> bool:
    return run.action in ENDS[outcome] and not (outcome == "fail" and run.cause == "shutdown")
