"""The administrator's verbs on the control socket."""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

from rocketd import __version__
from rocketd.bootstrap.task_files import TaskFiles
from rocketd.core.instant import Instant
from rocketd.daemon.fleet_control import FleetControl
from rocketd.daemon.json_format import JsonObject, rfc3339
from rocketd.daemon.loop import Loop
from rocketd.web.control_socket import ControlSocket
from rocketd.web.server import serve

SOCKET_NAME: Final = "control.sock"


def daemon_info(task_files: TaskFiles, started_at: Instant, store: str) -> Callable[[], JsonObject]:
    """Return what gives the part of `status` that no verb changes; `store` is the place of the records."""
    constant: JsonObject = {
        "version": __version__,
        "pid": os.getpid(),
        "since": rfc3339(started_at),
        "store": store,
    }
    return lambda: {**constant, **task_files.status}


async def open_control_socket(
    control: FleetControl, task_files: TaskFiles, runtime_dir: Path, loop: Loop, stack: AsyncExitStack
) -> ControlSocket:
    """Serve the verbs on the socket in the runtime directory, now or as soon as possible; raises CannotListen."""
    path = runtime_dir / SOCKET_NAME
    opened = ControlSocket(
        path,
        lambda: serve(control, path, loop.journal, not_loaded=lambda: task_files.not_loaded_count),
        partial(loop.health.report_trouble, "control socket"),
    )
    stack.push_async_callback(opened.close)
    await opened.open()
    return opened
