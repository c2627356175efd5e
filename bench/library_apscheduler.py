"""The row "library" with APScheduler 3, which keeps no record of runs: all runs are due at the start."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Final

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from library_work import TASKS, Request, report, work, work_on_loop

EXECUTORS: Final[Mapping[str, Callable[[], BaseExecutor]]] = {
    "main": DebugExecutor,
    "async": AsyncIOExecutor,
    "thread": lambda: ThreadPoolExecutor(TASKS),
    "process": lambda: ProcessPoolExecutor(os.cpu_count() or 1),
}


async def main() -> None:
    request = Request.read()
    scheduler = AsyncIOScheduler(executors={"default": EXECUTORS[request.execution]()}, timezone="UTC")
    began = time.monotonic()
    for _ in range(request.runs):
        scheduler.add_job(work_on_loop if request.execution == "async" else work, misfire_grace_time=None)
    scheduler.start()
    while not request.is_done():  # noqa: ASYNC110 - the runs may be in other processes
        await asyncio.sleep(0.02)
    scheduler.shutdown()
    report(request, began)


if __name__ == "__main__":
    asyncio.run(main())
