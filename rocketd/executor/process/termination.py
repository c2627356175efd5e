"""Ends a run's process tree: TERM, a grace, KILL, and it is only over when nothing of it is left.

First a census, for afterwards orphans can no longer be told by their parents. Then TERM to the first process's group
at once, and to whatever else was found. We wait, by pidfds, until all of them have ended, and look again, for they may
have left children; when the grace is over before that, KILL.

KILL to the group is atomic in the kernel: no fork gets away from it. What has left the group is first frozen (STOP)
until a census finds nothing that moves, so that processes which replace each other as they die, or a fork bomb, find
no moment to do it; then all of it is killed.

It is bounded: what is still there `LAST_WAIT` after the first KILL sleeps uninterruptibly (a dead network disk) or
forks in ever new sessions. It is named, and the run is over all the same, as systemd does it with a unit.
"""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessTree, open_process, send

LAST_WAIT: Final = 30.0
"""Seconds from the first KILL until we give up."""
FREEZES: Final = 10
"""How often we look for something that moves before we kill what we have."""
HELD_AT_ONCE: Final = 64
"""How many processes are waited for at once; each takes a descriptor."""
PAUSE: Final = 0.01
"""Seconds before looking again where there was nothing to wait by: they ended just now, or descriptors are short."""


class TreeTermination:
    """Ends one tree. Make it, and await `run`; `hurry` goes to KILL at once."""

    def __init__(
        self, tree: ProcessTree, grace: float, census: ProcessScanner, watch: FdWatcher, known: Iterable[Process] = ()
    ) -> None:
        self._tree = tree
        self._grace = grace
        self._census = census
        self._watch = watch
        self._known = list(known)
        self._term: asyncio.Timeout | None = None

    async def run(self) -> list[Process]:
        """Return when nothing of the tree lives; gives what could not be killed."""
        if self._grace > 0 and await self._terminate():
            return []
        return await self._kill()

    def hurry(self) -> None:
        """Let the grace be over now; KILL goes to the group before this returns."""
        self._grace = 0
        self._signal_group(signal.SIGKILL)
        if self._term is not None:
            self._term.reschedule(asyncio.get_running_loop().time())

    async def _terminate(self) -> bool:
        told: set[Process] = set()
        try:
            async with asyncio.timeout(self._grace) as self._term:
                while members := await self._members():
                    self._request(members, told)
                    await self._ended(members)
        except TimeoutError:
            return False
        finally:
            self._term = None
        return True

    def _request(self, members: list[Process], told: set[Process]) -> None:
        """Send each of them one TERM: a second would be taken for impatience."""
        others = members
        if not told:  # later, the group may hold what a handler of TERM has begun for its last duties
            self._signal_group(signal.SIGTERM)
            self._signal_group(signal.SIGCONT)  # or what is suspended could not take its leave
            others = self._outside(members)
        for process in others:
            if process not in told:
                send(process, signal.SIGTERM)
                send(process, signal.SIGCONT)
        told.update(members)

    async def _kill(self) -> list[Process]:
        members: list[Process] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WAIT):
                while members := await self._members():
                    self._signal_group(signal.SIGKILL)
                    await self._freeze(self._outside(members))
                    await self._ended(members)
        return members

    async def _freeze(self, members: list[Process]) -> None:
        """Stop all of them and whatever they fork meanwhile, then kill them all."""
        frozen: set[Process] = set()
        for _ in range(FREEZES):
            moving = [process for process in members if process not in frozen]
            if not moving:
                break
            for process in moving:
                send(process, signal.SIGSTOP)
            frozen.update(moving)
            members = self._outside(await self._members())
        for process in frozen:
            send(process, signal.SIGKILL)

    async def _members(self) -> list[Process]:
        processes = await self._census.take(self._tree.since)
        self._known = processes.of(self._tree, self._known)
        return self._known

    def _outside(self, members: list[Process]) -> list[Process]:
        return [process for process in members if not self._tree.root or process.group != self._tree.root]

    def _signal_group(self, number: signal.Signals) -> None:
        if self._tree.root:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._tree.root, number)

    async def _ended(self, members: list[Process]) -> None:
        held = [pidfd for process in members[:HELD_AT_ONCE] if (pidfd := open_process(process)) is not None]
        try:
            await (self._watch.readable(held) if held else asyncio.sleep(PAUSE))
        finally:
            for pidfd in held:
                os.close(pidfd)
