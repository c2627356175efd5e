"""anacrontab(5): periods, delays and hours."""

import pytest

from rocketd.importer.anacron_task import anacron_tasks
from rocketd.importer.task_draft import NotImported, TaskDraft


@pytest.mark.parametrize(
    ("head", "line", "when"),
    [
        ("", "1 5 cron.daily run-parts --report /etc/cron.daily", "daily.after('00:05')"),
        ("START_HOURS_RANGE=3-22\n", "1 5 a x", "daily.between('03:05', '22:00')"),
        ("START_HOURS_RANGE=3-22\n", "@daily 75 a x", "daily.between('04:15', '22:00')"),
        ("", "7 10 a x", "every('7 days') & time_of_day.after('00:10')"),
        ("", "@weekly 0 a x", "every('7 days')"),
        ("", "@monthly 15 a x", "monthly & time_of_day.after('00:15')"),
        ("START_HOURS_RANGE=22 - 6\n", "1 5 a x", "daily.between('22:05', '06:00')"),
        ("START_HOURS_RANGE=23-6\n", "7 90 a x", "every('7 days') & time_of_day.between('00:30', '06:00')"),
        ("START_HOURS_RANGE=0-24\n", "7 0 a x", "every('7 days')"),
        ("START_HOURS_RANGE=6-8\n", "@monthly 0 a x", "monthly & time_of_day.between('06:00', '08:00')"),
    ],
)
def test_a_job_has_a_window(head: str, line: str, when: str) -> None:
    (one,) = anacron_tasks(head + line, "/etc/anacrontab")
    assert isinstance(one, TaskDraft)
    assert one.when == when
    assert one.settings["user"] == "root"


def test_a_random_delay_is_a_splay() -> None:
    (one,) = anacron_tasks("RANDOM_DELAY=45\n1 5 a x", "f")
    assert isinstance(one, TaskDraft)
    assert one.settings["splay"] == {"most": "45 min", "each": "run"}


def test_hours_past_midnight_are_noted() -> None:
    (one,) = anacron_tasks("START_HOURS_RANGE=22-6\n1 5 a x", "f")
    assert isinstance(one, TaskDraft)
    assert any("pass midnight" in note for note in one.notes)


def test_a_line_that_goes_on_in_the_next_moves_no_number() -> None:
    first, second, third = anacron_tasks("1 5 a x \\\n  y\n\n7 5 b z\n1 5 c \\", "f")
    assert isinstance(first, TaskDraft)
    assert isinstance(second, TaskDraft)
    assert isinstance(third, NotImported)
    assert [first.settings["command"], first.origin, second.origin, third.origin] == [["x", "y"], "f:1", "f:4", "f:5"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1 5 a", "a job has a period"),
        ("x y a b", "a job has a period"),
        ("0 5 a x", "the period 0 is unknown"),
        ("@biweekly 5 a x", "the period @biweekly is unknown"),
        ("1 1500 a x", "the delay of 1500 minutes leads beyond"),
        ("START_HOURS_RANGE=bad\n1 5 a x", "START_HOURS_RANGE=bad is not a range of hours"),
        ("START_HOURS_RANGE=5-5\n1 5 a x", "START_HOURS_RANGE=5-5 is not a range of hours"),
        ("START_HOURS_RANGE=5-25\n1 5 a x", "START_HOURS_RANGE=5-25 is not a range of hours"),
        ("START_HOURS_RANGE=22-6\n1 480 a x", "the delay of 480 minutes leads beyond"),
    ],
)
def test_what_is_not_a_job_is_reported(line: str, why: str) -> None:
    (one,) = anacron_tasks(line, "f")
    assert isinstance(one, NotImported)
    assert one.original == line.rpartition("\n")[2]
    assert one.why.startswith(why)
