"""The keys about what only the clock can miss: `max_age` and `slow_after`."""

import re
from typing import Final

from rocketd.config import value_types
from rocketd.config.problems import BadValue
from rocketd.config.setting import Setting
from rocketd.config.value_types import ValueType
from rocketd.core.instant import Duration
from rocketd.core.model.task import SlowAfter

_FACTOR: Final = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s?x", re.ASCII)


def slow_after(value: object) -> SlowAfter | None:
    """Take a duration, or a multiple as `3x`; an empty text is none."""
    if value == "":
        return None
    if type(value) is str and (found := _FACTOR.fullmatch(value)):
        if (factor := float(found[1])) <= 1:
            raise BadValue("this must be more than 1x", 'for example "3x": three times as long as usual')
        return SlowAfter(factor=factor)
    if type(value) is str and value.rstrip().endswith("x"):
        raise BadValue(f"'{value}' is not a multiple", 'for example "3x": three times as long as usual')
    return SlowAfter(value_types.duration(1)(value))


def max_age(value: object) -> Duration | None:
    """Take a duration; an empty text, or `infinity`, is none."""
    return None if value == "" else value_types.duration_or_infinity(value)


MAX_AGE: Final = Setting[Duration | None](
    "max_age",
    ValueType("duration", max_age),
    None,
    "none",
    "How old the last success of the task may be; then it is overdue, which is reported once. A run that had nothing "
    'to do counts as a success. Not while the task is paused. `""` overrides `[defaults]` with none.',
)
SLOW_AFTER: Final = Setting[SlowAfter | None](
    "slow_after",
    ValueType("duration, or a multiple such as `3x`", slow_after),
    None,
    "none",
    "How long a run may take; then it is slow, which is reported once, and it continues. `3x`: three times the median "
    'of its last 20 successes, once there are three of them. `""` overrides `[defaults]` with none.',
)
