"""Whether any run may start at the moment: a slot is free, records are taken, the host has the resources.

A start that failed for lack of a resource of the host shows how many runs the host bears: the active ones. As if
there were no more slots, no more runs are active at once until more have been tried with success. When one ends, the
next starts at once; else one is tried after a pause, which grows while these tries fail; then two, four, eight.
A task that has not failed so yet is tried once all the same: perhaps only the other one needs too much.
"""

from typing import Final

from rocketd.core.backoff import Backoff
from rocketd.core.instant import BEGINNING, FOREVER, SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Cause
from rocketd.core.scheduler.running import NO_SLOT, RunningRuns
from rocketd.core.scheduler.task_state import ScheduledTask

SHORT: Final = "the host lacks the resources to start tasks"
RETRY: Final = Backoff[Duration](SECOND, 30 * SECOND)
"""The pause between two tries to start more than the host could bear."""


class Admission:
    """What keeps every task from starting."""

    def __init__(self, running: RunningRuns) -> None:
        self.closed = ""
        """Why no start can be recorded, so that nothing may start; empty: records are taken."""
        self.shortage = ""
        """What the host is short of; empty: of nothing."""
        self.successes = 0
        """How many runs have begun so far."""
        self._running = running
        self._limit = 0
        self._increase = 1
        self._pause = RETRY.first
        self._next: Instant = FOREVER
        self._trying = self._failed = False

    def obstacle(self, now: Instant, *, fresh: bool) -> str:
        """Return what keeps a run from starting now; empty: nothing, and it is expected to start.

        `fresh`: no start of its task has failed for lack of a resource since it last ran.
        """
        if self.closed:
            return self.closed
        if self._running.is_full:
            return NO_SLOT
        return "" if self._has_room(now, fresh=fresh) else f"{SHORT}: {self.shortage}"

    def _has_room(self, now: Instant, *, fresh: bool) -> bool:
        """Whether the host may bear one more; what is tried because the pause is over is counted."""
        if not self.shortage or len(self._running) < self._limit:
            return True
        if self._is_trying or (now < self._next and not fresh):
            return False
        if not fresh:
            self._trying = True
            self._limit, self._next = len(self._running) + self._increase, now + self._pause
        return True

    @property
    def next_try(self) -> Instant:
        """When more may start, if something waits for that; FOREVER: after an event."""
        if self.closed or self._running.is_full or (self.shortage and self._is_trying):
            return FOREVER
        return self._next if self.shortage and len(self._running) >= self._limit else BEGINNING

    @property
    def _is_trying(self) -> bool:
        """Whether starts are under way whose outcome will tell more."""
        return len(self._running) > self._running.spawned_count

    def apply(self, event: Spawned | Finished | Withdrawn, scheduled: ScheduledTask | None) -> None:
        """Apply the outcome of a start; `scheduled` is its task, if that is still loaded."""
        if isinstance(event, Spawned):
            self.note_success(event.at)
        elif isinstance(event, Finished):  # which implies a start; a process that could not execute the program is none
            if scheduled is not None:
                scheduled.clear_failed_starts()
        elif event.cause is Cause.SHORTAGE:
            if scheduled is not None:
                scheduled.note_failed_start(event, self.successes)
            if event.shared:
                self.note_failure(event.reason, event.at)

    def note_failure(self, reason: str, now: Instant) -> None:
        """Note that a start has failed for lack of a resource of the host."""
        if not self.shortage:
            self._pause, self._next = RETRY.first, now + RETRY.first
        elif self._trying:  # else it was decided before it was known, or was a fresh one
            self._pause = RETRY.after(self._pause)
            self._next = now + self._pause
        self.shortage, self._failed, self._trying = reason, True, False
        self._limit, self._increase = self._running.spawned_count, 1

    def note_success(self, now: Instant) -> None:
        """Note that a run has begun."""
        self.successes += 1
        self._failed = False
        count = self._running.spawned_count
        if self.shortage and (count > self._limit or (self._trying and count == self._limit)):
            self._limit, self._trying = count, False
            self._increase, self._pause, self._next = 2 * self._increase, RETRY.first, now

    def end_pass(self, *, waiting: bool) -> None:
        """End a pass: if nothing waits, and the newest start succeeded, the host is short of nothing."""
        if self.shortage and not (waiting or self._failed or self._is_trying):
            self.shortage = ""

    def shift(self, by: Duration) -> None:
        """Shift the pause with a step of the clock: it is elapsed time."""
        if self._next < FOREVER:
            self._next += by
