"""Hosts as they are shown: their states, and whose tasks differ."""

import pytest

from rocketd.core.instant import MINUTE, SECOND
from rocketd.fleet.overview import FleetHost, HostState, TaskDigest, differing


@pytest.mark.parametrize(
    ("stopped", "left", "silent", "state"),
    [
        (False, SECOND, 9 * SECOND, HostState.ALIVE),
        (False, 0, 10 * SECOND, HostState.SILENT),
        (False, -4 * MINUTE, 5 * MINUTE - 1, HostState.SILENT),
        (False, -5 * MINUTE, 5 * MINUTE, HostState.LOST),
        (True, -9 * MINUTE, 9 * MINUTE, HostState.STOPPED),
    ],
)
def test_a_host_is_alive_silent_lost_or_stopped(*, stopped: bool, left: int, silent: int, state: HostState) -> None:
    host = FleetHost("web1", "", "1", (), 0, 0, stopped, left, silent, 5 * MINUTE, None, 0, 0, 0)
    assert host.state is state


def digests(**tasks: str) -> list[TaskDigest]:
    """One letter for each of the hosts h0, h1 …; a dash: it has no such task."""
    pairs = [(f"h{place}", task, letter) for task, letters in tasks.items() for place, letter in enumerate(letters)]
    return [TaskDigest(*pair) for pair in pairs if pair[2] != "-"]


@pytest.mark.parametrize(
    ("tasks", "differ"),
    [
        ({"a": "xxx"}, {}),
        ({"a": "xyx"}, {"h1": ["a"]}),
        ({"a": "yxx"}, {"h0": ["a"]}),
        ({"a": "xy"}, {"h1": ["a"]}),
        ({"a": "-yx"}, {"h2": ["a"]}),
        ({"a": "x--"}, {}),
        ({"b": "xy", "a": "xz"}, {"h1": ["a", "b"]}),
    ],
)
def test_those_that_differ_from_most_are_named(tasks: dict[str, str], differ: dict[str, list[str]]) -> None:
    assert differing(digests(**tasks)) == differ
    assert differing(reversed(digests(**tasks))) == differ
