"""Which processes belong to a run.

A process belongs to a run if it

- is in the session of the run's first process, or
- descends from a process that belongs to it (through parents that still exist), or
- has `ROCKETD_RUN_ID=<the run's id>` in its environment: so one that left the session with setsid(2) and was orphaned
  by a double fork is found nevertheless.

A hook has the id of the run that it is about in its environment as well, and is not part of that run: there,
`ROCKETD_HOOK_ID` counts.

What escapes: a process that leaves the session, is orphaned before the scan, and was executed (or an ancestor was)
without the variable. And one that forks and exits, in a new session each time, faster than /proc can be read. They end
with the service at the latest, by its control group.

Only the environments of processes younger than the run are read, as no others can carry its id; reading them is the
expensive part, and can block for as long as the process holds its memory map (a page fault on a dead network disk). So
a scan runs in a thread of its own, and one scan serves all callers that wait for one.
"""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Final, NamedTuple

RUN_ID_VARIABLE: Final = "ROCKETD_RUN_ID"
HOOK_ID_VARIABLE: Final = "ROCKETD_HOOK_ID"
"""Marks the processes of a hook, in the place of the other."""
NEVER: Final = 2**62
"""In clock ticks: no process starts that late."""
SCAN_TIMEOUT: Final = 5.0
"""Seconds to wait for a scan that reads environments."""
ENVIRONMENT_READS: Final = 5
"""How often an empty environment is read: it seems empty for a moment while its process executes a program."""
READ_BYTES: Final = 128 * 1024
"""The most that is read of an environment; the daemon puts the run's variables first."""
_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_RUN_ID_PREFIX: Final = RUN_ID_VARIABLE.encode() + b"="
_HOOK_ID_PREFIX: Final = HOOK_ID_VARIABLE.encode() + b"="
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
    """From its environment; empty if it has none, or was not read."""
    alive: bool


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """What identifies a run's processes."""

    run_id: str
    root: int = 0
    """The pid of the run's first process, which must not have been reused. 0: unknown."""
    since: int = 0
    """The start time of the first process, in clock ticks since boot: no process of the run is older."""


class ProcessSnapshot:
    """All processes of the host at one moment."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._by_pid: dict[int, Process] = {}
        self._children: defaultdict[int, list[Process]] = defaultdict(list)
        self._sessions: defaultdict[int, list[Process]] = defaultdict(list)
        self._by_run_id: defaultdict[str, list[Process]] = defaultdict(list)
        for process in processes:
            self._by_pid[process.pid] = process
            self._children[process.parent].append(process)
            self._sessions[process.session].append(process)
            self._by_run_id[process.run_id].append(process)

    def members_of(self, tree: ProcessTree, known: Iterable[Process] = ()) -> list[Process]:
        """Return the live processes of the run, including those `known` from before and their descendants.

        Never this process itself or process 1.

        tree = ProcessTree("a/1's id", root=100, since=50); pid (parent, session, start) as /proc shows them:

        100 (7, 100, 50), 101 (100, 100, 60)    members: in the session of the root
        102 (101, 102, 70)                      a member: a child of 101, though in a session of its own
        103 (1, 103, 40)                        not a member: older than the run, whatever its environment says
        """
        found: dict[int, Process] = {}
        excluded = {os.getpid(), 1}
        queue = [self._by_pid[process.pid] for process in known if self.contains(process.pid, process.start)]
        queue += self._by_run_id[tree.run_id] if tree.run_id else []
        queue += self._sessions[tree.root] if tree.root else []
        while queue:
            process = queue.pop()
            if process.pid not in found and process.pid not in excluded and process.start >= tree.since:
                found[process.pid] = process
                queue += self._children[process.pid]
        return [process for process in found.values() if process.alive]

    def contains(self, pid: int, start: int) -> bool:
        """Whether exactly this process is in the snapshot."""
        listed = self._by_pid.get(pid)
        return listed is not None and listed.start == start


class ProcessScanner:
    """Scans all processes, in a thread; callers that ask at the same time share a scan."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[ProcessSnapshot]] = []
        self._since = NEVER
        self._scanning = False

    async def scan(self, since: int) -> ProcessSnapshot:
        """Return a snapshot that is not older than this call; it has the environments of processes since `since`."""
        future: asyncio.Future[ProcessSnapshot] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._since = min(self._since, since)
        if not self._scanning:
            self._scanning = True
            asyncio.get_running_loop().call_soon(self._start_scan)  # so that all callers of this iteration share it
        try:
            async with asyncio.timeout(SCAN_TIMEOUT):
                return await future
        except TimeoutError:  # an environment cannot be read now: return a snapshot without
            return ProcessSnapshot(all_processes(NEVER))

    def _start_scan(self) -> None:
        waiting, self._waiting = self._waiting, []
        since, self._since = self._since, NEVER
        loop = asyncio.get_running_loop()

        def scan() -> None:
            processes = ProcessSnapshot(all_processes(since))
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._deliver, waiting, processes)

        try:
            Thread(target=scan, name="scan", daemon=True).start()
        except RuntimeError:  # the host has no pid left for a thread: the run to end is a fork bomb
            self._deliver(waiting, ProcessSnapshot(all_processes(since)))

    def _deliver(self, waiting: list[asyncio.Future[ProcessSnapshot]], processes: ProcessSnapshot) -> None:
        self._scanning = bool(self._waiting)
        if self._scanning:
            asyncio.get_running_loop().call_soon(self._start_scan)
        for future in waiting:
            if not future.done():
                future.set_result(processes)


