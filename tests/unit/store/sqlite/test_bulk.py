"""Rows in portions: few steps, and nothing lost or out of order."""

import sqlite3
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from rocketd.store.sqlite.bulk import MAX_ROWS, chunks, placeholders, statement, write


@given(st.integers(0, 5 * MAX_ROWS))
def test_portions_are_all_rows_in_their_order(count: int) -> None:
    assert list(chain.from_iterable(chunks(range(count)))) == list(range(count))


@given(st.integers(1, 5 * MAX_ROWS))
def test_only_a_few_statements_are_ever_prepared(count: int) -> None:
    sizes = [len(portion) for portion in chunks(range(count))]
    assert set(sizes) <= {2**power for power in range(MAX_ROWS.bit_length())}
    assert len(sizes) == count // MAX_ROWS + (count % MAX_ROWS).bit_count()


def test_a_text_that_no_database_takes_is_spelled_out_and_keeps_no_row_out() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE named (number, name)")
    write(database, statement("INSERT INTO named VALUES", placeholders(2)), [(1, "caf\udce9"), (2, "café"), (3, None)])
    written = database.execute("SELECT * FROM named ORDER BY number").fetchall()
    database.close()
    assert written == [(1, "caf\\udce9"), (2, "café"), (3, None)]
