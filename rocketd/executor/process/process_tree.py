"""Which processes belong to a run.

A process is the run's if it

- is in the session that the run's first process began, or
- descends from one that is (by parents that still live), or
- carries `ROCKETD_RUN_ID=<the run's id>` in its environment: so one that left the session with setsid(2) and was
  orphaned by a double fork is found nevertheless.

What escapes: a process that does all three of these, it leaves the session, it is orphaned before we look, and it (or
a forefather) was executed with an environment without the variable. And one that forks and ends, in a new session each
time, faster than /proc can be read. At the latest they end with the service, by its control group.

Only the environments of processes younger than the run are read, as no other can carry its id; reading them is what
is dear, and can block for as long as its owner holds its memory map (a page fault on a dead network disk). So the
census is taken in a thread of its own, and one census serves all who wait for one.
"""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Final, NamedTuple

RUN_ID_VARIABLE: Final = "ROCKETD_RUN_ID"
FOREVER: Final = 2**62
"""In clock ticks: no process is that young."""
PATIENCE: Final = 5.0
"""Seconds to wait for a census that reads environments."""
READINGS: Final = 5
"""How often an environment is read that seems empty, as it does for a moment while its process executes a program."""
READ_BYTES: Final = 128 * 1024
"""Of an environment, the first so many; ours stand at its end only if it is larger than a page or two."""
_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_MARK: Final = RUN_ID_VARIABLE.encode() + b"="
_DEAD: Final = frozenset({b"Z", b"X"})
_KERNEL_THREAD: Final = 0x00200000
"""PF_KTHREAD, in field 9 of /proc/PID/stat: it has no environment at all."""


class Process(NamedTuple):
    """A process as /proc shows it; pid and start time together are unique until the next boot."""

    pid: int
    start: int
    """Field 22 of /proc/PID/stat, in clock ticks since boot."""
    parent: int
    group: int
    session: int
    run_id: str
    """From its environment; empty if it has none, or was not looked at."""
    alive: bool


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """What identifies a run's processes."""

    run_id: str
    root: int = 0
    """The run's first process; its number must not be another's by now. 0: unknown."""
    since: int = 0
    """Its start time: no process of the run is older."""


class ProcessSnapshot:
    """All processes of the host at one moment."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._by_pid: dict[int, Process] = {}
        self._children: defaultdict[int, list[Process]] = defaultdict(list)
        self._sessions: defaultdict[int, list[Process]] = defaultdict(list)
        self._marked: defaultdict[str, list[Process]] = defaultdict(list)
        for process in processes:
            self._by_pid[process.pid] = process
            self._children[process.parent].append(process)
            self._sessions[process.session].append(process)
            self._marked[process.run_id].append(process)

    def of(self, tree: ProcessTree, known: Iterable[Process] = ()) -> list[Process]:
        """Those that belong to the run and live, with those known from before and what these have begotten since.

        Never this process itself or the first of the host.
        """
        found: dict[int, Process] = {}
        spared = {os.getpid(), 1}
        heads = [self._by_pid[process.pid] for process in known if self.holds(process.pid, process.start)]
        heads += self._marked[tree.run_id] if tree.run_id else []
        heads += self._sessions[tree.root] if tree.root else []
        while heads:
            process = heads.pop()
            if process.pid not in found and process.pid not in spared and process.start >= tree.since:
                found[process.pid] = process
                heads += self._children[process.pid]
        return [process for process in found.values() if process.alive]

    def holds(self, pid: int, start: int) -> bool:
        """Whether exactly that process is among them."""
        listed = self._by_pid.get(pid)
        return listed is not None and listed.start == start


class ProcessScanner:
    """Takes stock of all processes, in a thread, for as many as ask at once."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[ProcessSnapshot]] = []
        self._since = FOREVER
        self._taking = False

    async def take(self, since: int) -> ProcessSnapshot:
        """The processes of the host, not older than this call; environments only of those not older than `since`."""
        wanted: asyncio.Future[ProcessSnapshot] = asyncio.get_running_loop().create_future()
        self._waiting.append(wanted)
        self._since = min(self._since, since)
        if not self._taking:
            self._taking = True
            asyncio.get_running_loop().call_soon(self._begin)  # so that all who ask in this turn share it
        try:
            async with asyncio.timeout(PATIENCE):
                return await wanted
        except TimeoutError:  # an environment that cannot be read now: do without
            return ProcessSnapshot(all_processes(FOREVER))

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        since, self._since = self._since, FOREVER
        loop = asyncio.get_running_loop()

        def take() -> None:
            processes = ProcessSnapshot(all_processes(since))
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._deal, waiting, processes)

        try:
            Thread(target=take, name="census", daemon=True).start()
        except RuntimeError:  # the host has no process number left for a thread: it is a fork bomb that we are to end
            self._deal(waiting, ProcessSnapshot(all_processes(since)))

    def _deal(self, waiting: list[asyncio.Future[ProcessSnapshot]], processes: ProcessSnapshot) -> None:
        self._taking = bool(self._waiting)
        if self._taking:
            asyncio.get_running_loop().call_soon(self._begin)
        for wanted in waiting:
            if not wanted.done():
                wanted.set_result(processes)


def all_processes(since: int) -> Iterator[Process]:
    """Read /proc; the environments only of processes that started at or after `since`."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - five times as fast as Path.iterdir
        if name.isdecimal() and (process := read_process(int(name), since)) is not None:
            yield process


def read_process(pid: int, since: int = FOREVER) -> Process | None:
    """Read one process; None if there is none of that number (any more)."""
    stat = _read(f"/proc/{pid}/stat")
    if stat is None:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split(None, 20)  # the name before it may hold anything
    start = int(fields[19])
    alive = fields[0] not in _DEAD or int(fields[17]) > 1  # a dead leader may have left threads that go on
    looked_into = alive and start >= since and not int(fields[6]) & _KERNEL_THREAD
    run_id = _run_id(pid) if looked_into else ""
    return Process(pid, start, int(fields[1]), int(fields[2]), int(fields[3]), run_id, alive)


def now_in_ticks() -> int:
    """Give what a process that starts now has as its start time: proc(5) counts CLOCK_BOOTTIME in ticks.

    So a process started within one tick is known by it, without reading /proc (60 µs, while its program is loaded).
    """
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _TICK


def start_time(pid: int) -> int:
    """Field 22 of /proc/PID/stat; 0 if there is no such process."""
    stat = _read(f"/proc/{pid}/stat")
    return 0 if stat is None else int(stat[stat.rindex(b")") + 2 :].split(None, 20)[19])


def open_process(process: Process) -> int | None:
    """Get hold of exactly this process by a pidfd, not of a later one of the same number; None if that fails."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    if start_time(process.pid) == process.start:
        return pidfd
    os.close(pidfd)
    return None


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to exactly this process; one that is gone, or that we may not touch, is left alone."""
    pidfd = open_process(process)
    if pidfd is None:
        return
    try:
        with suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(pidfd, number)
    finally:
        os.close(pidfd)


def _run_id(pid: int) -> str:
    for variable in _environment(pid).split(b"\0"):
        if variable.startswith(_MARK):
            return variable[len(_MARK) :].decode(errors="replace")
    return ""


def _environment(pid: int) -> bytes:
    for _ in range(READINGS):
        environment = _read(f"/proc/{pid}/environ")
        if environment != b"":
            break
        time.sleep(0.001)
    return environment or b""


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, READ_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return None