def marker(variables: Mapping[str, str]) -> dict[str, str]:
    """Return, of the variables of a run or a hook, the one that marks its processes."""
    name = HOOK_ID_VARIABLE if HOOK_ID_VARIABLE in variables else RUN_ID_VARIABLE
    return {name: variables[name]}


def all_processes(since: int) -> Iterator[Process]:
    """Read /proc; the environments only of processes that started at or after `since`."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - five times as fast as Path.iterdir
        if name.isdecimal() and (process := read_process(int(name), since)) is not None:
            yield process


def read_process(pid: int, since: int = NEVER) -> Process | None:
    """Read one process; None if there is no process with this pid."""
    stat = _read(f"/proc/{pid}/stat")
    if stat is None:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split(None, 20)  # the name before it may contain anything
    start = int(fields[19])
    alive = fields[0] not in _DEAD or int(fields[17]) > 1  # a dead leader may have threads that still run
    has_environment = alive and start >= since and not int(fields[6]) & _KERNEL_THREAD
    run_id = _run_id(pid) if has_environment else ""
    return Process(pid, start, int(fields[1]), int(fields[2]), int(fields[3]), run_id, alive)


def current_start_time() -> int:
    """Return the start time of a process that starts now: proc(5) counts CLOCK_BOOTTIME in ticks.

    It spares reading /proc (60 µs, while the program is loaded) for a process that was started within one tick.
    """
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _TICK


def start_time(pid: int) -> int:
    """Return field 22 of /proc/PID/stat, in ticks since boot; 0 if there is no such process."""
    stat = _read(f"/proc/{pid}/stat")
    return 0 if stat is None else int(stat[stat.rindex(b")") + 2 :].split(None, 20)[19])


def open_pidfd(process: Process) -> int | None:
    """Return a pidfd of exactly this process, not of a later one with the same pid; None if that fails."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    if start_time(process.pid) == process.start:
        return pidfd
    os.close(pidfd)
    return None


def send_signal(process: Process, number: signal.Signals) -> None:
    """Send a signal to exactly this process; does nothing if it is gone or the daemon may not signal it."""
    pidfd = open_pidfd(process)
    if pidfd is None:
        return
    try:
        with suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(pidfd, number)
    finally:
        os.close(pidfd)


def _run_id(pid: int) -> str:
    variables = _environment(pid).split(b"\0")
    for prefix in (_HOOK_ID_PREFIX, _RUN_ID_PREFIX):
        for variable in variables:
            if variable.startswith(prefix):
                return variable[len(prefix) :].decode(errors="replace")
    return ""


def _environment(pid: int) -> bytes:
    for _ in range(ENVIRONMENT_READS):
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
