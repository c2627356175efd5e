"""Terminates a run's process tree: TERM, a grace, KILL; it is done only when no process is left.

First a scan, as orphans can no longer be identified by their parents afterwards. Then TERM to the group of the first
process, and to every other process found. The termination waits, by pidfds, until all of them have exited, and scans
again, as they may have left children; if the grace expires first, KILL follows.

KILL to the group is atomic in the kernel: no fork escapes it. Processes that have left the group are first frozen
(STOP) until a scan finds none that still runs, so that processes which replace each other as they die, or a fork bomb,
have no time to do so; then all of them are killed.

It is bounded: a process that still exists `KILL_TIMEOUT` after the first KILL sleeps uninterruptibly (a dead network
disk) or forks into ever new sessions. It is reported, and the run ends nevertheless, as systemd does with a unit.

A run whose shell (pid 100, group 100) has started a daemon (102, group 102), with a grace of 10 s:

0 s    scan: 100, 102           TERM and CONT to group 100 and to 102; wait for their pidfds
1 s    100 exits, 102 does not; the grace expires
10 s   scan: 102                KILL to group 100, STOP to 102
       scan: 102 (no others)    KILL to 102; wait for its pidfd
       scan: none               done
"""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessTree, open_pidfd, send_signal

KILL_TIMEOUT: Final = 30.0
"""Seconds from the first KILL until it gives up."""
MAX_FREEZE_ROUNDS: Final = 10
"""How often it scans for processes that still run before it kills those that it has found."""
MAX_PIDFDS: Final = 64
"""The most processes to wait for at once; each takes a descriptor."""
RETRY_DELAY: Final = 0.01
"""Seconds before the next scan if no process has a pidfd: they have just exited, or descriptors are short."""


class TreeTermination:
    """Terminates one tree: create it, and await `run`; `kill_now` ends the grace."""

    def __init__(
        self,
        tree: ProcessTree,
        grace: float,
        scanner: ProcessScanner,
        watcher: FdWatcher,
        known: Iterable[Process] = (),
    ) -> None:
        self._tree = tree
        self._grace = grace
        self._scanner = scanner
        self._watcher = watcher
        self._known = list(known)
        self._term_timeout: asyncio.Timeout | None = None

    async def run(self) -> list[Process]:
        """Return when no process of the tree is left; the result is those that could not be killed."""
        if self._grace > 0 and await self._terminate():
            return []
        return await self._kill()

    def kill_now(self) -> None:
        """End the grace now; the group is sent KILL before this returns."""
        self._grace = 0
        self._signal_group(signal.SIGKILL)
        if self._term_timeout is not None:
            self._term_timeout.reschedule(asyncio.get_running_loop().time())

    async def _terminate(self) -> bool:
        signalled: set[Process] = set()
        try:
            async with asyncio.timeout(self._grace) as self._term_timeout:
                while members := await self._members():
                    self._send_term(members, signalled)
                    await self._wait_for_exit(members)
        except TimeoutError:
            return False
        finally:
            self._term_timeout = None
        return True

    def _send_term(self, members: list[Process], signalled: set[Process]) -> None:
        """Send TERM once to each process: many programs take a second one as a demand to exit at once."""
        others = members
        if not signalled:  # later, the group may contain what a handler of TERM has started for its cleanup
            self._signal_group(signal.SIGTERM)
            self._signal_group(signal.SIGCONT)  # a suspended process could not handle it otherwise
            others = self._outside_group(members)
        for process in others:
            if process not in signalled:
                send_signal(process, signal.SIGTERM)
                send_signal(process, signal.SIGCONT)
        signalled.update(members)

    async def _kill(self) -> list[Process]:
        members: list[Process] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_TIMEOUT):
                while members := await self._members():
                    self._signal_group(signal.SIGKILL)
                    await self._freeze(self._outside_group(members))
                    await self._wait_for_exit(members)
        return members

    async def _freeze(self, members: list[Process]) -> None:
        """Stop these processes and whatever they fork meanwhile, then kill all of them."""
        frozen: set[Process] = set()
        for _ in range(MAX_FREEZE_ROUNDS):
            moving = [process for process in members if process not in frozen]
            if not moving:
                break
            for process in moving:
                send_signal(process, signal.SIGSTOP)
            frozen.update(moving)
            members = self._outside_group(await self._members())
        for process in frozen:
            send_signal(process, signal.SIGKILL)

    async def _members(self) -> list[Process]:
        processes = await self._scanner.scan(self._tree.since)
        self._known = processes.members_of(self._tree, self._known)
        return self._known

    def _outside_group(self, members: list[Process]) -> list[Process]:
        return [process for process in members if not self._tree.root or process.group != self._tree.root]

    def _signal_group(self, signal_number: signal.Signals) -> None:
        if self._tree.root:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._tree.root, signal_number)

    async def _wait_for_exit(self, members: list[Process]) -> None:
        pidfds = [pidfd for process in members[:MAX_PIDFDS] if (pidfd := open_pidfd(process)) is not None]
        try:
            await (self._watcher.wait_readable(pidfds) if pidfds else asyncio.sleep(RETRY_DELAY))
        finally:
            for pidfd in pidfds:
                os.close(pidfd)
