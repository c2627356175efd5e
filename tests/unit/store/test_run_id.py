"""Run ids."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.instant import MILLISECOND
from rocketd.store.run_id import RunIds, new_run_id


def test_it_is_a_version_7_uuid_of_the_millisecond() -> None:
    made = UUID(new_run_id(1_645_557_742_000 * MILLISECOND))  # the example of RFC 9562, appendix A.6
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.hex[:12] == "017f22e279b0"


@given(st.lists(st.integers(0, 2**41 * MILLISECOND), min_size=2))
def test_each_is_higher_than_the_one_before_whatever_the_clock_does(instants: list[int]) -> None:
    ids = RunIds()
    made = [ids.new(now) for now in instants]
    assert made == sorted(set(made))


def test_within_a_millisecond_they_differ() -> None:
    ids = RunIds()
    assert len({ids.new(7) for _ in range(1000)}) == 1000
