"""The loop: decide, record, carry out, wait, learn, heartbeat.

One pass reads the clock once. Decisions are recorded before they are carried out, ends before anybody learns of them.
Between passes nothing wakes up but the alarm, an event and the heartbeat.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from rocketd.core.clock import Clock
from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Duration, Instant
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
from rocketd.core.model.records import Change
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import Steadiness
from rocketd.daemon.clock_monitor import ClockMonitor
from rocketd.daemon.error_policy import ErrorPolicy, SilencedErrors
from rocketd.daemon.event_sink import EventSink
from rocketd.daemon.final_flush import FinalFlush
from rocketd.daemon.health import Health
from rocketd.daemon.heartbeat import HEARTBEAT_INTERVAL, Heartbeat
from rocketd.daemon.pass_timer import PassTimer
from rocketd.daemon.pending_starts import PendingStarts, max_starts
from rocketd.daemon.ports import Executor, Journal, ServiceManager
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.start_rehearsal import RehearseStart, StartRehearsal


class Loop:
    """Carries out the scheduler's decisions, and passes it the events that follow."""

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
        """The error that stopped the loop."""
        self.events = EventSink(journal)
        self.watchers = self.events.watchers
        self.heartbeat_hooks: list[Callable[[Instant], None]] = [self.events.publish_delayed]
        """Called at each heartbeat, so that they need no timers of their own."""
        self.pass_hooks: list[Callable[[Instant], Instant]] = []
        """Called after each pass; each returns when the next one must be at the latest."""
        self.rehearse_start: RehearseStart = lambda _, __: None
        self.take_over_run: Callable[[Task, Run], None] = lambda _, __: None
        self.leave_run: Callable[[Run], bool] = lambda _: False
        """Follow a run of another host of the fleet that is in an engine, or no longer; whether that is possible."""
        self._asyncio = asyncio.get_running_loop()
        self._executor: Executor | None = None
        self._recorder: RecordWriter | None = None
        self._timer: PassTimer | None = None
        self._heartbeat = Heartbeat(self, self.heartbeat_hooks)
        self._pending_writes = 0
        self.pending_starts = PendingStarts(self)
        self._clock_monitor = ClockMonitor(clock, scheduler, journal)
        self._done = asyncio.Event()
        self._terminating = False  # whether the grace of a stop is over
        self._grace_timer: asyncio.TimerHandle | None = None
        self._left: frozenset[RunKey] = frozenset()  # which runs continue without this daemon
        self._final_flush: FinalFlush | None = None

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self, executor: Executor, recorder: RecordWriter) -> None:
        """Start deciding. The scheduler has been recovered by now."""
        self._executor, self._recorder = executor, recorder
        self._timer = PassTimer(self.clock, self._pass, StartRehearsal(self.scheduler, recorder, self.rehearse_start))
        self._heartbeat.beat()
        self.wake()

    @property
    def steadiness(self) -> Steadiness:
        """For how long the clock has not been set."""
        return self._clock_monitor.steadiness

    @property
    def executor(self) -> Executor:
        """Carries out decisions; only after `start`."""
        assert self._executor is not None  # noqa: S101 - a defect of ours
        return self._executor

    @property
    def recorder(self) -> RecordWriter:
        """Writes records; only after `start`."""
        assert self._recorder is not None  # noqa: S101 - a defect of ours
        return self._recorder

    async def until_done(self) -> None:
        """Wait until a stop has been carried out, or something has failed for good; raises what failed."""
        await self._done.wait()
        if self._timer is not None:
            self._timer.close()
        self._heartbeat.close()
        if self._grace_timer is not None:
            self._grace_timer.cancel()
        if self._final_flush is not None:
            self._final_flush.close()
        if self.failed is not None:
            raise self.failed

    def fail(self, error: BaseException) -> None:
        """Stop because of an error that is not silenced."""
        if self.failed is None:
            self.failed = error
        self._done.set()

    def stop(self, grace: Duration | None, *, leave: bool = False) -> None:
        """Start nothing new, `leave` runs that need no daemon, let the others end for so long (None: for ever)."""
        if self.scheduler.draining:
            return
        self.manager.stopping()
        self.manager.extend_timeout((grace or 0) + HEARTBEAT_INTERVAL)
        self._left = self.executor.leave() if leave else self._left
        self.journal.write(daemon_messages.stopping(len(self._awaited), grace, len(self._left)))
        self.scheduler.trust_clock()  # nothing else reports what was missed
        self.scheduler.drain()
        self._final_flush = FinalFlush(self.recorder, lambda: self.executor.active_count, self._give_up_records)
        if grace is not None:
            self._grace_timer = self._asyncio.call_later(grace / SECOND, self.terminate_runs)
        self.wake()

    def _give_up_records(self, error: StoreError) -> None:
        self.journal.write(Message(error.message, Priority.ERROR))
        self.fail(error)

    def terminate_runs(self) -> None:
        """Stop every active run, by TERM, grace and KILL."""
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
        """Schedule a pass; any number of calls before it make one."""
        if self._timer is not None:
            self._timer.wake()

    def _pass(self) -> None:
        if self._done.is_set():
            return
        try:
            now = self.clock.now()
            self._clock_monitor.check(now)
            self._carry_out(self.scheduler.decide(now, max_starts(goes_on=self.scheduler.is_cut)))
            wakeups = [hook(now) for hook in self.pass_hooks]
            if self.scheduler.has_unreported:
                self._carry_out(self.scheduler.report_missed(now))
                self.wake()
            elif self._timer is not None:
                self._timer.set(min([self.scheduler.next_check(), *wakeups]), now)
        except Exception as error:  # noqa: BLE001 - a defect of the scheduler: systemd starts us anew
            self.fail(error)
        self.health.set_shortage(self.scheduler.admission.shortage)
        self.health.report_status()
        if self.scheduler.draining and not self._busy:
            self.events.publish_delayed(None)
            self._done.set()
        elif self._terminating and not self.executor.active_count:
            self.recorder.stop_waiting()

    @property
    def _busy(self) -> bool:
        return bool(self._pending_writes or self.pending_starts or self.executor.active_count or self._awaited)

    @property
    def _awaited(self) -> list[Run]:
        return [run for run in self.scheduler.running_runs if self.events.renamed_runs.key(run) not in self._left]

    def now(self) -> Instant:
        """Read the clock; if it was set, the scheduler knows by the time this returns."""
        now = self.clock.now()
        if self._clock_monitor.check(now):
            self.wake()
        return now

    def carry_out(self, decisions: Sequence[Decision]) -> None:
        """Carry out what an operator's verb decided."""
        self.now()
        self._carry_out(decisions)
        self.wake()

    def _carry_out(self, decisions: Sequence[Decision]) -> None:
        """Record the starts and misses of a pass in one transaction; stop what is to be stopped at once."""
        changes: list[Started | Missed] = []
        for decision in decisions:
            match decision:
                case Start(run):
                    changes.append(Started(run))
                    self.pending_starts.add(self.scheduler.find(run.task).task, run)
                case Missed():
                    changes.append(decision)
                case Stop(run, cause):
                    self._stop(run, cause)
                case Broken():
                    self.error_policy.in_condition(decision)
        if changes:
            self.pending_starts.claim(changes)

    def _stop(self, run: Run, cause: Cause) -> None:
        if not self.pending_starts.stop(run, cause):
            self.executor.stop(self.events.renamed_runs.original(run), cause)

    # -- what the world reports -------------------------------------------------------------------------------------

    def handle_event(self, event: Spawned | Finished | Withdrawn) -> None:
        """Handle an event of the executor: an end is recorded before it is learned, a start is learned at once."""
        match event := self.events.renamed_runs.event(event):
            case Spawned():
                self._on_spawned(event)
            case Finished(run, end):
                ended = event if (storable := end.storable) is end else Finished(run, storable)
                self._record([ended], partial(self._on_finished, ended, self.scheduler.history.position))
            case Withdrawn():
                self.pending_starts.handle_withdrawn(event)

    def handle_output(self, run: Run, stream: str, line: str) -> bool:
        """Publish a line that a run printed; return whether the journal takes it."""
        return self.events.output(run, stream, line)

    def _on_finished(self, event: Finished, noted: int) -> None:
        event = self.events.renamed_runs.event(event)
        at, end = self.scheduler.history.steps.latest_noted(event.end.at, noted, self.now()), event.end
        self.scheduler.learn(event if at == end.at else Finished(event.run, replace(end, at=at)), noted)
        self.executor.recorded(self.events.renamed_runs.original(event.run))
        self.publish(event)
        self.wake()

    def _on_spawned(self, event: Spawned) -> None:
        self.scheduler.learn(event)
        if event.pid:
            self.recorder.record_soon(event)
            self._asyncio.call_soon(self.publish, event)  # behind the start itself
        if self._timer is not None and self.scheduler.next_check() < self._timer.at:  # its time is running
            self.wake()
        self.health.report_status_soon()

    def publish(self, event: Event) -> None:
        """Write an event to the journal, and pass it to the watchers."""
        self.events.publish(event)

    # -- recording --------------------------------------------------------------------------------------------------

    def record(self, changes: Sequence[Change], on_done: Callable[[], None] = lambda: None) -> None:
        """Write changes, such as an operator's pause, and then call `on_done`."""
        if changes:
            self._record(changes, on_done)

    def _record(self, changes: Sequence[Change], on_done: Callable[[], None]) -> None:
        self._pending_writes += 1

        def on_written() -> None:
            self._pending_writes -= 1
            on_done()
            if self.scheduler.draining or self.scheduler.is_cut:
                self.wake()

        self.recorder.record(changes, on_written)

    def store_changed(self, error: StoreError | None, spooled: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of the callback
        """Handle an outage of the store, in which nothing may start, or the end of one; called by the record writer."""
        self.health.set_store_state(error, spooled)
        if error is None or spooled:
            self.scheduler.admission.closed = ""
        else:
            since = timestamp(self.health.store_failed_at)
            self.scheduler.admission.closed = f"the run log has not been writable since {since}: {error.message}"
            self.pending_starts.withdraw_all(self.scheduler.admission.closed)
        self.wake()
