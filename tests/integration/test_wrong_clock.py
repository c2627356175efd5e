"""The real daemon with a wall clock that is wrong for a while: docs/explanation/wrong-clocks.md."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rocketd.core.model.run import Action
from support.daemon_process import Daemon
from support.libfaketime import FakedClock, needs_faketime

pytestmark = needs_faketime

HOUR, DAY = 3600, 86_400
YEAR = 365 * DAY
WATCHDOG = {"WATCHDOG_USEC": "400000"}
"""A service manager that waits for ten heartbeats a second."""
GOOD = "every('500 ms', based='finish')"


def a_task(name: str, when: str, more: str = "") -> str:
    return f'[task.{name}]\ncommand = ["/bin/true"]\nwhen = "{when}"\ntimezone = "UTC"\n{more}\n'


class Wrong(Daemon):
    """A daemon with a clock that may be wrong, and a task that tells that it lives."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakedClock(directory)
        super().__init__(directory, environment=self.clock.environment | WATCHDOG)
        self.write("good.toml", a_task("good", GOOD))

    def set(self, seconds: int, direction: str) -> None:
        """Set its clock, and wait until that has been noticed and everything judged by it."""
        self.clock.set(seconds)
        self.after(f"the clock was set {direction} by ")
        self.passes()

    def after(self, text: str) -> None:
        """Wake it, and wait until it has said that once more."""
        seen = self.said(text)
        self.signal(signal.SIGHUP)
        self.until(lambda: self.said(text) > seen)

    def said(self, text: str) -> int:
        return sum(text in line for line in self.lines)

    def passes(self, times: int = 2) -> None:
        """Wait until it has gone on in real time."""
        seen = self.said("good started")
        self.until(lambda: self.said("good started") >= seen + times)

    def beats(self, times: int) -> None:
        seen = self.notices.count("WATCHDOG=1")
        self.until(lambda: self.notices.count("WATCHDOG=1") >= seen + times)

    def numbers(self, task: str) -> list[int]:
        """The numbers of its runs, those of missed times as 0."""
        return [view.run.number for view in self.runs(task)]

    def missed(self) -> list[str]:
        """What was missed, but for what a busy machine misses."""
        missed = [view.run for view in self.runs() if view.action is Action.MISSED]
        return [f"{run.task}: {run.reason}" for run in missed if not run.reason.startswith("still running")]

    def told(self, *words: str) -> dict[str, object]:
        """Ask it, by rocketctl, which has the same clock."""
        places = [f"--config-dir={self.config}", f"--state-dir={self.state}", f"--runtime-dir={self.runtime}"]
        command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words, "--json"]
        environment = os.environ | self.clock.environment
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
        told = json.loads(done.stdout)
        found: dict[str, object] = told[0] if isinstance(told, list) else told
        return found


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Wrong]:
    tmp_path.chmod(0o755)
    with Wrong(tmp_path) as daemon:
        yield daemon


FIXED = {"daily": "daily", "weekly": "weekly", "monthly": "monthly", "cron3": "cron('0 3 * * *')"}


@pytest.mark.parametrize("seconds", [-2 * YEAR, -10 * DAY, -2 * HOUR])
def test_a_boot_with_an_old_clock_runs_nothing_twice_and_invents_no_miss(daemon: Wrong, seconds: int) -> None:
    """RTC battery, no RTC at all, a snapshot of a VM; then NTP."""
    daemon.write("a.toml", "".join(a_task(name, when) for name, when in FIXED.items()))
    daemon.start()
    for name in ("daily", "weekly", "monthly"):
        daemon.until_line(f"{name} succeeded")
    daemon.stop()
    daemon.clock.set(seconds)
    daemon.start()
    daemon.passes()
    daemon.set(0, "forward")
    assert [daemon.numbers(name) for name in FIXED] == [[1], [1], [1], []]
    assert daemon.missed() == []


@pytest.mark.parametrize("seconds", [2 * YEAR, 10 * DAY])
def test_a_boot_with_a_clock_that_is_ahead_invents_no_miss_and_deletes_nothing(daemon: Wrong, seconds: int) -> None:
    daemon.write("a.toml", "".join(a_task(name, when) for name, when in FIXED.items()))
    daemon.start()
    daemon.until_line("monthly succeeded")
    daemon.passes(4)
    daemon.stop()
    before = {(view.run.task, view.run.number) for view in daemon.runs()}
    daemon.clock.set(seconds)
    daemon.start()
    daemon.passes()
    daemon.beats(10)
    daemon.set(0, "back")
    daemon.stop()
    assert daemon.missed() == []
    assert before <= {(view.run.task, view.run.number) for view in daemon.runs()}


