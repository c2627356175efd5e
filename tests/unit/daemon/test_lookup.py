"""What names a run."""

import pytest

from rocketd.core.model.events import NoSuchRun, Refusal
from rocketd.core.model.records import RunView
from rocketd.core.model.run import Action, Run, Trigger
from rocketd.daemon.lookup import only_match, run_filter_of

RUN_ID = "0640b5ee-ce00-7000-8000-00000000000a"
ONE = RunView(Run("job", 3, RUN_ID, 1, 0, 0, Trigger.SCHEDULE, "daily"), Action.RUN, None, 0)


@pytest.mark.parametrize("which", [RUN_ID, RUN_ID[:8], RUN_ID[:9], RUN_ID.upper(), "0640b5eece", "job/3"])
def test_an_id_its_beginning_and_a_number_name_it(which: str) -> None:
    assert only_match(which, [ONE]) is ONE


@pytest.mark.parametrize("which", ["0", RUN_ID[:7], "", "-"])
def test_less_of_an_id_names_nothing_even_if_only_one_begins_like_that(which: str) -> None:
    with pytest.raises(NoSuchRun):
        only_match(which, [ONE])


def test_several_are_told_by_their_numbers() -> None:
    with pytest.raises(Refusal, match="several run ids begin with") as refused:
        only_match(RUN_ID[:8], [ONE, ONE])
    assert "job/3" in refused.value.hint


def test_it_is_asked_for_as_it_is_recorded() -> None:
    assert run_filter_of("0640B5EECE00").run_id == RUN_ID[:13]
    assert (run_filter_of("a/b/12").task, run_filter_of("a/b/12").number) == ("a/b", 12)
