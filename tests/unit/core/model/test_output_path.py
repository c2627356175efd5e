"""What the name of an output file may hold, and what becomes of it."""

from zoneinfo import ZoneInfo

import pytest

from rocketd.core.instant import HOUR
from rocketd.core.model.output_path import DIRECTIVES, find_unknown_part, output_path
from rocketd.core.model.run import Run, Trigger

BEFORE_NOON = 11 * HOUR + 30 * 60_000_000
RUN = Run("backup", 7, "0193-run", 1, due=0, start=BEFORE_NOON, trigger=Trigger.SCHEDULE, reason="daily")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/var/log/x.log", "/var/log/x.log"),
        ("/var/log/%Y/%m-%d_%H%M%S", "/var/log/1970/01-01_201500"),
        ("/{task}.%F.{number}", "/backup.1970-01-01.7"),
        ("/100%%-{task}%%Y", "/100%-backup%Y"),
    ],
)
def test_it_is_filled_in_by_the_clock_of_the_task(pattern: str, path: str) -> None:
    assert find_unknown_part(pattern) is None
    assert output_path(pattern, RUN, ZoneInfo("Australia/Eucla")) == path


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("/%d-%D", "%D"),
        ("/x%", "%"),
        ("/%%%", "%"),
        ("/%-d", "%-"),
        ("/{name}", "{name}"),
        ("/{}", "{}"),
        ("/{task", "{task"),
        ("/task}", "}"),
    ],
)
def test_what_stands_for_nothing_is_found(pattern: str, part: str) -> None:
    found = find_unknown_part(pattern)
    assert found is not None
    assert found[0] == part


def test_no_part_of_it_leads_into_another_directory() -> None:
    for letter in DIRECTIVES:
        assert "/" not in output_path(f"/%{letter}", RUN, ZoneInfo("UTC"))[1:]
