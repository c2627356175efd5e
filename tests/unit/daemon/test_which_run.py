"""Which run somebody means."""

import pytest

from rocketd.core.decisions import NoSuchRun, Refused
from rocketd.core.records import RunFilter, RunView
from rocketd.core.run import Action, Run, Trigger
from rocketd.daemon.which_run import the_run, wanted_run


@pytest.mark.parametrize(
    ("which", "begins"),
    [
        ("019abcde", "019abcde"),
        ("019ABCDEF", "019abcde-f"),
        ("019abcdef012", "019abcde-f012"),
        ("019abcde-f012-7345-8678-9abcdef01234", "019abcde-f012-7345-8678-9abcdef01234"),
        ("019abcdef0127345867890abcdef0123", "019abcde-f012-7345-8678-90abcdef0123"),
    ],
)
def test_digits_of_a_run_id_may_be_given_without_hyphens_and_in_capitals(which: str, begins: str) -> None:
    assert wanted_run(which).run_id == begins


@pytest.mark.parametrize("which", ["backup", "019abcd", "", "019abcde-f012-7345-8678-9abcdef012345", "019abcdg9"])
def test_what_cannot_begin_a_run_id_is_taken_as_it_is(which: str) -> None:
    assert wanted_run(which).run_id == which


def test_a_task_and_a_number_name_one_run() -> None:
    assert wanted_run("backup/7") == RunFilter(task="backup", number=7, limit=1)


def a_run(number: int) -> RunView:
    return RunView(Run("backup", number, f"id-{number}", 1, 0, 0, Trigger.SCHEDULE, ""), Action.RUN, None, 0)


def test_the_only_run_is_the_one() -> None:
    assert the_run("019abcde", [a_run(7)]) == a_run(7)


def test_where_there_are_several_they_are_named_and_none_is_taken() -> None:
    with pytest.raises(Refused) as refused:
        the_run("019abcde", [a_run(number) for number in (4, 3, 2, 1)])
    assert refused.value.hint == "name one: backup/4, backup/3, backup/2, …"
    with pytest.raises(Refused) as refused:
        the_run("019abcde", [a_run(2), a_run(0)])
    assert refused.value.hint == "name one: backup/2, id-0"


def test_where_there_is_none_it_is_told() -> None:
    with pytest.raises(NoSuchRun, match="no run '019abcde' is recorded"):
        the_run("019abcde", [])
