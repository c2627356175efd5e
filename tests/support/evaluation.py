"""Asking conditions: a past made by hand, and the moment to ask about. And strategies that make both at random."""

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rocketd.core.calendar.wall_clock import reached
from rocketd.core.conditions.calendar_word import calendar_words
from rocketd.core.conditions.probe import observed, probes_of
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant, datetime_of, instant_of
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.events import Finished, Missed, Spawned, Started
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import Verdict
from rocketd.core.model.work_calendar import NO_CALENDARS, Calendars
from support.work_days import CALENDARS, WORK_DAYS, calendars

CASES = int(os.environ.get("ROCKETD_CASES", "100"))
"""How many random cases each property sees."""


BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")
APIA = ZoneInfo("Pacific/Apia")


def at(text: str, zone: tzinfo = UTC) -> Instant:
    """Turn a local time into an instant; one with an offset of its own may be any occurrence."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        return instant_of(moment)
    return reached(instant_of(moment.replace(tzinfo=UTC)), zone)


def local(instant: Instant, zone: tzinfo = UTC) -> str:
    """Spell an instant as a local time with its offset, as short as it is exact."""
    spelled = datetime_of(instant, zone).isoformat(" ")
    return spelled.replace("+00:00", "") if zone is UTC else spelled


@dataclass
class Asked:
    """A task "me" and its past."""

    zone: tzinfo = UTC
    crash_limit: int = 3
    calendars: Calendars = NO_CALENDARS
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self.history.load("me")

    @property
    def task(self) -> Task:
        return Task(
            "me", Command(("/bin/true",)), zone=self.zone, crash_limit=self.crash_limit, calendars=self.calendars
        )

    def instant(self, when: str | Instant) -> Instant:
        return at(when, self.zone) if isinstance(when, str) else when

    def armed(self, when: str) -> "Asked":
        self.history.of("me").armed_at = self.instant(when)
        return self

    def start(
        self,
        when: str | Instant,
        task: str = "me",
        *,
        due: str | Instant | None = None,
        attempt: int = 1,
        trigger: Trigger = Trigger.SCHEDULE,
    ) -> Run:
        """Let a run start."""
        self.history.load(task)
        start = self.instant(when)
        number = self.history.of(task).next_number
        due = start if due is None else self.instant(due)
        run = Run(task, number, f"{task}-{number}", attempt, due, start, trigger, "")
        self.history.learn(Started(run))
        self.history.learn(Spawned(run, 1, 1, start))
        return run

    def end(self, run: Run, when: str | Instant, action: Action = Action.SUCCESS, cause: Cause = Cause.EXIT) -> Run:
        """Let a run end."""
        self.history.learn(Finished(run, End(action, cause, self.instant(when))))
        return run

    def run(  # noqa: PLR0913 - a run is all of this
        self,
        start: str | Instant,
        end: str | Instant,
        action: Action = Action.SUCCESS,
        cause: Cause = Cause.EXIT,
        *,
        task: str = "me",
        due: str | Instant | None = None,
        attempt: int = 1,
        trigger: Trigger = Trigger.SCHEDULE,
    ) -> Run:
        """Let a run start and end."""
        return self.end(self.start(start, task, due=due, attempt=attempt, trigger=trigger), end, action, cause)

    def miss(
        self, when: str | Instant, task: str = "me", *, first: str | Instant | None = None, again: bool = False
    ) -> Missed:
        """Let chances be missed, which is recorded then; `again`: those before have gone on."""
        self.history.load(task)
        now, before = self.instant(when), self.history.of(task).misses
        if again and before is not None:
            newest, begun = before.newest, before.newest.first_reported
            missed = replace(newest, at=now, last=now, count=newest.count + 1, first_at=begun)
        else:
            due = now if first is None else self.instant(first)
            missed = Missed(task, f"{task}-missed-{self.history.position}", now, due, due, 1, "no slot was free")
        self.history.learn(missed)
        return missed

    def keep(self, condition: Condition) -> "Asked":
        """Keep the instants that the condition needs; to be called before the past is made."""
        self.history.set_needs(need._replace(task=need.task or "me") for need in condition.needs())
        return self

    def moment(self, when: str | Instant, *, plain: bool = False, run: Run | None = None) -> Moment:
        return Moment(self.instant(when), self.task, self.history, run=run, without_retries=plain)

    def judge(self, condition: str, when: str | Instant, *, plain: bool = False) -> Verdict:
        """Ask a condition."""
        return parse(condition).judge(self.moment(when, plain=plain))

    def holds(self, condition: str, when: str | Instant, *, plain: bool = False) -> bool | None:
        """Ask only for the answer; None: unknown."""
        answer: bool | None = self.judge(condition, when, plain=plain).answer.value
        return answer


CLOCKS = ("00:00", "01:30", "02:00", "02:30", "10:00", "12:15", "23:45")


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def _hours(*marks: str) -> st.SearchStrategy[str]:
    one = st.sampled_from(marks)
    two = st.tuples(one, one).filter(
        lambda pair: pair[0] != pair[1] and (pair[0][:2] not in ("31", '"3') or pair[1] != '"-3 10:00"')
    )
    return st.one_of(
        st.just(""),
        two.map(lambda pair: f".between({pair[0]}, {pair[1]})"),
        one.map(lambda mark: f".after({mark})"),
        st.sampled_from(marks[1:]).map(lambda mark: f".before({mark})"),
        one.map(lambda mark: f".starting({mark})"),
        st.lists(one, min_size=1, max_size=3, unique=True).map(lambda found: f".at({', '.join(found)})"),
    )


_CLOCK_MARKS = tuple(f'"{clock}"' for clock in CLOCKS)
HOURS = {
    "minute": _hours('"00"', '"15"', '"30.5"', "45"),
    "hour": _hours('"00:00"', '"15:00"', '"30:00"', "45"),
    "day": _hours(*_CLOCK_MARKS),
    "week": _hours('"Mon"', '"Wed 10:00"', '"Sun 02:30"', "5"),
    "month": _hours("1", "15", "31", '"last"', '"-3 10:00"', '"30 or last"', '"31 or last 02:30"'),
    "quarter": _hours("1", '"last"', '"92 or last"', '"46 02:30"'),
    "year": _hours('"Jan"', '"Feb 29"', '"Mar 29 02:30"', '"Oct"'),
}
ADVERBS = {
    "minute": "minutely",
    "hour": "hourly",
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "quarter": "quarterly",
    "year": "yearly",
}
UNIT = st.sampled_from(sorted(HOURS))

ONCE = UNIT.flatmap(lambda unit: HOURS[unit].map(lambda hours: ADVERBS[unit] + hours))
TIME_OF = UNIT.flatmap(lambda unit: HOURS[unit].map(lambda hours: f"time_of_{unit}{hours}"))
EVERY = st.builds(
    'every("{}", based="{}")'.format,
    st.sampled_from(["7 min", "1 h", "90 min", "1 day"]),
    st.sampled_from(["run", "success", "fail", "finish"]),
)
DATES = st.one_of(
    st.builds(
        'cycle("{} {}", since="{}")'.format,
        st.integers(2, 9),
        st.sampled_from(["days", "weeks", "months", "quarters", "years"]),
        st.sampled_from(["2026-03-27", "2024-02-29", "2026-12-31", "1999-01-01", "2031-07-15"]),
    ),
    st.sampled_from(
        [
            'cycle("2 weeks", since="2026-03-04", week_starts="Sun")',
            'iso_week("even")',
            'iso_week("odd")',
            "iso_week(53)",
            "iso_week(1, 13, 14, 27)",
            'since("2026-03-29")',
            'since("2026-03-29 02:30")',
            'until("2026-10-25")',
            'until("2026-10-25 02:30")',
        ]
    ),
)
CRON = _joined(
    st.sampled_from(
        [
            'cron("*/20 * * * *"',
            'cron("30 2 * * *"',
            'cron("0 */3 * * 1-5"',
            'cron("15 1,2,3 L * *"',
            'cron("0 0 13 * 5"',
            'cron("0 0 15W,LW * *"',
            'cron("30 2 L-2 * ?"',
        ]
    ),
    st.sampled_from([")", ', within="10 min")', ', within="2 days")']),
)
RETRY = st.sampled_from(
    [
        "retry",
        "retry(1)",
        'retry(3, delay="5 min")',
        'retry(9, delay="1 min", factor=2, max_delay="10 min", jitter="30s")',
        'retry(within="2 h", delay="20 min")',
    ]
)
_NAMES = ('"a"', '"a", "b"')
AFTER = st.builds(
    "after_{}{}".format,
    st.sampled_from(["", "all_", "any_"]),
    st.sampled_from(["success", "fail", "finish", "missed"]),
).flatmap(
    lambda word: (
        st.sampled_from(["", ', delay="20 min"', ', within="1 h"', ', delay="2 h", within="30 min"']).map(
            lambda later: f"{word}({_NAMES[word.count('_') > 1]}{later})"
        )
        if word.count("_") == 1
        else st.builds(
            "{}({}{})".format,
            st.just(word),
            st.sampled_from(['"a", "b"', '"[ab]"', '"*", "!b"', '"none-*"']),
            st.sampled_from(["", ', delay="20 min"', ', within="1 h"']),
        )
    )
)
HAPPENED = st.builds(
    "{}{}{}".format,
    st.sampled_from(["started", "succeeded", "failed", "finished", "crashed", "missed"]),
    st.sampled_from(["", '("a")', '("gone")', '("[ab]")', '("*")']),
    UNIT.flatmap(lambda unit: HOURS[unit].map(lambda hours: f".this_{unit}{hours}"))
    | st.sampled_from(["1 min", "2 h", "3 days"]).map(lambda length: f".past('{length}')"),
)
COUNTED = st.builds(
    "({} {} {})".format, HAPPENED, st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]), st.integers(0, 4)
)
CRONTIME = st.sampled_from(["crontime('*/20 * * * *')", "crontime('0-30 2 * * *')", "crontime('* 1-3 L * *')"])
AGES = st.builds(
    "{}.{}".format,
    st.sampled_from(["running", "running('a')", "running('*')"]),
    st.sampled_from(["more_than('10 min')", "less_than('1 h')", "between('1 min', '2 h')"]),
)
EVER = st.sampled_from(
    ["started", 'succeeded("a")', 'failed("gone")', "running", 'running("b")', 'running("gone")', "(running < 2)"]
)

PROBE = st.sampled_from(
    ["path_exists('/a')", "load_below(2.0)", "command_succeeds('b', every='1 min')", "unit_active('c')", "env('D')"]
)
SCHEDULER = st.sampled_from(
    [
        "host_up(more_than='15 min')",
        "host_up(less_than='3 days')",
        "started.this_boot",
        "(failed('a').this_boot < 2)",
        "scheduler_running",
        "scheduler_running(more_than='1 h', less_than='2 days')",
        "scheduler_cycles(more_than=3)",
    ]
)

WORD = st.one_of(
    ONCE,
    TIME_OF,
    DATES,
    WORK_DAYS,
    CRONTIME,
    EVERY,
    CRON,
    RETRY,
    AFTER,
    HAPPENED,
    COUNTED,
    AGES,
    EVER,
    PROBE,
    SCHEDULER,
)
CONSTANT = st.sampled_from(["true", "false"])


def _groups(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        parts.map(lambda part: f"~({part})"),
        st.lists(parts, min_size=2, max_size=3).map(" | ".join),
        st.lists(parts.map(lambda part: f"({part})"), min_size=2, max_size=3).map(" & ".join),
    )


CONDITION = st.recursive(WORD | CONSTANT, _groups, max_leaves=6)

ZONES = st.sampled_from([UTC, BERLIN, NEW_YORK, LORD_HOWE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Africa/Casablanca")])

_DAYS = ("2026-02-28", "2026-03-28", "2026-03-29", "2026-03-30", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-25")
INSTANT = st.builds(
    lambda day, minute, fraction: at(day) + minute * MINUTE + fraction,
    st.sampled_from([*_DAYS, "2026-12-31", "2028-02-29"]),
    st.integers(0, 2 * 24 * 60),
    st.sampled_from([0, 0, 0, 1, 30 * SECOND + 499_999]),
)

_END = st.sampled_from(
    [
        (Action.SUCCESS, Cause.EXIT),
        (Action.SUCCESS, Cause.EXIT),
        (Action.FAIL, Cause.EXIT),
        (Action.FAIL, Cause.EXIT),
        (Action.INACTION, Cause.EXIT),
        (Action.TERMINATE, Cause.TIMEOUT),
        (Action.TERMINATE, Cause.OPERATOR),
        (Action.CRASH, Cause.DOWN),
        (Action.CRASH, Cause.SHUTDOWN),
    ]
)
_GAP = st.one_of(st.integers(0, 90 * SECOND), st.integers(0, 3 * HOUR), st.integers(0, 40 * DAY))


@st.composite
def pasts(draw: st.DrawFn, conditions: tuple[Condition, ...], now: Instant) -> Asked:
    """Draw a past that ends at or before now, such as a scheduler could have made."""
    asked = Asked(draw(ZONES), calendars=calendars(draw(CALENDARS)) if calendar_words(conditions) else NO_CALENDARS)
    needs = {need._replace(task=need.task or "me") for condition in conditions for need in condition.needs()}
    asked.history.set_needs(needs)
    for name in ("a", "b"):
        asked.history.load(name)
    steps = draw(st.lists(st.tuples(st.sampled_from(["me", "me", "a", "b"]), _GAP, _GAP, _END), max_size=8))
    clock = now - sum(wait + takes for _, wait, takes, _ in steps) - draw(_GAP)
    asked.history.of("me").armed_at = clock - draw(_GAP)
    for number, (name, wait, takes, (action, cause)) in enumerate(steps):
        clock += wait
        trigger = draw(st.sampled_from([Trigger.SCHEDULE, Trigger.SCHEDULE, Trigger.HAND]))
        run = asked.start(clock, name, due=clock - draw(_DUE), attempt=draw(st.integers(1, 3)), trigger=trigger)
        clock += takes
        if number < len(steps) - 1 or draw(st.booleans()):
            asked.end(run, clock, action, cause)
        if draw(st.integers(0, 3)) == 0:
            asked.miss(clock, draw(st.sampled_from(["me", "a", "b"])), first=clock - takes, again=draw(st.booleans()))
    asked.history.first_pass_at = draw(st.none() | st.sampled_from([now, now - MINUTE, now - 2 * HOUR, now - 3 * DAY]))
    asked.history.cycles = draw(st.integers(1, 5))
    asked.history.booted_at = draw(st.none() | st.sampled_from([now, now - 10 * MINUTE, now - 2 * DAY]))
    for probe in sorted(frozenset().union(*map(probes_of, conditions)), key=str):
        for age in sorted(draw(st.lists(_AGE, max_size=3)), reverse=True):
            asked.history.observe(observed(probe, draw(st.sampled_from([True, True, False, None])), now - age))
    return asked


_AGE = st.sampled_from([0, 1, SECOND, 44 * SECOND, 45 * SECOND, 2 * MINUTE, 3 * MINUTE, HOUR])


_DUE = st.sampled_from([0, 0, SECOND, HOUR, DAY])


def later(now: Instant, until: Instant, part: float) -> Instant:
    """Pick an instant in [now, until)."""
    end: Duration = min(until, now + 800 * DAY) - now
    return now + int((end - 1) * part)
