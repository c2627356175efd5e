"""A real daemon on a host that is up for a moment each day: its clock is set by libfaketime."""

import os
from collections import Counter
from pathlib import Path

import pytest

from support.daemon_process import Daemon

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
TASKS = 10

pytestmark = pytest.mark.skipif(
    LIBRARY is None and "CI" not in os.environ, reason="libfaketime, a Debian package, is not installed"
)


def write(daemon: Daemon, when: str, splay: str) -> None:
    daemon.write("rocketd.toml", "[rocketd]\ntimezone = 'UTC'\nresume_spread = '1s'\n")
    one = f"[task.t%d]\ncommand = ['/bin/true']\nwhen = \"{when}\"\nsplay = '{splay}'\n"
    daemon.write("tasks.toml", "".join(one % number for number in range(TASKS)))


@pytest.mark.parametrize(
    ("when", "splay"),
    [("calendar('*-*-* 6,18:00')", "12h"), ("daily", "24h"), ("every('1 day')", "24h")],
)
def test_on_a_host_that_is_up_for_a_moment_each_day_each_task_starts_each_day(
    tmp_path: Path, when: str, splay: str
) -> None:
    clock = {"LD_PRELOAD": str(LIBRARY), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
    with Daemon(tmp_path, environment=clock) as daemon:
        write(daemon, when, splay)
        for day in range(4):
            clock["FAKETIME"] = f"@2026-11-0{day + 2} 09:00:00"
            daemon.start()
            daemon.until_line(" succeeded", TASKS * day)
            daemon.stop()
        runs = Counter((view.run.task, view.run.start // 86_400_000_000) for view in daemon.runs() if view.run.number)
    assert set(runs.values()) == {1}, "at most once a day"
    assert len(runs) == 3 * TASKS, "and each day: the first has loaded them, and spreads them over the day"
