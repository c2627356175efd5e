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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from threading import Thread
from typing import Final, NamedTuple

from rocketd.background_threads import in_thread
from rocketd.core.dataclass import dataclass
from rocketd.executor.process.process_files import NEVER, UNREADABLE, read_file, read_file_in_time, start_time

RUN_ID_VARIABLE: Final = "ROCKETD_RUN_ID"
HOOK_ID_VARIABLE: Final = "ROCKETD_HOOK_ID"
"""Marks the processes of a hook, in the place of the other."""
SCAN_TIMEOUT: Final = 5.0
"""Seconds to wait for a scan that reads environments."""
ENVIRONMENT_READS: Final = 5
"""How often an empty environment is read: it seems empty for a moment while its process executes a program."""
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
        return listed is not None and listed.start in {start, UNREADABLE}


class ProcessScanner:
    """Scans all processes, in a thread; callers that ask at the same time share a scan."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[ProcessSnapshot]] = []
        self._since = NEVER
        self._scanning = False
        self._hangs = False
        """Whether the scan has been waiting for a file of a process for longer than anybody waits for it."""

    async def scan(self, since: int) -> ProcessSnapshot:
        """Return a snapshot that is not older than this call; it has the environments of processes since `since`."""
        if self._hangs:
            return await _scan_in_time(since)
        future: asyncio.Future[ProcessSnapshot] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._since = min(self._since, since)
        if not self._scanning:
            self._scanning = True
            asyncio.get_running_loop().call_soon(self._start_scan)  # so that all callers of this iteration share it
        try:
            async with asyncio.timeout(SCAN_TIMEOUT):
                return await future
        except TimeoutError:
            self._hangs = True
            return await _scan_in_time(since)

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
            self._deliver(waiting, ProcessSnapshot(all_processes(since, in_time=True)))

    def _deliver(self, waiting: list[asyncio.Future[ProcessSnapshot]], processes: ProcessSnapshot) -> None:
        self._scanning, self._hangs = bool(self._waiting), False
        if self._scanning:
            asyncio.get_running_loop().call_soon(self._start_scan)
        for future in waiting:
            if not future.done():
                future.set_result(processes)


async def _scan_in_time(since: int) -> ProcessSnapshot:
    """Return a snapshot that knows less of processes whose files cannot be read now."""
    try:
        return await in_thread(lambda: ProcessSnapshot(all_processes(since, in_time=True)))
    except RuntimeError:  # no thread, as in a scan
        return ProcessSnapshot(all_processes(since, in_time=True))


def marker(variables: Mapping[str, str]) -> dict[str, str]:
    """Return, of the variables of a run or a hook, the one that marks its processes."""
    name = HOOK_ID_VARIABLE if HOOK_ID_VARIABLE in variables else RUN_ID_VARIABLE
    return {name: variables[name]}


def all_processes(since: int, *, in_time: bool = False) -> Iterator[Process]:
    """Read /proc; the environments only of processes that started at or after `since`.

    `in_time`: wait for nothing that cannot be read now.
    """
    for name in os.listdir("/proc"):  # noqa: PTH208 - five times as fast as Path.iterdir
        if name.isdecimal() and (process := read_process(int(name), since, in_time=in_time)) is not None:
            yield process


def read_process(pid: int, since: int = NEVER, *, in_time: bool = False) -> Process | None:
    """Read one process; None if there is no process with this pid."""
    path = f"/proc/{pid}/stat"
    try:
        stat = read_file_in_time(path) if in_time else read_file(path)
    except TimeoutError:
        return _read_status(pid)
    if stat is None:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split(None, 20)  # the name before it may contain anything
    start = int(fields[19])
    alive = fields[0] not in _DEAD or int(fields[17]) > 1  # a dead leader may have threads that still run
    has_environment = alive and start >= since and not int(fields[6]) & _KERNEL_THREAD
    run_id = _run_id(pid, in_time=in_time) if has_environment else ""
    return Process(pid, start, int(fields[1]), int(fields[2]), int(fields[3]), run_id, alive)


def open_pidfd(process: Process) -> int | None:
    """Return a pidfd of exactly this process, not of a later one with the same pid; None if that fails."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    start = start_time(process.pid)
    if start == process.start or (start == UNREADABLE and _is_in_session(process)):
        return pidfd
    os.close(pidfd)
    return None


def _is_in_session(process: Process) -> bool:
    """Whether a process whose start time cannot be read now is still where this one was: it only executes a program."""
    now = _read_status(process.pid)
    return now is not None and now.session == process.session


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


def _run_id(pid: int, *, in_time: bool) -> str:
    try:
        variables = _environment(pid, read_file_in_time if in_time else read_file).split(b"\0")
    except TimeoutError:
        return ""
    for prefix in (_HOOK_ID_PREFIX, _RUN_ID_PREFIX):
        for variable in variables:
            if variable.startswith(prefix):
                return variable[len(prefix) :].decode(errors="replace")
    return ""


def _environment(pid: int, read: Callable[[str], bytes | None]) -> bytes:
    for _ in range(ENVIRONMENT_READS):
        environment = read(f"/proc/{pid}/environ")
        if environment != b"":
            break
        time.sleep(0.001)
    return environment or b""


def _read_status(pid: int) -> Process | None:
    """Read one process from the file for which nobody has to wait; it does not have the start time."""
    status = read_file(f"/proc/{pid}/status")
    if status is None:
        return None
    fields = dict(line.split(b":", 1) for line in status.splitlines() if b":" in line)
    parent, group, session = (int(fields[name].split()[0]) for name in (b"PPid", b"NSpgid", b"NSsid"))
    return Process(pid, UNREADABLE, parent, group, session, "", alive=True)
