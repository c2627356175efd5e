"""What waits for a boot can hold: `check` must not say that it never does."""

import pytest

from rocketd.core.language.parser import parse
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.forecast import starts
from rocketd.core.scheduler.outlook import FirstStartSearch

NOW = 1_795_514_400_000_000


@pytest.mark.parametrize(
    "condition",
    [
        'host_up(more_than="15 min") & ~started.this_boot',
        '(~started.this_boot & host_up(more_than="15 min")) | (every("1 day") & started.this_boot)',
    ],
)
def test_a_delay_after_the_boot_is_found(condition: str) -> None:
    task = Task("a", Command(("true",)), parse(condition))
    assert FirstStartSearch(NOW).first_start(task).at is not None
    assert starts(task, NOW, 1).instants == [NOW + 15 * 60 * 1_000_000]
