"""The loop: decide, record, carry out, wait, learn, heartbeat.

One pass reads the clock once. Decisions are recorded before they are carried out, ends before anybody learns of them.
Between passes nothing wakes up but the alarm, an event and the heartbeat.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from rocketd.core import daemon_entries, run_entries
from rocketd.core.decisions import Broken, Decision
from rocketd.core.entries import Priority, Stream
from rocketd.core.events import Event, Finished, Missed, Spawned, Start, Started, Stop
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.records import Alive, Change
from rocketd.core.run import Action, Cause, End, Run, RunKey
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import Task
from rocketd.daemon.clock import Drift, Steadiness, TimerAlarm
from rocketd.daemon.defects import Defects, Silence
from rocketd.daemon.health import Health
from rocketd.daemon.last_records import LastRecords
from rocketd.daemon.ports import Clock, Executor, Journal, ServiceManager
from rocketd.daemon.recorder import Recorder

SIGN_OF_LIFE: Final[Duration] = 60 * SECOND
"""How often the loop says that it lives, where no watchdog asks for more."""

Watcher = Callable[[Event | tuple[Run, Stream, str]], None]


class Loop:
    """Turns the scheduler's decisions into acts, and what the world reports into events."""

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        clock: Clock,
        journal: Journal,
        manager: ServiceManager,
        silence: Silence,
    ) -> None:
        self.scheduler = scheduler
        self.clock = clock
        self.journal = journal
        self.manager = manager
        self.defects = Defects(journal, silence, self.fail)
        self.health = Health(scheduler=scheduler, clock=clock, journal=journal, manager=manager)
        self.failed: BaseException | None = None
        """What stopped the loop, other than being asked to."""
        self.watchers: set[Watcher] = set()
        self.beats: list[Callable[[Instant], None]] = []
        """What is done at each heartbeat, so that it needs no timer of its own."""
        self.passed: list[Callable[[Instant], Instant]] = []
        """What is done after each pass; it says when to have another at the latest."""
        self._asyncio = asyncio.get_running_loop()
        self._executor: Executor | None = None
        self._recorder: Recorder | None = None
        self._alarm: TimerAlarm | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._woken = False
        self._recording = 0
        self._unborn: dict[RunKey, Cause | None] = {}
        self._drift = Drift(clock.now(), clock.monotonic(), clock.boottime())
        self.steady = Steadiness(clock.boottime)
        """For how long the clock has not been set."""
        self._done = asyncio.Event()
        self._cut = False
        """Whether the grace of a stop is over."""
        self._grace: asyncio.TimerHandle | None = None
        self._last_records: LastRecords | None = None

    # -- life -------------------------------------------------------------------------------------------------------

    def begin(self, executor: Executor, recorder: Recorder) -> None:
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
    def recorder(self) -> Recorder:
        """Who writes; only after `begin`."""
        assert self._recorder is not None  # noqa: S101 - a defect of ours
        return self._recorder

    async def until_done(self) -> None:
        """Wait until a stop has been carried out, or something has failed for good; raises what failed."""
        await self._done.wait()
        if self._alarm is not None:
            self._alarm.close()
        for handle in (self._beat, self._grace):
            if handle is not None:
                handle.cancel()
        if self._last_records is not None:
            self._last_records.close()
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
        self.manager.extend_timeout((grace or 0) + SIGN_OF_LIFE)
        self.journal.tell(daemon_entries.stopping(self.scheduler.running, grace))
        self.scheduler.trust_clock()  # nobody else will tell what was missed
        self.scheduler.drain()
        self._last_records = LastRecords(self.recorder, lambda: self.executor.going, self.fail)
        if grace is not None:
            self._grace = self._asyncio.call_later(grace / SECOND, self.cut_off)
        self.wake()

    def cut_off(self) -> None:
        """Stop every run that is still going on, by TERM, grace and KILL."""
        self._cut = True
        self._carry_out(self.scheduler.stop_all(Cause.SHUTDOWN), self.clock.now())
        self.wake()

    def kill(self) -> None:
        """Stop every run at once: asked twice to stop."""
        self.cut_off()
        self.executor.kill()
        if self._last_records is not None:
            self._last_records.hurry()

    # -- a pass -----------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have a pass soon; any number of calls before it make one."""
        if not self._woken and self._alarm is not None:
            self._woken = True
            self._asyncio.call_soon(self._pass)

    def _pass(self) -> None:
        self._woken = False
        if self._done.is_set():
            return
        try:
            now = self.clock.now()
            self._notice_steps(now)
            self._carry_out(self.scheduler.decide(now), now)
            looks = [after(now) for after in self.passed]
            if self.scheduler.unaccounted:
                self._carry_out(self.scheduler.account(now), now)
                self.wake()
            elif self._alarm is not None:
                self._alarm.set(min([self.scheduler.look_again(), *looks]))
        except Exception as error:  # noqa: BLE001 - a defect of the scheduler: systemd starts us anew
            self.fail(error)
        self.health.show()
        if self.scheduler.draining and not self._busy:
            self._done.set()
        elif self._cut and not self.executor.going:
            self.recorder.hurry()

    @property
    def _busy(self) -> bool:
        return bool(self._recording or self._unborn or self.executor.going or self.scheduler.running)

    def now(self) -> Instant:
        """Read the clock; if it was set, the scheduler knows by the time this returns."""
        now = self.clock.now()
        if self._notice_steps(now):
            self.wake()
        return now

    def _notice_steps(self, now: Instant) -> bool:
        """Whether the clock was set or the host slept since the last look; then everything must be judged again."""
        stepped, slept = self._drift.notice(now, self.clock.monotonic(), self.clock.boottime())
        if stepped:
            self.steady.stepped()
            self.journal.tell(daemon_entries.clock_step(stepped))
        if slept:
            self.journal.tell(daemon_entries.suspended(slept))
        if stepped or slept:
            for name in self.scheduler.stepped(now, stepped, slept):
                self.journal.tell(daemon_entries.far_ahead(name))
        return bool(stepped or slept)

    def carry_out(self, decisions: Sequence[Decision]) -> None:
        """Carry out what an operator's verb decided."""
        self._carry_out(decisions, self.now())
        self.wake()

    def _carry_out(self, decisions: Sequence[Decision], now: Instant) -> None:
        """Record the starts and misses of a pass in one transaction; stop what is to be stopped at once."""
        changes: list[Change] = []
        starts: list[tuple[Task, Run]] = []
        for decision in decisions:
            match decision:
                case Start(run):
                    changes.append(Started(run))
                    starts.append((self.scheduler.entry(run.task).task, run))
                    self._unborn[run.key] = None
                case Missed():
                    changes.append(decision)
                case Stop(run, cause):
                    self._stop(run, cause)
                case Broken():
                    self.defects.in_condition(decision)
        if changes:
            self._record(changes, partial(self._recorded, changes, starts, now))

    def _recorded(self, changes: Sequence[Change], starts: Sequence[tuple[Task, Run]], now: Instant) -> None:
        with self.executor.together():
            for task, run in starts:
                cause = self._unborn.pop(run.key)
                if cause is None:
                    self._start(task, run)
                else:
                    self.report(Finished(run, _never_begun(cause, now)))
        for change in changes:  # when all have begun: telling takes its time, and they are due
            if isinstance(change, Started | Missed):
                self._tell(change)

    def _start(self, task: Task, run: Run) -> None:
        try:
            self.executor.start(task, run)
        except Exception as error:  # noqa: BLE001 - one task that cannot be set up must not stop the others
            told = "".join(traceback.format_exception(error))
            end = End(Action.FAIL, Cause.EXIT, self.clock.now(), message=f"could not be set up: {error}", exc_text=told)
            self.report(Finished(run, end))
            self.defects.in_setup(run, error)

    def _stop(self, run: Run, cause: Cause) -> None:
        if run.key in self._unborn:  # its record is still being written
            self._unborn[run.key] = cause
        else:
            self.executor.stop(run, cause)

    # -- what the world reports -------------------------------------------------------------------------------------

    def report(self, event: Spawned | Finished) -> None:
        """Hear from the executor: recorded first, learned then."""
        if isinstance(event, Spawned):
            self._record([event], partial(self._spawned, event))
        else:
            ended = Finished(event.run, event.end.storable)
            self._record([ended], partial(self._ended, ended))

    def output(self, run: Run, stream: str, line: str) -> bool:
        """Hear a line that a run printed; whether the journal will have it."""
        which = Stream(stream)
        told = self.journal.tell(run_entries.output_line(run, which, line))
        for watcher in tuple(self.watchers):
            watcher((run, which, line))
        return told

    def _ended(self, event: Finished) -> None:
        now, end = self.now(), event.end
        self.scheduler.learn(event if end.at <= now else Finished(event.run, replace(end, at=now)))  # set back since
        self._tell(event)
        self.wake()

    def _spawned(self, event: Spawned) -> None:
        if self.journal.wants(Priority.DEBUG):
            self._tell(event)
        else:
            self._show(event)

    def _tell(self, event: Event) -> None:
        self.journal.tell(run_entries.entry_of(event))
        self._show(event)

    def _show(self, event: Event) -> None:
        for watcher in tuple(self.watchers):
            watcher(event)

    # -- recording --------------------------------------------------------------------------------------------------

    def record(self, changes: Sequence[Change]) -> None:
        """Write what an operator said."""
        if changes:
            self._record(changes, lambda: None)

    def _record(self, changes: Sequence[Change], then: Callable[[], None]) -> None:
        self._recording += 1

        def written() -> None:
            self._recording -= 1
            then()
            if self.scheduler.draining:
                self.wake()

        self.recorder.record(changes, written)

    # -- signs of life ----------------------------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        """Prove the writer, then tell the service manager: who hears a heartbeat knows that both work."""
        interval = min(SIGN_OF_LIFE, (self.manager.watchdog or 4 * SIGN_OF_LIFE) // 4)
        self._beat = self._asyncio.call_later(interval / SECOND, self._heartbeat)
        if self.health.takes_records:
            self._record([Alive(self.clock.now(), self.clock.boottime())], lambda: None)
        self.recorder.prove(self._proved)

    def _proved(self) -> None:
        self.manager.heartbeat()
        if self.scheduler.draining:
            self.manager.extend_timeout(2 * SIGN_OF_LIFE)
            self.wake()
        now = self.now()
        for beat in self.beats:
            beat(now)


def _never_begun(cause: Cause, now: Instant) -> End:
    action = Action.CRASH if cause is Cause.SHUTDOWN else Action.TERMINATE
    return End(action, cause, now, message="stopped before it began")
