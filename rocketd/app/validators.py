"""What an option can be set to: told where it is set, before the scheduler meets it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

from rocketd.core.duration import parse_duration
from rocketd.core.errors import RocketdError
from rocketd.core.instant import SECOND, Duration

Span: TypeAlias = str | float | timedelta

NEVER = "never"
"""A timeout that is none."""


def duration_of(span: Span) -> Duration:
    """Turn it into microseconds; raises RocketdError."""
    if isinstance(span, str):
        return parse_duration(span)
    length = span // timedelta(microseconds=1) if isinstance(span, timedelta) else round(span * SECOND)
    if length < 0:
        raise RocketdError(f"a duration cannot be negative: {span}")
    return length


Check: TypeAlias = Callable[[object], str]
"""Says why it cannot be this value; empty: it can."""


def check(checks: Mapping[str, Check], option: str, value: object) -> None:
    """Raise RocketdError if the option cannot be set to this."""
    if option in checks and (why := checks[option](value)):
        raise RocketdError(f"{option} cannot be {value!r}", hint=why)


def one_of(*allowed: str) -> Check:
    """One of these."""
    return lambda value: "" if value in allowed else f"allowed are {', '.join(allowed)}"


def number(least: int | None = None) -> Check:
    """A whole number, perhaps not less than this."""

    def why(value: object) -> str:
        if not isinstance(value, int):
            return "it is a whole number"
        return "" if least is None or value >= least else f"it is at least {least}"

    return why


def span(value: object) -> str:
    """A duration."""
    try:
        duration_of(value)  # type: ignore[arg-type]  # that is the question
    except RocketdError as error:
        return error.message
    except TypeError:
        return "a duration is text, a number of seconds, or a timedelta"
    return ""


def timeout(value: object) -> str:
    """A duration, or none."""
    return "" if value == NEVER else span(value)


def text(value: object) -> str:
    """A text."""
    return "" if isinstance(value, str) else "it is a text"


def mapping(value: object) -> str:
    """Values by name."""
    return "" if isinstance(value, Mapping) else "it is a mapping of names to values"


def optional(check: Check) -> Check:
    """As that says, or None."""
    return lambda value: "" if value is None else check(value)
