"""Numbers of bytes for people."""

import pytest

from rocketd.core.size import approximate_size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (4608, "4.5 KiB"),
        (10 * 1024 + 512, "10 KiB"),
        (2**20 - 1, "1023 KiB"),
        (200 << 20, "200 MiB"),
        (3 << 29, "1.5 GiB"),
        (2**62, "4194304 TiB"),
    ],
)
def test_a_size_is_as_exact_as_a_reader_wants_it(count: int, text: str) -> None:
    assert approximate_size(count) == text
