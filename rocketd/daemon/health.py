"""What works and what does not: one line for the service manager, and for the journal when that changes."""

import asyncio
from collections.abc import Callable
from typing import Final

from rocketd.core.clock import Clock
from rocketd.core.errors import StoreError
from rocketd.core.instant import Duration, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.messages.message import Message, Priority
from rocketd.core.plural import counted
from rocketd.core.scheduler.admission import SHORT
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.ports import Journal, ServiceManager

SLOW_WRITE: Final = 5.0
"""Seconds that writing may take before it is reported to hang."""
_HANGS: Final = "its disk or file server does not answer"


class Health:
    """Keeps what does not work at the moment, by part."""

    def __init__(self, *, scheduler: Scheduler, clock: Clock, journal: Journal, manager: ServiceManager) -> None:
        self.troubles: dict[str, str] = {}
        """What does not work at the moment, by the part that it is about: the store, a repository, the mail."""
        self.problems = 0
        """How many problems the task files have."""
        self.file_problems = ""
        """What these are, counted by kind; empty: there are none."""
        self._scheduler = scheduler
        self._clock = clock
        self._journal = journal
        self._manager = manager
        self.store_failed_at: Instant = 0
        """When the store went away last."""
        self._store_failed_boottime: Duration = 0
        self.on_change: Callable[[], None] = lambda: None
        """Called when something ceases to work, or works again."""
        self._spooled = False
        self._write_timer: asyncio.TimerHandle | None = None
        self._status_call: asyncio.Handle | None = None

    @property
    def can_record(self) -> bool:
        """Whether records get somewhere: to the store, or to the spool meanwhile."""
        return self._spooled or "store" not in self.troubles

    def set_store_state(self, error: StoreError | None, spooled: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of the callback
        """Show an outage of the store, and whether records go to the spool meanwhile; None: the outage is over."""
        self._spooled = spooled
        if error is None:
            self._journal.write(daemon_messages.store_recovered(self._clock.boottime() - self._store_failed_boottime))
            self.set_trouble("store", "")
        elif spooled:
            if "store" not in self.troubles:
                self._store_failed_boottime, self.store_failed_at = self._clock.boottime(), self._clock.now()
            self._journal.write(daemon_messages.store_spooled(error.message))
            self.set_trouble("store", f"{error.message}; records wait in the spool")
        else:
            self._store_failed_boottime, self.store_failed_at = self._clock.boottime(), self._clock.now()
            self._journal.write(daemon_messages.store_degraded(error.message))
            self.set_trouble("store", error.message)

    def set_shortage(self, shortage: str) -> None:
        """Show what the host is short of, after each pass; empty: of nothing."""
        if shortage and "host" not in self.troubles:
            self._journal.write(daemon_messages.shortage(shortage))
            self.set_trouble("host", f"{SHORT}: {shortage}")
        elif not shortage and "host" in self.troubles:
            self._journal.write(daemon_messages.shortage_over())
            self.set_trouble("host", "")

    def expect_write(self) -> None:
        """Report a disk or file server that does not answer, unless `writing_goes_on` comes soon.

        Nothing starts meanwhile, and there is no heartbeat.
        """
        if self._write_timer is None:
            self._write_timer = asyncio.get_running_loop().call_later(SLOW_WRITE, self._report_slow_write)

    def _report_slow_write(self) -> None:
        self._journal.write(daemon_messages.store_degraded(_HANGS))
        self.set_trouble("writing", _HANGS)

    def write_done(self) -> None:
        """End what `expect_write` started: records are written."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self.troubles.get("writing"):
            self._journal.write(daemon_messages.store_answers())
            self.set_trouble("writing", "")

    def set_trouble(self, part: str, text: str) -> None:
        """Show in the status that something does not work; empty: it does again."""
        self.troubles.pop(part, None)
        if text:
            self.troubles[part] = text
        self.report_status()
        self.on_change()

    def report_trouble(self, about: str, text: str) -> None:
        """Do the same, and log it, once."""
        if text and self.troubles.get(about) != text:
            self._journal.write(Message(text, Priority.ERROR))
        self.set_trouble(about, text)

    @property
    def degraded(self) -> str:
        """What does not work at the moment; empty: all does."""
        return "; ".join(self.troubles.values())

    def report_status_soon(self) -> None:
        """Send the status to the service manager once for all that happens in this turn of the loop."""
        if self._status_call is None:
            self._status_call = asyncio.get_running_loop().call_soon(self.report_status)

    def report_status(self) -> None:
        """Send the status to the service manager."""
        if self._status_call is not None:
            self._status_call.cancel()
            self._status_call = None
        self._manager.status(self.status)

    @property
    def status(self) -> str:
        """What `systemctl status` shows in one line."""
        parts = [counted(len(self._scheduler.tasks), "task"), f"{self._scheduler.spawned_count} running"]
        if self.problems:
            parts.append(f"{counted(self.problems, 'problem')} in task files: {self.file_problems} (rocketctl check)")
        if self.degraded:
            parts.append(f"degraded: {self.degraded}")
        if self._scheduler.draining:
            parts.insert(0, "stopping")
        return ", ".join(parts)
