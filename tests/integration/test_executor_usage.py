"""What runs have used, as far as the kernel tells it."""

import resource
import sys
import time
from collections.abc import Iterator

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.run import Cause
from rocketd.core.model.task import Command
from support.executor_harness import World, new_world, shell

LARGE = 300 << 20


def fills(size: int) -> Command:
    return Command((sys.executable, "-c", f"bytes(bytearray(b'x') * {size})"))


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def test_the_memory_of_a_process_that_is_larger_than_the_daemon_is_known(world: World) -> None:
    # other tests of this program may have been large
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + LARGE
    memory = world.run(fills(size)).usage.memory
    assert memory is not None
    assert size <= memory < 3 * size


def test_the_memory_of_a_smaller_process_is_not_known_as_the_kernel_counts_that_of_the_daemon(world: World) -> None:
    own = bytearray(b"x") * LARGE  # this program is larger than any shell
    assert world.run(shell("exit 0")).usage.memory is None
    del own


def test_what_a_stopped_run_has_used_is_known(world: World) -> None:
    run = world.start(shell("echo begun; exec sleep 1000"))
    world.printed(run, "begun")
    usage = world.stopped(run, Cause.TIMEOUT).usage
    assert usage.cpu is not None
    assert 0 < usage.cpu < time.monotonic() * SECOND
    assert usage.io_read is not None
    assert usage.io_written is not None
