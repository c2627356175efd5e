"""This host in its fleet, while the daemon runs: the member's thread, watched by timers of the loop.

The loop waits for none of it. That the database is silent, or that the fleet has not heard of this host for a lease, is
noticed by the timers here and not by the thread, which may be hanging in the network.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from rocketd import __version__
from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.bootstrap.fleet_ownership import FleetOwnership
from rocketd.bootstrap.fleet_reader import FleetReader
from rocketd.bootstrap.fleet_tasks import TaskSender
from rocketd.config.fleet_settings import NO_FLEET, FleetSettings
from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.messages import fleet_messages
from rocketd.core.messages.message import Message, Priority
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Missed, Spawned
from rocketd.core.scheduler.ownership import Ownership
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.daemon.fleet_view import FleetView, NoFleet
from rocketd.daemon.loop import Loop
from rocketd.fleet.announcements import channel_of
from rocketd.fleet.connection import FleetConnection
from rocketd.fleet.exchange_types import OwnershipResult
from rocketd.fleet.identity import identify, place_of
from rocketd.fleet.member import Member
from rocketd.fleet.membership import Membership
from rocketd.fleet.presence import Presence
from rocketd.fleet.record_reader import RecordReader
from rocketd.fleet.shared_history import SharedEvent

JOIN_TIMEOUT: Final = 10.0
"""Seconds that the state directory may take to say which one it is."""
CLOSE_TIMEOUT: Final = 3.0
"""Seconds for the last records when the daemon stops; the next one sends the rest."""


class Fleet:
    """Keeps this host in the fleet that the settings name. On the loop's thread."""

    def __init__(self, loop: Loop, directory: Path, show: Callable[[FleetView], None]) -> None:
        """`show` gets what operators can see of the fleet, whenever that is another one."""
        self._loop = loop
        self._directory = directory
        self._show = show
        self._settings: FleetSettings = NO_FLEET
        self._session: FleetSession | None = None
        self._incarnation = str(uuid4())
        self._joining: asyncio.Task[None] | None = None
        loop.heartbeat_hooks.append(self._on_heartbeat)

    def _on_heartbeat(self, _: Instant) -> None:
        """Try again, if the state directory could not be read when the fleet was to be joined."""
        idle = self._joining is None or self._joining.done()
        if idle and self._settings.url and self._session is None:
            self._joining = asyncio.get_running_loop().create_task(self._join(self._settings))

    async def apply(self, settings: FleetSettings) -> None:
        """Join the fleet of these settings, leave another; the tasks may be others as well."""
        if settings != self._settings:
            await self.close()
            self._settings = settings
            if settings.url:
                await self._join(settings)
        if self._session is not None:
            self._session.tasks_replaced()

    async def _join(self, settings: FleetSettings) -> None:
        host = settings.host or os.uname().nodename
        self._show(FleetReader(settings, host, self))
        try:
            membership, note = await in_thread(partial(self._membership, settings, host), time_limit=JOIN_TIMEOUT)
        except (StoreError, WorkTimeout) as error:
            why = error.message if isinstance(error, StoreError) else "the state directory does not answer"
            self._loop.health.report_trouble("fleet", f"this host has not joined its fleet: {why}")
            return
        if note:
            self._loop.journal.write(fleet_messages.note(note))
        if self._session is not None or settings != self._settings:  # a reload came in between
            return
        self._session = FleetSession(self._loop, membership, settings, RecordReader(self._directory))
        self._session.start()

    def drain(self, drained: bool) -> None:  # noqa: FBT001 - it is what is set
        """Own no task from now on, or no longer none."""
        if self._session is not None:
            self._session.drain(drained)

    def move(self, names: Sequence[str]) -> None:
        """Own these tasks no longer."""
        if self._session is not None:
            self._session.move(names)

    def _membership(self, settings: FleetSettings, host: str) -> tuple[Membership, str]:
        reader = RecordReader(self._directory)
        try:
            newest = reader.newest()
        finally:
            reader.close()
        identity, note = identify(self._directory, host, newest)
        membership = Membership(
            fleet=settings.name,
            host=host,
            incarnation=self._incarnation,
            state_id=identity.state_id,
            place=place_of(self._directory),
            sent_elsewhere=identity.sent_elsewhere,
            lease=settings.lease,
            lost_after=settings.lost_after,
            version=__version__,
            tags=settings.tags,
            output=settings.output,
        )
        return membership, note

    async def close(self) -> None:
        """Leave the fleet."""
        self._settings = NO_FLEET
        if self._joining is not None:
            self._joining.cancel()
        if "fleet" in self._loop.health.troubles:
            self._loop.health.set_trouble("fleet", "")
        session, self._session = self._session, None
        self._show(NoFleet())
        if session is not None:
            await session.close()


