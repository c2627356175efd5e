"""The tasks of this boot, kept in a file that is written beside the loop."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from rocketd.core.model.events import Started, Withdrawn
from rocketd.daemon.boot_tasks import BootTasks
from rocketd.daemon.loop import Loop
from rocketd.daemon.state_file_writer import StateFileWriter
from rocketd.store.sqlite.store import this_origin


def boot_tasks(directories: Sequence[Path], loop: Loop, stack: AsyncExitStack) -> BootTasks:
    """Make them; the stack waits for what is still being written."""
    writing = StateFileWriter(partial(loop.health.set_trouble, "boot"))
    stack.push_async_callback(writing.close)
    boot = BootTasks(directories, this_origin().boot_id, writing.put)
    loop.events.watch(boot.handle_event, Started, Withdrawn)
    return boot
