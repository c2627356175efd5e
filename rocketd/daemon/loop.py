"""The loop: decide, record, carry out, wait, learn, heartbeat.

One pass reads the clock once. Decisions are recorded before they are carried out, ends before anybody learns of them.
Between passes nothing wakes up but the alarm, an event and the heartbeat.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from rocketd.core.clock import Clock
from rocketd.core.errors import StoreError
from rocketd.core.instant import FOREVER, SECOND, Duration, Instant
from rocketd.core.instant_text import timestamp
from rocketd.core.messages import daemon_messages
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.events import (
    Broken,
    Decision,
    Event,
    Finished,
    Missed,
    Spawned,
    Start,
    Started,
    Stop,
    Withdrawn,
)
from rocketd.core.model.records import Alive, Change
from rocketd.core.model.run import Cause, Run
from rocketd.core.model.task import Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import Drift, Steadiness, TimerAlarm
from rocketd.daemon.error_policy import ErrorPolicy, SilencedErrors
from rocketd.daemon.event_sink import EventSink
from rocketd.daemon.final_flush import FinalFlush
from rocketd.daemon.health import Health
from rocketd.daemon.pending_starts import PendingStarts
from rocketd.daemon.ports import Executor, Journal, ServiceManager
from rocketd.daemon.record_writer import RecordWriter

HEARTBEAT_INTERVAL: Final[Duration] = 60 * SECOND
"""How often the loop says that it lives, where no watchdog asks for more."""


class Loop:
    """Turns the scheduler's decisions into acts, and what the world reports into events."""

    def __init__(
        self, *, scheduler: Scheduler, clock: Clock, journal: Journal, manager: ServiceManager, silenced: SilencedErrors
    ) -> None:
        self.scheduler = scheduler
        self.clock = clock
        self.journal = journal
        self.manager = manager
        self.error_policy = ErrorPolicy(journal, silenced, self.fail)
        self.health = Health(scheduler=scheduler, clock=clock, journal=journal, manager=manager)
        self.failed: BaseException | None = None
        """What stopped the loop, other than being asked to."""
        self._events = EventSink(journal)
        self.watchers = self._events.watchers
        self.heartbeat_hooks: list[Callable[[Instant], None]] = []
        """What is done at each heartbeat, so that it needs no timer of its own."""
        self.pass_hooks: list[Callable[[Instant], Instant]] = []
        """What is done after each pass; it says when to have another at the latest."""
        self._asyncio = asyncio.get_running_loop()
        self._executor: Executor | None = None
        self._recorder: RecordWriter | None = None
        self._alarm: TimerAlarm | None = None
        self._heartbeat_timer: asyncio.TimerHandle | None = None
        self._pass_scheduled = False
        self._pending_writes = 0
        self._pending_starts = PendingStarts(self)
        self._next_pass: Instant = FOREVER
        self._drift = Drift(clock.now(), clock.monotonic(), clock.boottime())
        self.steadiness = Steadiness(clock.boottime)
        """For how long the clock has not been set."""
        self._done = asyncio.Event()
        self._terminating = False
        """Whether the grace of a stop is over."""
        self._grace_timer: asyncio.TimerHandle | None = None
        self._final_flush: FinalFlush | None = None

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self, executor: Executor, recorder: RecordWriter) -> None:
        """Start deciding. The past has been learned by now."""
        self._executor, self._recorder = executor, recorder
        self._alarm = TimerAlarm(self.wake)
        self._heartbeat()
        self.wake()

    @property
    def executor(self) -> Executor:
        """Who carries out; only after `begin`."""
        assert self._executor is not None  # noqa: S101 - a defect of ours
        return self._executor

    @property
    def recorder(self) -> RecordWriter:
        """Who writes; only after `begin`."""
        assert self._recorder is not None  # noqa: S101 - a defect of ours
        return self._recorder

    async def until_done(self) -> None:
        """Wait until a stop has been carried out, or something has failed for good; raises what failed."""
        await self._done.wait()
        if self._alarm is not None:
            self._alarm.close()
        for handle in (self._heartbeat_timer, self._grace_timer):
            if handle is not None:
                handle.cancel()
        if self._final_flush is not None:
            self._final_flush.close()
        if self.failed is not None:
            raise self.failed

    def fail(self, error: BaseException) -> None:
        """Stop because of an error that is not silenced."""
        if self.failed is None:
            self.failed = error
        self._done.set()

    def stop(self, grace: Duration | None) -> None:
        """Start nothing new, let runs end for this long (None: as long as they take), then stop the rest."""
        if self.scheduler.draining:
            return
        self.manager.stopping()
        self.manager.extend_timeout((grace or 0) + HEARTBEAT_INTERVAL)
        self.journal.write(daemon_messages.stopping(self.scheduler.running_count, grace))
        self.scheduler.trust_clock()  # nobody else will tell what was missed
        self.scheduler.drain()
        self._final_flush = FinalFlush(self.recorder, lambda: self.executor.active_count, self._give_up_records)
        if grace is not None:
            self._grace_timer = self._asyncio.call_later(grace / SECOND, self.terminate_runs)
        self.wake()

    def _give_up_records(self, error: StoreError) -> None:
        self.journal.write(Message(error.message, Priority.ERROR))
        self.fail(error)

    def terminate_runs(self) -> None:
        """Stop every run that is still going on, by TERM, grace and KILL."""
        self._terminating = True
        self._carry_out(self.scheduler.stop_all(Cause.SHUTDOWN))
        self.wake()

    def kill(self) -> None:
        """Stop every run at once: asked twice to stop."""
        self.terminate_runs()
        self.executor.kill()
        if self._final_flush is not None:
            self._final_flush.shorten_timeout()

    # -- a pass -----------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have a pass soon; any number of calls before it make one."""
        if not self._pass_scheduled and self._alarm is not None:
            self._pass_scheduled = True
            self._asyncio.call_soon(self._pass)

    def _pass(self) -> None:
        self._pass_scheduled = False
        if self._done.is_set():
            return
        try:
            now = self.clock.now()
            self._detect_clock_changes(now)
            self._carry_out(self.scheduler.decide(now))
            wakeups = [hook(now) for hook in self.pass_hooks]
            if self.scheduler.has_unreported:
                self._carry_out(self.scheduler.report_missed(now))
                self.wake()
            elif self._alarm is not None:
                self._next_pass = min([self.scheduler.next_check(), *wakeups])
                self._alarm.set(self._next_pass)
        except Exception as error:  # noqa: BLE001 - a defect of the scheduler: systemd starts us anew
            self.fail(error)
        self.health.set_shortage(self.scheduler.admission.shortage)
        self.health.report_status()
        if self.scheduler.draining and not self._busy:
            self._events.publish_delayed(None)
            self._done.set()
        elif self._terminating and not self.executor.active_count:
            self.recorder.stop_waiting()

    @property
    def _busy(self) -> bool:
        return bool(
            self._pending_writes or self._pending_starts or self.executor.active_count or self.scheduler.running_count
        )

    def now(self) -> Instant:
        """Read the clock; if it was set, the scheduler knows by the time this returns."""
        now = self.clock.now()
        if self._detect_clock_changes(now):
            self.wake()
        return now

    def _detect_clock_changes(self, now: Instant) -> bool:
        """Whether the clock was set or the host slept since the last look; then everything must be judged again."""
        stepped, slept = self._drift.update(now, self.clock.monotonic(), self.clock.boottime())
        if stepped:
            self.steadiness.reset()
            self.journal.write(daemon_messages.clock_step(stepped))
        if slept:
            self.journal.write(daemon_messages.suspended(slept))
        if stepped or slept:
            for name in self.scheduler.clock_stepped(now, stepped, slept):
                self.journal.write(daemon_messages.far_ahead(name))
        return bool(stepped or slept)

    def carry_out(self, decisions: Sequence[Decision]) -> None:
        """Carry out what an operator's verb decided."""
        self.now()
        self._carry_out(decisions)
        self.wake()

    def _carry_out(self, decisions: Sequence[Decision]) -> None:
        """Record the starts and misses of a pass in one transaction; stop what is to be stopped at once."""
        changes: list[Change] = []
        starts: list[tuple[Task, Run]] = []
        for decision in decisions:
            match decision:
                case Start(run):
                    changes.append(Started(run))
                    starts.append((self.scheduler.find(run.task).task, run))
                    self._pending_starts.add(run)
                case Missed():
                    changes.append(decision)
                case Stop(run, cause):
                    self._stop(run, cause)
                case Broken():
                    self.error_policy.in_condition(decision)
        if changes:
            self._record(changes, partial(self._pending_starts.start_recorded, changes, starts))

    def _stop(self, run: Run, cause: Cause) -> None:
        if not self._pending_starts.stop(run, cause):
            self.executor.stop(run, cause)

    # -- what the world reports -------------------------------------------------------------------------------------

    def handle_event(self, event: Spawned | Finished | Withdrawn) -> None:
        """Hear from the executor. An end is recorded first and learned then; that a run has begun is so at once."""
        match event:
            case Spawned():
                self._on_spawned(event)
            case Finished(run, end):
                ended = Finished(run, end.storable)
                self._record([ended], partial(self._on_finished, ended))
            case Withdrawn():
                self._pending_starts.handle_withdrawn(event)

    def handle_output(self, run: Run, stream: str, line: str) -> bool:
        """Hear a line that a run printed; whether the journal will have it."""
        return self._events.output(run, stream, line)

    def _on_finished(self, event: Finished) -> None:
        now, end = self.now(), event.end
        self.scheduler.learn(event if end.at <= now else Finished(event.run, replace(end, at=now)))  # set back since
        self.publish(event)
        self.wake()

    def _on_spawned(self, event: Spawned) -> None:
        self.scheduler.learn(event)
        if event.pid:
            self._record([event], partial(self.publish, event))
        if self.scheduler.next_check() < self._next_pass:  # its time is running
            self.wake()
        self.health.report_status()

    def publish(self, event: Event) -> None:
        """Tell the journal, and whoever watches."""
        self._events.publish(event)

    # -- recording --------------------------------------------------------------------------------------------------

    def record(self, changes: Sequence[Change]) -> None:
        """Write what nobody waits for, e.g. what an operator said."""
        if changes:
            self._record(changes, lambda: None)

    def _record(self, changes: Sequence[Change], on_done: Callable[[], None]) -> None:
        self._pending_writes += 1

        def on_written() -> None:
            self._pending_writes -= 1
            on_done()
            if self.scheduler.draining:
                self.wake()

        self.recorder.record(changes, on_written)

    def store_changed(self, error: StoreError | None, spooled: bool = False) -> None:  # noqa: FBT001, FBT002 - as told
        """Hear from the recorder that no record can be written, so that nothing may start; or that one can, again."""
        self.health.set_store_state(error, spooled)
        if error is None or spooled:
            self.scheduler.admission.closed = ""
        else:
            since = timestamp(self.health.store_failed_at)
            self.scheduler.admission.closed = f"the run log has not been writable since {since}: {error.message}"
            self._pending_starts.withdraw_all(self.scheduler.admission.closed)
        self.wake()

    # -- signs of life ----------------------------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        """Prove the writer, then tell the service manager: who hears a heartbeat knows that both work."""
        interval = min(HEARTBEAT_INTERVAL, (self.manager.watchdog or 4 * HEARTBEAT_INTERVAL) // 4)
        self._heartbeat_timer = self._asyncio.call_later(interval / SECOND, self._heartbeat)
        if self.health.can_record:
            self._record([Alive(self.clock.now(), self.clock.boottime())], lambda: None)
        self.health.expect_write()
        self.recorder.check_alive(self._writer_answered)

    def _writer_answered(self) -> None:
        self.health.write_done()
        self.manager.heartbeat()
        if self.scheduler.draining:
            self.manager.extend_timeout(2 * HEARTBEAT_INTERVAL)
            self.wake()
        now = self.now()
        self._events.publish_delayed(now)
        for hook in self.heartbeat_hooks:
            hook(now)