class FleetSession:
    """One membership, and the timers that watch it: the observer of its member, which calls from its own thread."""

    def __init__(self, loop: Loop, membership: Membership, settings: FleetSettings, reader: RecordReader) -> None:
        self._loop = loop
        self._asyncio = asyncio.get_running_loop()
        self._lease = settings.lease / SECOND
        self._presence = Presence(membership.fleet, membership.host, self._asyncio.time())
        self._tasks = TaskSender(loop.scheduler)
        self._deadline: asyncio.TimerHandle | None = None
        self._lease_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._ownership = FleetOwnership(loop, membership.host, Ownership(settings.lease, settings.lost_after))
        connection = FleetConnection(settings.url, settings.password_file, channel_of(membership.fleet))
        self._member = Member(membership, connection, reader, self, self)
        self._ownership.member = self._member.tasks

    def start(self) -> None:
        """Join, and follow what happens here."""
        self._loop.watchers.add(self._on_event)
        self._loop.heartbeat_hooks.append(self._on_heartbeat)
        self._set_lease_timer(self._asyncio.time())
        self._count()
        self._ownership.start()
        self._member.start()

    def drain(self, drained: bool) -> None:  # noqa: FBT001 - it is what is set
        """Own no task from now on, or no longer none."""
        self._member.tasks.drain(drained)

    def move(self, names: Sequence[str]) -> None:
        """Own these tasks no longer."""
        self._ownership.move(names)

    def tasks_replaced(self) -> None:
        """Show other tasks, and own them."""
        self._show_all()
        self._ownership.tasks_replaced()

    def _show_all(self) -> None:
        self._count()
        self._member.publish((), self._tasks.show_all())

    async def close(self) -> None:
        """Send what is left, leave, and follow nothing more."""
        self._ownership.close()
        self._loop.watchers.discard(self._on_event)
        self._loop.heartbeat_hooks.remove(self._on_heartbeat)
        await in_thread(partial(self._member.close, CLOSE_TIMEOUT))
        self._closed = True
        for timer in (self._deadline, self._lease_timer):
            if timer is not None:
                timer.cancel()

    # -- what happens here ------------------------------------------------------------------------------------------

    def _on_event(self, event: Event | OutputLine) -> None:
        match event:
            case tuple():
                return
            case Missed(name):
                self._member.wake()
            case Spawned(run):
                name = run.task
            case _:
                name = event.run.task
                self._member.wake()
        self._tasks.changed(name)

    def _on_heartbeat(self, _: Instant) -> None:
        self._tasks.look_again()

    def _count(self) -> None:
        self._member.counts = (len(self._loop.scheduler.tasks), self._loop.scheduler.spawned_count)

    # -- what the member says, on its thread ------------------------------------------------------------------------

    def exchange_begins(self) -> None:
        """From now on the database has a third of a lease to answer."""
        self._call(self._set_deadline)

    def exchange_ends(self) -> None:
        """It has answered, or failed."""
        self._call(self._clear_deadline)

    def joined(self) -> None:
        """Show everything anew."""
        self._call(self._show_all)

    def renewed(self, sent_at: float, sent_at_boottime: Duration, clock_offset: Duration) -> None:
        """The fleet has heard of this host."""
        self._call(partial(self._ownership.renewed, sent_at_boottime, clock_offset))
        self._call(partial(self._on_renewed, sent_at, clock_offset))

    def rebuilt(self, epoch: int, tasks: Sequence[OwnedTask], events: Sequence[SharedEvent]) -> None:
        """What the fleet knows of the tasks that one host runs."""
        self._call(partial(self._ownership.on_rebuilt, epoch, tasks, events))

    def looked(self, epoch: int, look: OwnershipResult) -> None:
        """What others have done with them, and what this host owns by now."""
        self._call(partial(self._ownership.on_looked, epoch, look))

    def claimed(self, epoch: int, granted: Collection[str], refused: Collection[str]) -> None:
        """What this host may record and begin."""
        self._call(partial(self._ownership.on_claimed, epoch, granted, refused))

    def unrecordable(self, epoch: int, reasons: Mapping[str, str]) -> None:
        """What the database does not take."""
        self._call(partial(self._ownership.on_unrecordable, epoch, reasons))

    def failed(self, error: StoreError) -> None:
        """A try has failed."""
        self._call(lambda: self._tell(self._presence.failed(error)))

    def refused(self, holder: str) -> None:
        """Another daemon has the name."""
        self._call(lambda: self._tell(self._presence.refused(holder)))

    def note(self, text: str) -> None:
        """Something else has to be told."""
        self._call(lambda: self._loop.journal.write(Message(text, Priority.WARNING)))

    def _call(self, action: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._asyncio.call_soon_threadsafe(lambda: None if self._closed else action())

    # -- back on the loop's thread ----------------------------------------------------------------------------------

    def _set_deadline(self) -> None:
        self._deadline = self._asyncio.call_later(self._member.interval, self._member.abort)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_renewed(self, sent_at: float, clock_offset: Duration) -> None:
        self._set_lease_timer(sent_at)
        self._tell(self._presence.renewed(sent_at, self._asyncio.time()))
        self._tell(self._presence.clock_measured(clock_offset))
        self._count()
        if changed := self._tasks.take():
            self._member.publish(changed)

    def _set_lease_timer(self, since: float) -> None:
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        self._lease_timer = self._asyncio.call_at(since + self._lease, self._on_lease_over)

    def _on_lease_over(self) -> None:
        self._tell(self._presence.lease_over())

    def _tell(self, message: Message | None) -> None:
        if message is not None:
            self._loop.journal.write(message)
        if self._loop.health.troubles.get("fleet", "") != self._presence.trouble:
            self._loop.health.set_trouble("fleet", self._presence.trouble)
