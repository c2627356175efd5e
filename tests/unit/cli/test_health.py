"""`rocketctl health`: the state, the line and the perfdata, as the guidelines for plugins want them."""

import re

import pytest

from rocketd.cli.commands.health import HealthLimits, assess
from rocketd.cli.nagios import PluginState, plugin_output
from rocketd.core.instant import HOUR, SECOND
from rocketd.daemon.json_format import JsonObject, rfc3339

NOW = 1_790_000_000 * SECOND
STATUS: JsonObject = {"degraded": None, "problems": 0}
PERFDATA = re.compile(r"\w+=\d+;\d*;\d*;0( \w+=\d+;\d*;\d*;0)*")


def task(name: str, *, age: int = 1, **more: object) -> JsonObject:
    told: JsonObject = {"task": name, "last_success": rfc3339(NOW - age * HOUR), "failing": False, "overdue_at": None}
    return {**told, "paused": False, "disabled": False, "running": False, "armed_at": rfc3339(0), **more}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("tasks", "limits", "state", "said"),
    [
        ([task("a"), task("b")], HealthLimits(), PluginState.OK, "2 tasks in order"),
        ([], HealthLimits(), PluginState.OK, "0 tasks in order"),
        ([task("a", failing=True), task("b")], HealthLimits(), PluginState.CRITICAL, "1 of 2 tasks bad: a"),
        ([task("a", failing=True, paused=True)], HealthLimits(), PluginState.OK, "0 tasks in order"),
        ([task("a", failing=True, disabled=True)], HealthLimits(), PluginState.OK, "0 tasks in order"),
        ([task("a", failing=True)], HealthLimits(warning=1, critical=2), PluginState.WARNING, "1 of 1 task bad: a"),
        ([task("a", age=26)], HealthLimits(max_age=25 * HOUR), PluginState.CRITICAL, "1 of 1 task bad: a"),
        ([task("a", last_success=None)], HealthLimits(max_age=25 * HOUR), PluginState.CRITICAL, "1 of 1 task bad: a"),
        ([task("a", overdue_at=rfc3339(NOW - 1))], HealthLimits(), PluginState.CRITICAL, "1 of 1 task bad: a"),
        ([task("a", overdue_at=rfc3339(NOW + 1))], HealthLimits(), PluginState.OK, "1 task in order"),
    ],
)
def test_tasks_are_judged(tasks: list[JsonObject], limits: HealthLimits, state: PluginState, said: str) -> None:
    report = assess(tasks, STATUS, NOW, limits)
    text, _, perfdata = report.lines[0].partition(" | ")
    assert (report.state, text) == (state, f"ROCKETD {state.name} - {said}")
    assert PERFDATA.fullmatch(perfdata)


def test_what_is_bad_is_told_one_by_one() -> None:
    tasks = [task("restic", age=26, failing=True), task("new", last_success=None, failing=True)]
    lines = assess(tasks, STATUS, NOW, HealthLimits()).lines
    assert lines[1:] == ["restic failed, last succeeded 1d 2h ago", "new failed, has never succeeded"]


def test_a_daemon_that_is_degraded_is_a_warning_and_its_words_break_nothing() -> None:
    report = assess([], {"degraded": "disk | \nfull", "problems": 2}, NOW, HealthLimits())
    assert report.state is PluginState.WARNING
    assert report.lines[0].startswith("ROCKETD WARNING - degraded: disk / full; 2 problems in task files | tasks=0;;;0")
    assert plugin_output(PluginState.UNKNOWN, "a\nb|c") == ["ROCKETD UNKNOWN - a b/c"]
