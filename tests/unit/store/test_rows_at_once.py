"""Rows in portions: few steps, and nothing lost or out of order."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from rocketd.store.rows_at_once import MOST, portions


@given(st.integers(0, 5 * MOST))
def test_portions_are_all_rows_in_their_order(count: int) -> None:
    assert list(chain.from_iterable(portions(range(count)))) == list(range(count))


@given(st.integers(1, 5 * MOST))
def test_only_a_few_statements_are_ever_prepared(count: int) -> None:
    sizes = [len(portion) for portion in portions(range(count))]
    assert set(sizes) <= {2**power for power in range(MOST.bit_length())}
    assert len(sizes) == count // MOST + (count % MOST).bit_count()