def test_a_clock_that_is_a_year_ahead_for_a_while_deletes_nothing(daemon: Wrong) -> None:
    daemon.start()
    daemon.passes(4)
    daemon.set(YEAR, "forward")
    daemon.beats(20)
    daemon.set(0, "back")
    daemon.beats(5)
    daemon.stop()
    assert daemon.numbers("good")[:4] == [1, 2, 3, 4]
    assert daemon.missed() == []


FLOWING = {
    "cron5s": "cron('*/5 * * * * *')",
    "cron": "cron('* * * * *')",
    "cron5": "cron('*/5 * * * *')",
    "minutely": "minutely",
    "calendar": "calendar('*:0/2')",
    "hourly": "hourly",
}
WITHIN = {"cron": 60, "minutely": 60, "cron5": 300, "calendar": 120, "hourly": 3600}
"""Seconds until the next start, at most."""


@pytest.mark.parametrize("seconds", [2 * HOUR, 10 * DAY])
def test_what_goes_on_in_real_time_goes_on_after_a_clock_that_was_ahead(daemon: Wrong, seconds: int) -> None:
    """A dual boot with Windows, then NTP."""
    daemon.write("a.toml", "".join(a_task(name, when) for name, when in FLOWING.items()))
    daemon.clock.set(seconds)
    daemon.start()
    daemon.until_line("minutely succeeded")
    daemon.until_line("cron5s succeeded")
    daemon.set(0, "back")
    seen = daemon.said("cron5s succeeded")
    daemon.until(lambda: daemon.said("cron5s succeeded") >= seen + 2)
    for name, within in WITHIN.items():
        assert left(daemon, name) <= within
    assert daemon.missed() == []


def left(daemon: Wrong, name: str) -> float:
    """Seconds until its next start, as `list` tells it; `why` must tell the same."""
    shown, why = daemon.told("show", name), daemon.told("why", name)
    upcoming = datetime.fromisoformat(str(shown["next"]))
    assert f"at {upcoming:%H:%M}" in str(why["waiting_for"]), (shown, why)
    return (upcoming - datetime.now(UTC)).total_seconds()


def test_a_fixed_time_of_day_stays_used_up_after_a_clock_that_was_ahead(daemon: Wrong) -> None:
    """The task ran by a clock that was two hours ahead; by the right one that time is still to come."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    daemon.write("a.toml", a_task("fixed", f"cron('{soon.minute} {soon.hour} * * *')"))
    daemon.start()
    daemon.passes()
    daemon.set(2 * HOUR, "forward")
    daemon.until_line("fixed succeeded")
    daemon.set(0, "back")
    assert left(daemon, "fixed") > 12 * HOUR
    daemon.set(90 * 60, "forward")
    daemon.set(0, "back")
    daemon.stop()
    daemon.start()
    assert left(daemon, "fixed") > 12 * HOUR
    assert daemon.numbers("fixed") == [1]
    assert daemon.missed() == []


def test_a_clock_that_goes_forward_and_back_again_and_again_runs_each_day_once(daemon: Wrong) -> None:
    daemon.write("a.toml", a_task("daily", "daily") + a_task("cron3", "cron('0 3 * * *')"))
    daemon.start()
    daemon.until_line("daily succeeded")
    for seconds, direction in ((10 * DAY, "forward"), (-10 * DAY, "back"), (10 * DAY, "forward"), (0, "back")):
        daemon.set(seconds, direction)
    assert (daemon.numbers("daily"), daemon.numbers("cron3")) == ([1, 2], [1])
    assert daemon.missed() == []


def test_a_timeout_and_a_long_interval_are_real_time(daemon: Wrong) -> None:
    long = '[task.long]\ncommand = ["/bin/sleep", "1000"]\nwhen = "daily"\ntimeout = "1 h"\n'
    long += "stop_when = \"running.more_than('2 h')\"\n"
    daemon.write("a.toml", long + a_task("rare", "every('5 h')"))
    daemon.start()
    daemon.until_line("long started")
    daemon.until_line("rare succeeded")
    daemon.set(YEAR, "forward")
    daemon.set(0, "back")
    daemon.set(-YEAR, "back")
    daemon.set(0, "forward")
    assert [view.action for view in daemon.runs("long")] == [Action.RUN]
    assert daemon.numbers("rare") == [1]
    daemon.stop_at_once()
