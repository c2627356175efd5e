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


@pytest.mark.parametrize("line", ["1 5 a", "x y a b", "0 5 a x", "1 1500 a x"])
def test_what_is_not_a_job_is_reported(line: str) -> None:
    (one,) = anacron_tasks(line, "f")
    assert isinstance(one, NotImported)
    assert one.original == line
