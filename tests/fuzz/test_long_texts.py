"""Long texts, each of one shape: reading one takes time that grows with its length, and no faster.

Where Python walks, the lines of Python that are executed are counted: twice the text takes about twice as many. For
regular expressions the text is far longer than a condition may be: what grows faster does not come back in time.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import pytest

from rocketd.config.cross_file_checks import WatchedTasks, unknown_tasks
from rocketd.core.errors import ConditionError
from rocketd.core.language import parser
from rocketd.core.language.dialects import cron_dialects, english, intervals
from rocketd.core.language.dialects.translation import suggest_cron_line
from rocketd.core.language.parser import parse
from rocketd.core.model.task import Command, Task

PATIENCE: Final = 60
"""Seconds: what hangs takes hours."""
SHORT: Final = 3_000
LONG: Final = 100_000


def of(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda length: before + piece * (length // len(piece)) + after


SHAPES: Final[dict[str, Callable[[int], str]]] = {
    "opening brackets": of("("),
    "closing brackets": of(")", "daily"),
    "closing brackets alone": of(")"),
    "negated brackets": of("(~"),
    "brackets with blanks": of("( "),
    "brackets with words": of("(daily & "),
    "negations": of("~", "", "daily"),
    "blanks": of(" "),
    "lines": of("\n"),
    "blanks between": of(" ", "daily &", "& daily"),
    "quotes": of('"'),
    "both quotes": of("\"'"),
    "escaped quotes": of('\\"', '"'),
    "escaped quotes in a word": of("\\'", "after_success('"),
    "a quote in each line": of('"a\n'),
    "operators": of("&"),
    "dots": of("daily."),
    "windows": of("daily & ", "", "daily"),
    "windows and intervals": of('daily & every("9 days") & ', "", "daily"),
    "dates": of('since("2026-01-01") & until("2027-01-01") & ', "", "daily"),
    "alternatives": of("daily | ", "", "daily"),
    "weeks": of("1,", "iso_week(", "1)"),
    "weeks in a phrase": of("1,", "iso week ", "1"),
    "marks": of('"10:00",', "daily.at(", '"11:00")'),
    "marks in a phrase": of("10:00, ", "daily at ", "11:00"),
    "tasks": of("'a', ", "after tasks ", "'a'"),
    "a list of minutes": of("1,", 'cron("', '1 * * * *")'),
    "a list of hours": of("1,", 'calendar("', '1:00")'),
    "a cycle": of(" ", "every other week", "x"),
    "an interval with blanks": of(" ", "every a", "x"),
    "since and since": of(" since ", "every 2", "x"),
    "an interval in a cron line": of(" ", 'cron("@every x', 'y")'),
    "a duration": of("1d", 'every("', '")'),
    "a path": of("a/", 'path_exists("', '")'),
    "escapes": of("\\x41", 'after_success("', '")'),
    "words": of("a b c "),
    "NUL": of("\0"),
}


@contextmanager
def patience() -> Iterator[None]:
    """Fail if what is inside has not come back by then: regular expressions look for signals."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not read in {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def steps(text: str) -> int:
    """How many lines of Python are executed to read that text, also in generators."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - it returns itself
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(ConditionError):
            parse(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_text_takes_about_twice_the_steps(shape: str) -> None:
    text = SHAPES[shape]
    with patience():
        once, twice = (steps(text(length)) for length in (SHORT, 2 * SHORT))
    assert twice < 2.5 * once + 1_000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_of_any_length_is_read(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "_LONGEST", 2 * LONG)
    with patience(), suppress(ConditionError):
        parse(SHAPES[shape](LONG))


@pytest.mark.parametrize(
    "text",
    [
        "TZ=UTC " * 20 + "x" + " UTC" * 20,
        "TZ=UTC " * 42,
        "x" + " Europe/Berlin" * 20,
        "cron(" * 49 + "x" + ")" * 49,
        "cron: " * 48,
        "a-" * 149 + "x",
        "on every " * 33,
        "first " * 50,
        "monday and " * 27,
        "R/" * 150,
        "P1D" * 100,
        "@every " + " x" * 140,
        "H(1-2)/" * 42,
        "1~2/" * 74,
        "in A/b" * 49,
        "10:00 " * 50,
    ],
)
def test_no_dialect_takes_for_ever(text: str) -> None:
    """Up to 300 characters are compared with what other schedulers read."""
    assert len(text) <= 300
    with patience():
        for advice in (cron_dialects.advice, english.advice, intervals.advice, intervals.calendar_advice):
            advice(text)
        suggest_cron_line(ConditionError("no", about=text), "cron", text, parse)


def test_a_line_with_a_zone_is_still_known() -> None:
    for line in ("TZ=Europe/Berlin 0 3 * * *", "0 3 * * * Europe/Berlin", "TZ=Europe/Berlin cron(0 3 * * *)"):
        found = cron_dialects.advice(line)
        assert found is not None
        assert found.settings == ('timezone = "Europe/Berlin"',)


def test_many_alternatives_of_a_tick_beside_many_parts_are_refused() -> None:
    few = " | ".join(["cron('0 3 * * *')", *["running('a')"] * 20])
    parse(f"({few}) & {' & '.join(['daily'] * 20)}")
    many = " | ".join(["cron('0 3 * * *')", *["running('a')"] * 100])
    with pytest.raises(ConditionError, match="101 alternatives of a tick cannot be joined to 100 parts") as refused:
        parse(f"({many}) & {' & '.join(['daily'] * 100)}")
    assert refused.value.end > refused.value.start


def test_similar_names_are_looked_for_a_limited_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def guess(name: str, _known: object) -> str:
        asked.append(name)
        return "did you mean b?"

    monkeypatch.setattr("rocketd.config.cross_file_checks.did_you_mean", guess)
    names = ", ".join(f"'a{number}'" for number in range(100))
    when = parse(f"after_any_fail({names})")
    tasks = {"b": Task("b", Command(("/bin/true",)), when=when)}
    found = list(unknown_tasks(tasks, WatchedTasks(), {}, (), ()))
    assert len(found) == 100
    assert len(asked) == sum(bool(one.mistake.hint) for one in found) == 20
