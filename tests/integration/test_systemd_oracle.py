"""Calendar lines and durations, each read by systemd as well: random ones, over years and more than forty zones.

`ROCKETD_LINES` says how many calendar lines each zone sees (40), and sets how many durations there are (fifty times
that); `ROCKETD_SEED` draws others.
"""

import os
import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.calendar.oncalendar import CalendarLine
from rocketd.core.calendar.wall_clock import offset_at
from rocketd.core.duration import LONGEST, parse_duration
from rocketd.core.errors import ConditionError
from rocketd.core.instant import DAY, SECOND, Instant
from support.evaluation import at, local
from support.time_zones import MANY_ZONES

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")

LINES = int(os.environ.get("ROCKETD_LINES", "40"))
SEED = os.environ.get("ROCKETD_SEED", "1")
TICKS = 6
NAMED = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
"""Zones that a line itself may name."""
LEFT_OUT = {"Africa/Monrovia"}
"""There systemd 252 says of every line that it never comes."""


class Calendars:
    """Draws calendar lines such as people write, and some that nobody would."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def line(self) -> str:
        parts = [self._weekdays(), self._date(), self._time(), self._dice.choice(["", "", "", "UTC", *NAMED])]
        return " ".join(filter(None, parts)) or "daily"

    def _weekdays(self) -> str:
        days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        if self._dice.random() < 0.6:
            return ""
        chosen = []
        for _ in range(self._dice.randint(1, 3)):
            first = self._dice.randrange(7)
            last = self._dice.randint(first, 6)
            chosen.append(days[first] if self._dice.random() < 0.5 else f"{days[first]}..{days[last]}")
        return ",".join(chosen)

    def _date(self) -> str:
        if self._dice.random() < 0.3:
            return ""
        year = "*" if self._dice.random() < 0.8 else self._field(1990, 2045)
        month = "*" if self._dice.random() < 0.6 else self._field(1, 12)
        day = "*" if self._dice.random() < 0.3 else self._field(1, 31)
        if self._dice.random() < 0.25 and day != "*":
            return f"{year}-{month}~{self._field(1, 7)}"
        return f"{year}-{month}-{day}" if self._dice.random() < 0.8 or year != "*" else f"{month}-{day}"

    def _time(self) -> str:
        if self._dice.random() < 0.2:
            return ""
        fields = [self._field(0, most) if self._dice.random() < 0.7 else "*" for most in (23, 59)]
        if self._dice.random() < 0.3:
            fields.append(self._field(0, 59, seconds=True))
        return ":".join(fields)

    def _field(self, least: int, most: int, *, seconds: bool = False) -> str:
        return ",".join(self._piece(least, most, seconds) for _ in range(self._dice.choice([1, 1, 1, 2, 3])))

    def _piece(self, least: int, most: int, seconds: bool) -> str:  # noqa: FBT001 - handed on
        first = self._dice.randint(least, most - seconds)
        last = self._dice.randint(first + seconds, most)
        step = self._dice.randint(1, max(1, (most - least) // 2))
        pieces = [f"{first}", f"{first:02d}", f"{first}..{last}", f"{first}..{last}/{step}"]
        if most in {12, 23, 59} and (most + 1 - first) % step == 0 and least + step > first:
            pieces += [f"{first}/{step}"] * 3  # what overshoots is another matter: see below
        return self._dice.choice(pieces)


def asked_systemd(lines: Sequence[str], zone: str, base: Instant) -> dict[str, list[Instant] | None]:
    """The first ticks of each line that systemd reads; None: it gave up ("infinite loop in calendar calculation")."""
    begin = datetime.fromtimestamp(base // SECOND, UTC)
    command = ["systemd-analyze", "calendar", f"--iterations={TICKS}", f"--base-time={begin:%Y-%m-%d %H:%M:%S} UTC"]
    answer = subprocess.run(
        [*command, *lines], env={**os.environ, "TZ": zone, "LC_ALL": "C"}, capture_output=True, text=True, check=False
    )
    refused = set(re.findall(r"(?m)^Failed to parse calendar (?:specification|expression) '(.*)'", answer.stderr))
    given_up = set(re.findall(r"(?m)^Failed to determine next elapse for '(.*)': Resource deadlock", answer.stderr))
    told = _ticks(answer.stdout)
    assert told.keys() == {*lines} - refused - given_up, answer.stderr
    return told | dict.fromkeys(given_up, None)


def _ticks(printed: str) -> dict[str, list[Instant] | None]:
    told: dict[str, list[Instant] | None] = {}
    original = ""
    ticks: list[Instant] = []
    for key, value in (line.strip().split(": ", 1) for line in printed.splitlines() if ": " in line):
        if key == "Original form":
            original = value
        elif key == "Normalized form":  # the original is not printed where it is the same
            told[original or value] = ticks = []
            original = ""
        elif value.endswith(" UTC"):
            ticks.append(at(value.split(" ", 1)[1].removesuffix(" UTC")))
    return told


def ours(line: str, zone: ZoneInfo, base: Instant) -> list[Instant]:
    """The first ticks of a line; none of one that can never come."""
    try:
        calendar = CalendarLine.parse(line, ZoneInfo)
    except ConditionError as error:
        if "never happens" in error.message:
            return []
        raise

    ticks: list[Instant] = []
    while len(ticks) < TICKS and (tick := calendar.next(ticks[-1] if ticks else base, zone)) is not None:
        ticks.append(tick)
    return ticks


def _calm(ticks: Sequence[Instant], end: Instant, zone: ZoneInfo) -> list[Instant]:
    """Those up to there where the zone's clock is not set within two days: elsewhere we differ on purpose."""

    def calm(tick: Instant) -> bool:
        return len({offset_at(tick + days * DAY, zone) for days in range(-2, 3)}) == 1

    return [tick for tick in ticks if tick <= end and calm(tick)]


