"""Run ids."""

import os
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.instant import DAY, MILLISECOND, MINUTE
from rocketd.store.run_id import MAX_AHEAD, RunIds, new_run_id


def test_it_is_a_version_7_uuid_of_the_millisecond() -> None:
    made = UUID(new_run_id(1_645_557_742_000 * MILLISECOND))  # the example of RFC 9562, appendix A.6
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.hex[:12] == "017f22e279b0"


@given(st.lists(st.integers(0, MAX_AHEAD), min_size=2))
def test_each_is_higher_than_the_one_before_also_if_the_clock_is_set_back_a_little(instants: list[int]) -> None:
    ids = RunIds()
    made = [ids.new(now) for now in instants]
    assert made == sorted(set(made))


def test_within_a_millisecond_they_differ() -> None:
    ids = RunIds()
    assert len({ids.new(7) for _ in range(1000)}) == 1000


def test_after_a_clock_that_was_far_ahead_they_tell_the_time_again() -> None:
    ids, now = RunIds(), 1_645_557_742_000 * MILLISECOND
    before = ids.new(now)
    ahead = ids.new(now + 3650 * DAY)
    assert before < ids.new(now + MINUTE) < ahead


def test_a_forked_process_gives_out_other_ids_than_its_parent() -> None:
    """In the same millisecond, with less in its random bits than the id before, each would count on from that one."""
    newest = new_run_id(7)
    for _ in range(20):
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(writer, new_run_id(7).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(writer)
        child = os.read(reader, 100).decode()
        os.close(reader)
        mine = new_run_id(7)
        assert len(child) == len(mine)
        assert child[-12:] not in {mine[-12:], newest[-12:]}, "the last digits are random ones"
        newest = mine
