"""Pauses between tries."""

from rocketd.core.backoff import Backoff


def test_each_pause_is_twice_the_last_up_to_the_longest() -> None:
    pauses, pause = [], 0
    for _ in range(7):
        pause = Backoff(1, 30).after(pause)
        pauses.append(pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
