"""What people see of a comparison: the clock of their host, and beside it that of an entry's own zone."""

import re
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from rocketd.cli.json_fields import objects
from rocketd.cli.render.imported import comparison_lines, imported_object
from rocketd.cli.render.tables import RenderOptions
from rocketd.importer.comparison import Comparison
from rocketd.time_zones import named_zone

AT = datetime(2026, 11, 30, 3)  # noqa: DTZ001 - a wall time
NARROW, WIDE = (RenderOptions(0, columns, colour=False) for columns in (80, 200))


@pytest.fixture(autouse=True)
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("look", [NARROW, WIDE])
def test_the_clock_of_the_host_and_that_of_the_zone(look: RenderOptions) -> None:
    there = Comparison("a", named_zone("Europe/Helsinki"), "Europe/Helsinki", [AT], [AT], "croniter")
    here = Comparison("b", named_zone("local"), "", [AT], [AT], "croniter")
    _, first, second, *below = (re.split(r" {2,}", line) for line in comparison_lines([there, here], look))
    assert first == ["a", *["Sun 11-29 20:00"] * 2, "1", "equal (croniter)"]
    assert second == ["b", *["Mon 11-30 03:00"] * 2, "1", "equal (croniter)"]
    ((line,),) = below
    assert line.startswith("a: next Mon 03:00 in Europe/Helsinki")


def test_a_difference_is_shown_by_both_clocks() -> None:
    one = Comparison("a", named_zone("Europe/Helsinki"), "Europe/Helsinki", [AT], [], "croniter", differing=[AT])
    assert comparison_lines([one], WIDE)[-1] == (
        "a: Sun 2026-11-29 20:00:00 (Mon 03:00 in Europe/Helsinki) is only in the old schedule"
    )


def test_in_json_a_time_has_its_offset() -> None:
    one = Comparison("a", named_zone("Europe/Helsinki"), "Europe/Helsinki", [AT], [], "croniter", differing=[AT])
    (found,) = objects(imported_object([], [one])["comparison"])
    assert found["timezone"] == "Europe/Helsinki"
    assert found["old"] == found["differing"] == ["2026-11-30T03:00:00+02:00"]
