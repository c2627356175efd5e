"""What is said about output that is missing."""

import pytest

from rocketd.core.messages.output_messages import cut_from_here, lines_left_out, missing_output


@pytest.mark.parametrize(
    ("size", "told"),
    [(1, "1 byte"), (1023, "1023 bytes"), (1024, "1 KiB"), (100_000_000, "95.4 MiB"), (500 * 1024**2 + 1, "500 MiB")],
)
def test_sizes_have_three_digits_or_so(size: int, told: str) -> None:
    assert lines_left_out(0, size) == f"… {told} omitted"


def test_a_gap_is_told_at_both_ends() -> None:
    assert cut_from_here(64 * 1024**2).startswith("… more than 64 MiB within a minute (output_limit)")
    assert lines_left_out(995_000, 100_495_000) == "… 995000 lines (95.8 MiB) omitted"
    assert lines_left_out(1, 11) == "… 1 line (11 bytes) omitted"


def test_a_record_says_what_is_missing_and_why() -> None:
    assert missing_output((0, 0), 0) == ""
    assert missing_output((2, 2048), 0) == "the journal lacks 2 lines (2 KiB) of its output, beyond output_limit"
    assert "; the journal lacks 1 line of its output" in missing_output((2, 2048), 1)
