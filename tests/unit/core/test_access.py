"""Who may do what with which task."""

import pytest

from rocketd.core.model.access import Access, all_operators
from rocketd.core.model.operators import Operators
from rocketd.core.model.task import Command, Task

DBA, BACKUP_GROUP = 1001, 900


def a_task(*, operators: Operators = Operators(), view_output: bool = False) -> Task:  # noqa: B008 - immutable
    return Task("t", Command(("/bin/true",)), operators=operators, view_output=view_output)


CLOSED = a_task()
OPEN = a_task(view_output=True)
OF_USER = a_task(operators=Operators(uids=frozenset({DBA})))
OF_GROUP = a_task(operators=Operators(gids=frozenset({BACKUP_GROUP})))

ROOT = Access(0, frozenset({0}), full=True)
VIEWER = Access(1002, frozenset({1002}), view=True)
USER = Access(DBA, frozenset({DBA}))
MEMBER = Access(1003, frozenset({1003, BACKUP_GROUP}))
STRANGER = Access(BACKUP_GROUP, frozenset({DBA}))
"""Its uid is the number of a group, its group that of a user."""


@pytest.mark.parametrize(
    ("access", "task", "operates", "sees", "sees_output"),
    [
        (ROOT, CLOSED, True, True, True),
        (ROOT, None, True, True, True),
        (VIEWER, CLOSED, False, True, False),
        (VIEWER, OPEN, False, True, True),
        (VIEWER, OF_USER, False, True, False),
        (VIEWER, None, False, True, False),
        (USER, CLOSED, False, False, False),
        (USER, OPEN, False, False, False),
        (USER, OF_USER, True, True, True),
        (USER, OF_GROUP, False, False, False),
        (USER, None, False, False, False),
        (MEMBER, OF_GROUP, True, True, True),
        (MEMBER, OF_USER, False, False, False),
        (STRANGER, OF_USER, False, False, False),
        (STRANGER, OF_GROUP, False, False, False),
    ],
)
def test_a_right_is_granted_or_there_is_none(
    access: Access, task: Task | None, *, operates: bool, sees: bool, sees_output: bool
) -> None:
    assert (access.may_operate(task), access.may_see(task), access.may_see_output(task)) == (
        operates,
        sees,
        sees_output,
    )


def test_the_operators_of_tasks_are_put_together() -> None:
    assert all_operators([CLOSED, OF_USER, OF_GROUP, OF_USER]) == Operators(frozenset({DBA}), frozenset({BACKUP_GROUP}))
    assert not all_operators([CLOSED])
