"""Durations as Python programs write them: text, a number of seconds, or a timedelta."""

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
