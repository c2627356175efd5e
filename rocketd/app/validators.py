"""Validators of options: a wrong value raises where it is set, not later in the scheduler."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Literal, Required, TypeAlias, TypedDict

from rocketd.config.calendar_settings import read_calendars
from rocketd.config.problems import BadValue
from rocketd.config.splay_value import SplayValue
from rocketd.core.duration import parse_duration
from rocketd.core.errors import RocketdError
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.tags import MOST_TAGS, is_tag

Span: TypeAlias = str | float | timedelta

NEVER = "never"
"""The value for no timeout."""


def duration_of(span: Span) -> Duration:
    """Convert a duration to microseconds; raises RocketdError."""
    if isinstance(span, str):
        return parse_duration(span)
    length = span // timedelta(microseconds=1) if isinstance(span, timedelta) else round(span * SECOND)
    if length < 0:
        raise RocketdError(f"a duration cannot be negative: {span}")
    return length


class SplayOptions(TypedDict, total=False):
    """A splay as a table: `{"most": "10 min", "each": "run"}`; `each` is `host` or `run`."""

    most: Required[Span]
    each: Literal["host", "run"]


def splay_of(value: Span | SplayOptions) -> SplayValue:
    """Convert a splay; raises RocketdError."""
    if not isinstance(value, Mapping):
        return SplayValue(duration_of(value))
    if unknown := [key for key in value if key not in ("most", "each")]:
        raise RocketdError(f"splay has no key {unknown[0]!r}")
    if "most" not in value:
        raise RocketdError("most is missing")
    if (each := value.get("each", "host")) not in ("host", "run"):
        raise RocketdError(f"each is host or run, not {each!r}")
    return SplayValue(duration_of(value["most"]), each_run=each == "run")


Check: TypeAlias = Callable[[object], str]
"""Returns why an option cannot have that value; empty: it can."""


def check(checks: Mapping[str, Check], option: str, value: object) -> None:
    """Raise RocketdError if the option cannot have that value."""
    if option in checks and (why := checks[option](value)):
        raise RocketdError(f"{option} cannot be {value!r}", hint=why)


def one_of(*allowed: str) -> Check:
    """Allow these texts."""
    return lambda value: "" if value in allowed else f"allowed are {', '.join(allowed)}"


def number(least: int | None = None) -> Check:
    """Allow whole numbers, from `least` on."""

    def why(value: object) -> str:
        if not isinstance(value, int):
            return "it is a whole number"
        return "" if least is None or value >= least else f"the minimum is {least}"

    return why


def span(value: object) -> str:
    """Allow durations."""
    try:
        duration_of(value)  # type: ignore[arg-type]  # that is the question
    except RocketdError as error:
        return error.message
    except TypeError:
        return "a duration is text, a number of seconds, or a timedelta"
    return ""


def splay(value: object) -> str:
    """Allow durations, and tables of `most` and `each`."""
    try:
        splay_of(value)  # type: ignore[arg-type]  # that is the question
    except RocketdError as error:
        return error.message
    except TypeError:
        return 'a splay is a duration, or {"most": "10 min", "each": "run"}'
    return ""


def timeout(value: object) -> str:
    """Allow durations, and `never`."""
    return "" if value == NEVER else span(value)


def text(value: object) -> str:
    """Allow texts."""
    return "" if isinstance(value, str) else "it is a text"


def tags(value: object) -> str:
    """Allow sequences of tags."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return 'it is a list of names, as in ["db", "nightly"]'
    wrong = [one for one in value if not (isinstance(one, str) and is_tag(one))]
    if wrong:
        return f"{wrong[0]!r} is not a tag: letters, digits, '.', '_' and '-', the first a letter or a digit"
    return "" if len(value) <= MOST_TAGS else f"a task has at most {MOST_TAGS} tags"


def mapping(value: object) -> str:
    """Allow mappings."""
    return "" if isinstance(value, Mapping) else "it is a mapping of names to values"


def calendars(value: object) -> str:
    """Allow calendars of working days, as rocketd.toml has them."""
    try:
        read_calendars(value)  # type: ignore[arg-type]  # that is the question
    except BadValue as mistake:
        return "; ".join(one.message for one in mistake.under(()))
    except AttributeError:
        return "it is a mapping of names to calendars"
    return ""


def optional(check: Check) -> Check:
    """Allow None, and what that check allows."""
    return lambda value: "" if value is None else check(value)
