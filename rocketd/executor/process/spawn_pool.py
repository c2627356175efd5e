"""A thread pool for jobs that spend most of their time without the interpreter's lock.

The caller takes part: a single job runs on its own thread, and no other is woken; with more, the pool's threads help.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, TypeAlias

THREADS: Final = 3
"""Threads in addition to the caller's own. Four in all keep two CPUs busy with starting processes."""

SpawnJob: TypeAlias = Callable[[], None]


class SpawnPool:
    """Runs jobs on the caller's thread and on threads that start when there is more than one job for the first time."""

    def __init__(self, prepare: Callable[[], bool], *, max_threads: int = THREADS) -> None:
        """Each thread calls `prepare` once, before any job, and ends at once if that returns False.

        The caller runs no job while a thread prepares itself.
        """
        self._prepare = prepare
        self._max_threads = max_threads
        self._threads = 0
        self._last: SpawnJob | None = None
        self._queue: SimpleQueue[SpawnJob | None] = SimpleQueue()
        self._prepared: SimpleQueue[bool] = SimpleQueue()
        self._preparing = 0
        self._done: SimpleQueue[bool] = SimpleQueue()
        self._queued = 0

    def submit(self, job: SpawnJob) -> None:
        """Have this job done by the end of the next `wait`; it must not raise."""
        if self._last is not None:
            self._enqueue(self._last)
        self._last = job

    def wait(self) -> None:
        """Run the jobs that no thread has begun, and wait for the others."""
        while self._preparing:
            self._preparing -= 1
            if not self._prepared.get():
                self._threads, self._max_threads = self._threads - 1, 0
        if self._last is not None:
            self._last()
            self._last = None
        with suppress(Empty):
            while self._queued and (job := self._queue.get_nowait()):
                self._queued -= 1
                job()
        for _ in range(self._queued):
            self._done.get()
        self._queued = 0

    def close(self) -> None:
        """End the threads, without waiting for them."""
        for _ in range(self._threads):
            self._queue.put(None)

    def _enqueue(self, job: SpawnJob) -> None:
        self._queue.put(job)
        self._queued += 1
        if self._threads < self._max_threads:
            self._start_thread()

    def _start_thread(self) -> None:
        try:
            Thread(target=self._run_jobs, name="spawn", daemon=True).start()
            self._threads, self._preparing = self._threads + 1, self._preparing + 1
        except RuntimeError:  # no pid is left for a thread: do without
            self._max_threads = self._threads

    def _run_jobs(self) -> None:
        ready = self._prepare()
        self._prepared.put(ready)
        while ready and (job := self._queue.get()):
            try:
                job()
            finally:
                self._done.put(ready)
