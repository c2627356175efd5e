"""The times of imported entries beside what croniter says, over a year, and over the changes of the clock."""

from datetime import UTC, datetime

import pytest

from rocketd.core.instant import DAY, SECOND
from rocketd.importer.comparison import compare
from rocketd.importer.cron_task import cron_task
from rocketd.importer.crontab import CrontabEntry, read_crontab
from rocketd.importer.task_draft import OldSchedule, TaskDraft
from rocketd.importer.task_names import name_tasks

NOW = round(datetime(2026, 11, 24, 10, 7, tzinfo=UTC).timestamp()) * SECOND

TABLE = """\
CRON_TZ=Europe/Helsinki
25 6 * * 7 root a
52 6 1 * * root b
18 */3 * * * root c
30 3,4 * * mon-fri root e
57 0 8-14 * sat root f
09,39 * 29 2 * root g
0 0 */2 * 1 root h
@weekly root i
30 2 * * * root j
"""


def test_a_year_of_all_kinds_of_lines() -> None:
    found = [
        cron_task(entry, str(entry.line), "")
        for entry in read_crontab(TABLE, with_user=True)
        if isinstance(entry, CrontabEntry)
    ]
    drafts = [one for one in found if isinstance(one, TaskDraft)]
    name_tasks(drafts, "", set())
    compared = compare(drafts, NOW, NOW + 366 * DAY)
    assert [one.differing for one in compared] == [[] for _ in drafts]
    assert {one.by for one in compared} <= {"croniter", "cronsim"}
    assert {one.task: one.explained for one in compared if one.explained} == {"c": "the clock is changed then"}


def test_a_difference_is_found() -> None:
    draft = TaskDraft(
        "x:1", ["0 3 * * *"], name="x", clock="cron('0 4 * * *')", old=OldSchedule(("0 3 * * *",), zone="UTC")
    )
    (one,) = compare([draft], NOW, NOW + 2 * DAY)
    assert [at.hour for at in one.differing] == [3, 4, 3, 4]
    assert not one.explained


@pytest.mark.parametrize("reason", ["it starts at boot"])
def test_what_has_no_times_says_why(reason: str) -> None:
    (one,) = compare([TaskDraft("x:1", [], name="x", old=OldSchedule(unlike=reason))], NOW, NOW + DAY)
    assert (one.explained, one.differing) == (reason, [])
