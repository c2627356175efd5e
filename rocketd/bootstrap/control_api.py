"""The administrator's verbs on the control socket."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from rocketd import __version__
from rocketd.bootstrap.task_files import TaskFiles
from rocketd.config.host_lookup import host_zone_name
from rocketd.config.load_result import LoadResult
from rocketd.core.instant import Instant
from rocketd.core.model.access import all_operators
from rocketd.core.model.operators import NO_OPERATORS, Operators
from rocketd.daemon.fleet_control import FleetControl
from rocketd.daemon.json_format import JsonObject, rfc3339
from rocketd.daemon.loop import Loop
from rocketd.web.control_socket import ControlSocket, Heartbeat
from rocketd.web.server import serve, serve_viewers

SOCKET_NAME: Final = "control.sock"
VIEW_SOCKET_NAME: Final = "view.sock"

Serving: TypeAlias = Callable[..., AbstractAsyncContextManager[Heartbeat]]


def daemon_info(task_files: TaskFiles, started_at: Instant, store: str) -> Callable[[], JsonObject]:
    """Return what gives the part of `status` that no verb changes; `store` is the place of the records."""
    constant: JsonObject = {
        "version": __version__,
        "pid": os.getpid(),
        "since": rfc3339(started_at),
        "store": store,
    }
    return lambda: {**constant, "timezone": host_zone_name(), **task_files.status}


class TaskOperators:
    """The operators of all tasks in the files, put together once per load."""

    def __init__(self, task_files: TaskFiles) -> None:
        self._task_files = task_files
        self._known: tuple[LoadResult | None, Operators] = (None, NO_OPERATORS)

    def __call__(self) -> Operators:
        """Return them."""
        loaded = self._task_files.loaded
        if self._known[0] is not loaded:
            self._known = loaded, all_operators([*loaded.tasks, *(one.task for one in loaded.disabled)])
        return self._known[1]


async def open_control_sockets(
    control: FleetControl, task_files: TaskFiles, runtime_dir: Path, loop: Loop, stack: AsyncExitStack
) -> None:
    """Serve the verbs on the sockets in the runtime directory, now or as soon as possible; raises CannotListen.

    On one to root and a group, who may do everything; on the other to viewers and operators, if root runs the daemon.
    """

    async def opened(path: Path, name: str, serving: Serving, without: str) -> ControlSocket:
        serve_with_count = partial(serving, not_loaded=lambda: task_files.not_loaded_count)
        control_socket = ControlSocket(path, serve_with_count, partial(loop.health.report_trouble, name), without)
        stack.push_async_callback(control_socket.close)
        await control_socket.open()
        loop.heartbeat_hooks.append(control_socket.check)
        return control_socket

    path = runtime_dir / SOCKET_NAME
    serving = partial(serve, control, path, loop.journal)
    await opened(path, "control socket", serving, "rocketctl cannot reach rocketd")
    if os.geteuid() == 0:
        view_path = runtime_dir / VIEW_SOCKET_NAME
        serving_viewers = partial(serve_viewers, control, view_path, loop.journal, TaskOperators(task_files))
        view_socket = await opened(
            view_path, "view socket", serving_viewers, "viewers and operators cannot use rocketctl"
        )
        task_files.applied_hooks.append(view_socket.update)
