"""The other spelling of conditions, for text only: `daily between 10:00 and 12:00`, `after task 'extract' failed`.

    hours    "between" mark "and" mark | ("after" | "before" | "starting") mark
             | ("at" | "on") mark (("," | "and") mark)*
    time     "time" "of" unit
    after    "after" ["any" | "all"] ("task" | "tasks") text ("," text)*
             ["succeeded" | "failed" | "finished" | "missed"] ["delay" duration] ["within" duration]
    has      ["task" text] "has" what ["today" | "this" unit | ["in"] "past" duration]
    is       ["while"] ["task" text] "is" "running"
    always   "always" ("true" | "false")
    host     "path" text "exists" | "unit" text "is" "active" | "load" "below" number
             | "command" text "succeeds" ["every" duration] | "env" text ["is" text]
             | "host" "up" (("more" | "less") "than" duration)+
    date     "iso" "week" ("even" | "odd" | number ("," number)*) | ("since" | "until") date [time]
             | "every" ("other" | ordinal) unit "since" date                                        phrases_dates.py
    workday  ("workday" | "holiday") ["of" "calendar" text] | "dates" text
             | "workday" ("of" unit ("on" | "between") number … | "at" day roll)                    phrases_work_days.py
    plain    ("every" | "cron" | "calendar" | "crontime") whatever stands before the next "&", "|" or bracket
             | "retry" number

Hours may follow any word that has them, and a phrase may continue in the Python spelling.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rocketd.core.conditions.after import Many, Outcome
from rocketd.core.conditions.comparison import COMPARISONS
from rocketd.core.errors import ConditionError
from rocketd.core.language.arguments import place
from rocketd.core.language.lexer import Cursor, Token, or_meant, unexpected
from rocketd.core.language.parsed_argument import ParsedArgument
from rocketd.core.language.phrases_dates import read_cycle, read_date_phrase
from rocketd.core.language.phrases_work_days import opens_workday, read_workday
from rocketd.core.language.vocabulary import HOURS, SPANS, WORDS
from rocketd.core.language.word import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.core.model.condition import Condition

_HOURS: Final = {word.name: word for word in HOURS}
_SPANS: Final = {word.name: word for word in SPANS}
_WHAT: Final = tuple(name for name, word in WORDS.items() if word.follows is SPANS)
_OUTCOMES: Final[dict[str, Outcome]] = {
    "succeeded": "success",
    "failed": "fail",
    "finished": "finish",
    "missed": "missed",
}
_MANY: Final[dict[str, Many]] = {"any": "any", "all": "all"}
_RAW: Final = ("every", "cron", "calendar", "crontime")
_HOST: Final = {
    "path": "path_exists",
    "unit": "unit_active",
    "load": "load_below",
    "command": "command_succeeds",
    "env": "env",
}
_AROUND: Final = {"path": ("exists",), "unit": ("is", "active"), "command": ("succeeds",)}
_OPENINGS: Final = ("time", "after", "task", "has", "is", "iso", "since", "until", "host", *_HOST)
_CONSTANTS: Final = ("true", "false")
_OTHERS: Final = {
    "scheduler": (
        'write scheduler_running(more_than="10 min") or scheduler_cycles(more_than=3); both also have less_than, '
        "which is what started … ago means"
    ),
    "param": "in the Python library, a function with @app.cond() and an Arg asks for a parameter",
}
"""How phrases of Rocketry begin that are not read here, and what does the same."""
_ENDS: Final = ("(", ".", ")", "&", "|", "&&", "||", "")


def opens_phrase(token: Token, cursor: Cursor) -> bool:
    """Whether a phrase begins with that token, which has just been read."""
    if token.text in _OTHERS and cursor.next.text not in _ENDS:
        raise unexpected(token, "a condition", _OTHERS[token.text])
    if token.text == "always":
        return cursor.next.text in _CONSTANTS
    if token.text == "while":
        return cursor.next.text in ("task", "is")
    if token.text in _OPENINGS:
        return cursor.next.text not in _ENDS
    if opens_workday(token, cursor):
        return True
    if token.text == "retry":
        return cursor.next.kind == "number"
    return token.text in _RAW and cursor.next.text not in _ENDS


def read_phrase(  # noqa: C901, PLR0911 - one case for each kind
    token: Token, cursor: Cursor
) -> tuple[Condition, Sequence[Word]]:
    """Read the phrase that began with that token: its condition, and what may follow it."""
    if token.text == "while":
        token = cursor.take()
    match token.text:
        case "time" | "always":
            word = _unit(cursor) if token.text == "time" else WORDS[cursor.take().text]
            return word.build(word.value, None), word.follows
        case "after":
            return _after(token, cursor), ()
        case "task":
            return _about(cursor, _text(cursor))
        case "has" | "is":
            return _asked(token, cursor, "")
        case "iso" | "since" | "until":
            return read_date_phrase(token, cursor), ()
        case "host":
            return _host_up(token, cursor), ()
        case "workday" | "holiday" | "dates":
            return read_workday(token, cursor), ()
        case asked if asked in _HOST:
            return _of_host(token, cursor), ()
    if token.text == "every" and (cycle := read_cycle(token, cursor)) is not None:
        return cycle, ()
    given = _raw(cursor) if token.text in _RAW else ParsedArgument.of(cursor.take())
    return _build(WORDS[token.text], None, token, [given] if given else [], cursor), ()


def _build(word: Word, of: Condition | None, token: Token, given: list[ParsedArgument], cursor: Cursor) -> Condition:
    try:
        return word.build(word.value if of is None else of, given, cursor.zones)
    except ConditionError as error:
        raise place(error, given, token.start, cursor.done) from None


def _raw(cursor: Cursor, *stops: str) -> ParsedArgument:
    """Read a value in quotes, or a bare one up to where it must end."""
    if cursor.next.kind == "text" and (given := ParsedArgument.of(cursor.next)):
        cursor.take()
        return given
    token = cursor.raw(*stops)
    return ParsedArgument(token.text, token)


def _unit(cursor: Cursor) -> Word:
    _expect(cursor, "of")
    unit = cursor.take()
    word = WORDS.get(f"time_of_{unit.text}")
    if word is None:
        units = [name.removeprefix("time_of_") for name in WORDS if name.startswith("time_of_")]
        raise unexpected(unit, "a unit of time" + or_meant(unit.text, units), f"allowed: {', '.join(units)}")
    return word


def _after(token: Token, cursor: Cursor) -> Condition:
    many = _MANY.get(cursor.next.text)
    if many:
        cursor.take()
    if not cursor.skip("task", "tasks"):
        raise unexpected(cursor.next, "task or tasks", "as in after task 'extract' succeeded")
    names = [_named(cursor)]
    while cursor.skip(","):
        names.append(_named(cursor))
    outcome: Outcome = "success"
    if cursor.next.text in _OUTCOMES:
        outcome = _OUTCOMES[cursor.take().text]
    many = many or ("all" if len(names) > 1 else "")
    word = WORDS[f"after_{many}_{outcome}" if many else f"after_{outcome}"]
    return _build(word, None, token, [*names, *_later(cursor)], cursor)


def _named(cursor: Cursor) -> ParsedArgument:
    token = cursor.next
    return ParsedArgument(_text(cursor), token)


def _later(cursor: Cursor) -> list[ParsedArgument]:
    """Read `delay 2 h` and `within 1 h`, in either order."""
    found: list[ParsedArgument] = []
    while cursor.next.text in ("delay", "within") and all(one.name != cursor.next.text for one in found):
        name = cursor.take().text
        found.append(replace(_raw(cursor, "delay", "within"), name=name))
    return found


def _text(cursor: Cursor) -> str:
    token = cursor.next
    given = ParsedArgument.of(token) if token.kind == "text" else None
    if given is None or not given.value:
        raise unexpected(token, "the name of a task in quotes", "as in after task 'extract' succeeded")
    cursor.take()
    return str(given.value)


def _about(cursor: Cursor, task: str) -> tuple[Condition, Sequence[Word]]:
    token = cursor.take()
    if token.text not in ("has", "is"):
        raise unexpected(token, "has or is", "as in task 'extract' has failed today, task 'extract' is running")
    return _asked(token, cursor, task)


def _asked(verb: Token, cursor: Cursor, task: str) -> tuple[Condition, Sequence[Word]]:
    token = cursor.take()
    allowed = _WHAT if verb.text == "has" else ("running",)
    if token.text not in allowed:
        raise unexpected(
            token, f"what can follow {verb.text}" + or_meant(token.text, allowed), f"allowed: {', '.join(allowed)}"
        )
    word = WORDS[token.text]
    given = [ParsedArgument(task, token)] if task else None
    condition = word.build(word.value, given)
    if word.follows is SPANS and (cursor.skip("in") or cursor.next.text == "past"):
        past = cursor.next
        _expect(cursor, "past", "as in has failed in past 2 hours")
        return _build(_SPANS["past"], condition, past, [_raw(cursor, *COMPARISONS)], cursor), ()
    span = _span(cursor)
    return (span.build(condition, None), span.follows) if span else (condition, word.follows)


def _span(cursor: Cursor) -> Word | None:
    if cursor.skip("today"):
        return _SPANS["today"]
    if not cursor.skip("this"):
        return None
    unit = cursor.take()
    span = _SPANS.get(f"this_{unit.text}")
    if span is None:
        units = [name.removeprefix("this_") for name in _SPANS if name.startswith("this_")]
        raise unexpected(unit, "a unit of time" + or_meant(unit.text, units), f"allowed: {', '.join(units)}")
    return span


def _host_up(token: Token, cursor: Cursor) -> Condition:
    """Read the rest of `host up more than 15 min less than 1 h`."""
    _expect(cursor, "up", "as in host up more than 15 min")
    given: list[ParsedArgument] = []
    while cursor.next.text in ("more", "less") or not given:
        which = cursor.take()
        if which.text not in ("more", "less"):
            raise unexpected(which, "more or less", "as in host up more than 15 min")
        _expect(cursor, "than", f"as in host up {which.text} than 15 min")
        given.append(replace(_raw(cursor, "more", "less"), name=f"{which.text}_than"))
    return _build(WORDS["host_up"], None, token, given, cursor)


def _of_host(token: Token, cursor: Cursor) -> Condition:
    """Read what is asked about the host: a value, and the words around it."""
    word = WORDS[_HOST[token.text]]
    if token.text == "load":
        _expect(cursor, "below", f"as in {word.phrase}")
    given = [_value(word, cursor)]
    for expected in _AROUND.get(token.text, ()):
        _expect(cursor, expected, f"as in {word.phrase}")
    if token.text == "command" and cursor.skip("every"):
        given.append(replace(_raw(cursor), name="every"))
    elif token.text == "env" and cursor.skip("is"):
        given.append(_value(word, cursor))
    return _build(word, None, token, given, cursor)


def _value(word: Word, cursor: Cursor) -> ParsedArgument:
    """Read a value of the kind that the word takes first."""
    token, kind = cursor.next, (word.arguments or ())[0].kind
    given = ParsedArgument.of(token)
    if given is None or not isinstance(given.value, kind.types):
        raise unexpected(token, kind.value, f"as in {word.phrase}")
    cursor.take()
    return given


def _expect(cursor: Cursor, word: str, hint: str = "") -> None:
    if not cursor.skip(word):
        raise unexpected(cursor.next, word, hint)


def opens_hours(follows: Sequence[Word], cursor: Cursor) -> bool:
    """Whether hours come next, and may."""
    return cursor.next.kind == "name" and _HOURS.get(cursor.next.text) in follows


def read_hours(condition: Condition, cursor: Cursor) -> Condition:
    """Read the hours that come next, and narrow the condition to them."""
    token = cursor.take()
    word = _HOURS[token.text]
    given = [_mark(word, cursor)]
    if word.name == "between":
        _expect(cursor, "and", "as in daily between 10:00 and 12:00")
        given.append(_mark(word, cursor))
    elif word.name in ("at", "on"):
        while cursor.skip(",", "and"):
            given.append(_mark(word, cursor))
    return _build(word, condition, token, given, cursor)


def _mark(word: Word, cursor: Cursor) -> ParsedArgument:
    given = _raw(cursor, "and", ",")
    if not given.value:
        raise unexpected(cursor.next, "a time", f"write {word.phrase}")
    return given


def expected_after(follows: Sequence[Word], token: Token) -> str:
    """Return which hours were probably meant by a token that cannot stand there, as the end of a sentence."""
    return or_meant(token.text, [word.name for word in follows if word in HOURS]) if token.kind == "name" else ""
