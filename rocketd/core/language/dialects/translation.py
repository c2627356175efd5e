"""What was probably meant by a text that is not a condition: a cron line, another scheduler's dialect, English.

Used only after reading has failed. A hint is given only if what it suggests reads as a condition.

    cron_dialects    crontab(5), Quartz, AWS, Jenkins, OpenBSD, fugit
    intervals        intervals and recurrences: 5m, PT5M, R/…, RRULE:…, rate(…), OnCalendar=
    python_calls     interval(minutes=5), crontab(hour=3), every(10).minutes
    english          every weekday at 6, first monday of the month
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.core.errors import ConditionError
from rocketd.core.escaping import visible
from rocketd.core.language.dialects import cron_dialects, english, intervals, python_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocketd.core.language.dialects.equivalent import Equivalent

    Reads = Callable[[str], object]
    """Reads a condition; raises ConditionError."""

_LONGEST: Final = 300
"""A longer text is not worth a guess."""
_PART: Final = re.compile(r"""(?:"[^"]*"|'[^']*'|[^&|"'])+""")
_CALLED: Final = re.compile(
    r"""(?P<word>cron|crontime|calendar|every)\s*\(\s*(?P<q>["'])(?P<line>.*?)(?P=q)\s*(?:,.*)?\)"""
)
_SAID: Final = re.compile(r"(?P<word>cron|crontime|calendar)\s+(?P<line>[^('\"\s].*)")


def suggest_condition(error: ConditionError, text: str, reads: Reads) -> ConditionError:
    """Return an error that says what the text, or the part with the mistake, was meant to be; else the same error."""
    if error.hint.startswith('write "'):  # the reader knows exactly
        return error
    for start, end in dict.fromkeys([_trimmed(text), _stripped(text, 0, len(text)), _part_around(text, error.start)]):
        part = text[start:end]
        if not part or len(part) > _LONGEST or _usable(part, reads):
            continue
        called = _CALLED.fullmatch(part) or _SAID.fullmatch(part)
        if called and not called.start("line") <= error.start - start <= called.end("line"):
            return error  # it is about another argument of the word
        if called and error.hint.startswith("once a ") and error.end - error.start > 1:
            return error  # that a month is no length of time, but not about the M of PT30M
        if called and called["word"] != "every":
            begin = start + called.start("line")
            return _of_line(error, called["word"], called["line"], reads, begin)
        if advice := _advice(called["line"] if called else part, reads, every=called is not None):
            return ConditionError(visible(advice.what), hint=visible(advice.hint), start=start, end=end)
    return error


def suggest_cron_line(error: ConditionError, word: str, line: str, reads: Reads) -> ConditionError:
    """Do the same for the line that Python code passes to `cron`, `crontime` or `calendar`."""
    return error if error.about != line or len(line) > _LONGEST else _of_line(error, word, line, reads, 0)


def _of_line(error: ConditionError, word: str, line: str, reads: Reads, begin: int) -> ConditionError:
    found = cron_dialects.advice(line) or intervals.calendar_advice(line) if line else None
    if word == "crontime" and found:
        found = found.inside()
    if found is None or not all(_usable(one, reads) for one in found.conditions):
        return error
    if found.what == cron_dialects.PLAIN:  # which is obvious: the sentence about the mistake says more
        return ConditionError(error.message, hint=visible(found.hint), start=error.start, end=error.end)
    return ConditionError(visible(found.what), hint=visible(found.hint), start=begin, end=begin + len(line))


def _part_around(text: str, at: int) -> tuple[int, int]:
    """Return the span between the operators that join conditions, without the brackets around it."""
    for found in _PART.finditer(text):
        if found.start() <= at <= found.end():
            return _stripped(text, *found.span())
    return 0, 0


def _trimmed(text: str) -> tuple[int, int]:
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Strip blanks, negations, and brackets that enclose all of it or more."""
    closing, last = _closing_brackets(text, start, end), len(text[:end].rstrip()) - 1
    while start < end and (text[start] in " \t\n~" or closing.get(start, -1) >= last):
        start += 1
    surplus = text.count(")", start, end) - text.count("(", start, end)
    while start < end and (text[end - 1] in " \t\n" or (text[end - 1] == ")" and surplus > 0)):
        surplus -= text[end - 1] == ")"
        end -= 1
    return start, end


def _closing_brackets(text: str, start: int, end: int) -> dict[int, int]:
    """Return where each opening bracket in that part of the text is closed; at the end: it is not."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for place in range(start, end):
        if text[place] == "(":
            opened.append(place)
        elif text[place] == ")" and opened:
            found[opened.pop()] = place
    return found | dict.fromkeys(opened, end)


def _advice(text: str, reads: Reads, *, every: bool = False) -> Equivalent | None:
    for quote in "\"'":
        if len(text) > 1 and text[0] == text[-1] == quote:
            text = text[1:-1].strip()
    for written in (text, f"every {text}") if every else (text,):
        for guess in _GUESSES:
            found = guess(written)
            if found and all(_usable(one, reads) for one in found.conditions):
                return found
    return None


def _calendar(text: str) -> Equivalent | None:
    return intervals.calendar_advice(text) if re.search(r"[:*]|\.\.", text) else None


_GUESSES: Final = (
    cron_dialects.advice,
    intervals.advice,
    python_calls.advice,
    _calendar,
    english.advice,
    intervals.calendar_advice,
)


def _usable(condition: str, reads: Reads) -> bool:
    try:
        reads(condition)
    except ConditionError:
        return False
    return True
