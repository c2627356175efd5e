"""What `max_age` and `slow_after` take."""

import pytest

from rocketd.config.deadline_settings import max_age, slow_after
from rocketd.config.problems import BadValue
from rocketd.core.instant import HOUR
from rocketd.core.model.task import SlowAfter


def test_a_limit_or_a_multiple() -> None:
    assert slow_after("2h") == SlowAfter(limit=2 * HOUR)
    assert slow_after("3x") == slow_after("3 x") == SlowAfter(factor=3.0)
    assert slow_after("1.5x") == SlowAfter(factor=1.5)
    assert slow_after("") is None
    assert max_age("25h") == 25 * HOUR
    assert max_age("") is max_age("infinity") is None


@pytest.mark.parametrize("value", ["x", "0x", "1x", "0.5x", "-3x", "3xx", "12345x", 3, "soon", "0s"])
def test_what_is_neither_is_told(value: object) -> None:
    with pytest.raises(BadValue):
        slow_after(value)
