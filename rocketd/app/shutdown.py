"""How the scheduler stops: on request, by cancellation, or by an error that is not silenced."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from rocketd.app.arguments import ArgumentContext
from rocketd.app.hooks import around_async
from rocketd.app.loop_ports import AppExecutors
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.daemon.loop import Loop


class Shutdown:
    """Calls the hooks of the shutdown, then lets runs end, or stops them. Everything is on the loop's thread."""

    def __init__(
        self, session: SchedulerSession, loop: Loop, executors: AppExecutors, stop_endless_runs: Callable[[], None]
    ) -> None:
        """`stop_endless_runs` stops the runs that never end by themselves."""
        self._session = session
        self._loop = loop
        self._executors = executors
        self._stop_endless_runs = stop_endless_runs
        self._hooks = AsyncExitStack()
        self._hooks_called = False
        self._task: asyncio.Task[None] | None = None  # the loop itself holds tasks only weakly
        self.started = asyncio.Event()
        """Set when the scheduler has started: before, nothing can be stopped."""

    def stop(self, *, force: bool) -> None:
        """Let runs end; with `force`, stop them."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._shut_down(force=force))
        elif force:
            self._kill()

    async def wait(self) -> None:
        """Wait until everything has stopped; if the loop has failed, stop the active runs and raise its error."""
        async with self._hooks:
            await self._wait()
            if self._task is not None:
                await self._task

    async def _wait(self) -> None:
        try:
            await self._loop.until_done()
        except asyncio.CancelledError:
            await self._call_hooks()
            self._kill()
            await self._loop.until_done()
            raise
        except BaseException:
            self._executors.kill()
            await self._executors.idle()
            await self._call_hooks()
            raise

    async def _call_hooks(self) -> None:
        """Call the hooks of the shutdown, once."""
        if not self._hooks_called:
            self._hooks_called = True
            hooks = self._session.hooks.scheduler_shutdown
            await self._hooks.enter_async_context(around_async(hooks, ArgumentContext(self._session)))

    async def _shut_down(self, *, force: bool) -> None:
        await self.started.wait()
        try:
            await self._call_hooks()
        except Exception as error:  # noqa: BLE001 - an error of a hook must not cancel the stop
            self._loop.fail(error)
            return
        if force:
            self._kill()
        else:
            self._stop_endless_runs()
            self._loop.stop(None)

    def _kill(self) -> None:
        self._loop.stop(None)
        self._loop.kill()