@pytest.mark.parametrize("name", [name for name in MANY_ZONES if name not in LEFT_OUT])
def test_calendar_lines_tick_when_systemd_says(name: str) -> None:
    dice = random.Random(f"{SEED} {name}")  # noqa: S311 - no secret
    zone, base = ZoneInfo(name), at("1991-01-01") + dice.randrange(50 * 365) * DAY
    lines = list(dict.fromkeys(islice(iter(Calendars(dice).line, ""), LINES)))
    theirs = asked_systemd(lines, name, base)
    for line, ticks in theirs.items():
        if ticks is not None:
            told = f"{line!r} after {local(base)} in {name}, seed {SEED}"
            mine = ours(line, zone, base)
            end = min([base + 100 * 365 * DAY, *ticks[-1:], *mine[-1:]])
            own = ZoneInfo(line.split()[-1]) if line.endswith(NAMED) else zone
            assert _calm(mine, end, own) == _calm(ticks, end, own), told
            assert bool(ticks) or not mine, told
    for line in lines:
        if line not in theirs:
            with pytest.raises(ConditionError):
                CalendarLine.parse(line, ZoneInfo)


@pytest.mark.parametrize(
    ("line", "why", "base", "theirs", "mine"),
    [
        (
            "02:30",
            "what a gap skips comes at its end; systemd leaves it out",
            "2026-03-28 12:00",
            "2026-03-30 00:30",
            "2026-03-29 01:00",
        ),
        (
            "*:30",
            "what goes on in real time comes in both occurrences of an hour; systemd leaves one out",
            "2026-10-25 00:40",
            "2026-10-25 02:30",
            "2026-10-25 01:30",
        ),
    ],
)
def test_where_the_clock_is_set_we_differ_on_purpose(line: str, why: str, base: str, theirs: str, mine: str) -> None:
    """As cronie does it, for every kind of tick."""
    zone, begin = ZoneInfo("Europe/Berlin"), at(base)
    assert (asked_systemd([line], "Europe/Berlin", begin)[line] or [])[0] == at(theirs), why
    assert ours(line, zone, begin)[0] == at(mine), why


def test_steps_that_end_within_a_field_lose_nothing_of_the_next() -> None:
    """After the 25th, systemd 252 takes the 37th for the next, which is the 6th of January: it misses the first."""
    line, begin = "*-*-1/12", at("2026-12-26")
    theirs, mine = asked_systemd([line], "UTC", begin)[line] or [], ours(line, ZoneInfo("UTC"), begin)
    assert mine[:2] == [at("2027-01-01"), at("2027-01-13")]
    assert theirs[0] in {at("2027-01-01"), at("2027-01-13")}


def test_a_range_of_one_second_is_read_here_and_refused_by_systemd() -> None:
    assert asked_systemd(["*:*:59..59", "*:59..59"], "UTC", at("2026-01-01")).keys() == {"*:59..59"}
    assert ours("*:*:59..59", ZoneInfo("UTC"), at("2026-01-01"))[0] == at("2026-01-01 00:00:59")


# -- durations

UNITS = "usec us msec ms seconds second sec s minutes minute min m hours hour hr h days day d weeks week w months M y"


class Spans:
    """Draws time spans, some of which are none."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def span(self) -> str:
        return "".join(self._part() for _ in range(self._dice.randint(1, 4))).strip()

    def _part(self) -> str:
        unit = self._dice.choice([*UNITS.split(), *([""] * 4), "mn", "hx"])
        return f"{self._number()}{self._dice.choice(['', ' '])}{unit}{self._dice.choice(['', ' '])}"

    def _number(self) -> str:
        whole = self._dice.randrange(10 ** self._dice.randint(1, 5))
        return f"{whole}.{self._dice.randrange(999)}" if self._dice.random() < 0.3 else f"{whole}"


def spans_of_systemd(spans: Sequence[str]) -> dict[str, int]:
    """How long each is that systemd reads; it stops at the first that it does not."""
    lengths: dict[str, int] = {}
    while spans:
        answer = subprocess.run(
            ["systemd-analyze", "timespan", *spans],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.findall(r"(?m)^Original: (.*)\n +[μu]s: (\d+)$", answer.stdout)
        lengths.update({span: int(length) for span, length in found})
        spans = spans[len(found) + 1 :]
    return lengths


def test_durations_are_as_long_as_systemd_says() -> None:
    dice = random.Random(SEED)  # noqa: S311 - as above
    spans = list(dict.fromkeys(islice(iter(Spans(dice).span, ""), 50 * LINES)))
    theirs = spans_of_systemd(spans)
    assert len(theirs) > len(spans) // 2
    for span in spans:
        if span not in theirs:
            with pytest.raises(ConditionError):
                parse_duration(span)
        elif theirs[span] <= LONGEST:  # of long fractions it loses up to ten microseconds, digit by digit
            assert 0 <= parse_duration(span) - theirs[span] <= 10, span
