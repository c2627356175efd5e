"""What is said of a file of metrics that cannot be written."""

from errno import ENOENT, EROFS

import pytest

from rocketd.metrics.textfile import why_not_written


@pytest.mark.parametrize(("number", "part"), [(EROFS, "ReadWritePaths= of rocketd.service"), (ENOENT, "'/x'")])
def test_what_the_sandbox_forbids_is_said_with_what_allows_it(number: int, part: str) -> None:
    assert part in why_not_written(OSError(number, "why", "/x"))
