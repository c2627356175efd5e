"""What conditions may ask about the past: learned from events, in the order of the log.

A restart is a replay: the events that still matter come from the store in log order and are learned like new ones.
Memory is bounded: per task the newest event of each action, what the schedule needs, and as many instants as the
loaded conditions ask for (`HistoryNeed`).
"""

from collections.abc import Container, Iterable, Mapping
from typing import Final

from rocketd.core.history.renamed import rename_history
from rocketd.core.history.selections import Selections
from rocketd.core.instant import BEGINNING, FOREVER, Duration, Instant
from rocketd.core.model.absence import RESUME_SPREAD, Absence
from rocketd.core.model.clock_steps import ClockSteps
from rocketd.core.model.consumption import Consumed, add_consumed
from rocketd.core.model.events import Event, Finished, Missed, Observed, Spawned, Started, Withdrawn, task_of
from rocketd.core.model.history_view import HistoryNeed, Observation
from rocketd.core.model.logged_events import LoggedInstant, Occurrence
from rocketd.core.model.recorded_instants import RecordedInstants, instants_of
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.core.model.task_history import TaskHistory, empty_mapping
from rocketd.core.model.task_patterns import is_pattern

CRASHES_KEPT: Final = 100
"""More than any sensible `crash_limit`."""

_BAD: Final = frozenset({Action.FAIL, Action.TERMINATE, Action.CRASH})


class History:
    """The histories of all tasks, by name, and the last observation of each probe."""

    def __init__(self, host: str = "") -> None:
        self.host = host
        """What spreads the splay of equal tasks over many hosts."""
        self.absence: Absence | None = None
        """The last time in which the scheduler decided nothing; None: not known."""
        self.resume_spread: Duration = RESUME_SPREAD
        """How long what began meanwhile is spread over."""
        self.first_pass_at: Instant | None = None
        """When the scheduler had its first pass; None: it has had none."""
        self.booted_at: Instant | None = None
        self.cycles = 0
        """How many passes it has had, the present one included."""
        self._histories: dict[str, TaskHistory] = {}
        self._loaded: set[str] = set()
        self._reach: dict[tuple[str, Action], Duration] = {}
        self._observations: dict[str, Observation] = {}
        self.steps = ClockSteps()
        """The steps of the wall clock."""
        self._position = 1
        self.learns_elsewhere = False  # whether what is learned was recorded by any host of a fleet
        self.selections = Selections(self.of)
        """The tasks that patterns stand for."""

    @property
    def position(self) -> int:
        """The place in the log of the newest event learned."""
        return self._position

    def begin_pass(self, now: Instant) -> None:
        """Count a pass of the scheduler."""
        self.first_pass_at = now if self.first_pass_at is None else self.first_pass_at
        self.cycles += 1

    def of(self, task: str) -> TaskHistory:
        """Return the history of that task; an empty one begins where there is none."""
        return self._histories.get(task) or self._histories.setdefault(task, TaskHistory(self.steps))

    def begin_replay(self, events: int, latest: Instant, now: Instant) -> None:
        """Begin a replay of that many events; no sign of life in the store is later than `latest`."""
        self._position = -events - 1
        self.steps.begin_replay(latest, now)

    def end_replay(self) -> None:
        """End the replay: events learned from now on are new."""
        self._position = 1
        self.selections.notice_all()
        for task_history in self._histories.values():
            ahead = {number: run.start - self.steps.latest for number, run in task_history.running.items()}
            if any(by > 0 for by in ahead.values()):
                task_history.running = {
                    number: run.moved(min(-ahead[number], 0)) for number, run in task_history.running.items()
                }

    def close_runs(self, active: Container[RunKey]) -> list[RunKey]:
        """Close the active runs that are not among these, and return them: they ended before what was replayed."""
        over = [run for past in self._histories.values() for run in past.running.values() if run.key not in active]
        for run in over:
            self.of(run.task).remove_running(run.number)
            self.of(run.task).confirm(run)
        self.selections.notice_all()
        return [run.key for run in over]

    def knows(self, task: str) -> bool:
        """Whether that task is loaded. Of one that is not, nothing is known; of those of a pattern, it always is."""
        return task in self._loaded or is_pattern(task)

    def load(self, task: str, tags: tuple[str, ...] = ()) -> None:
        """Mark the task as loaded, with these tags."""
        self._loaded.add(task)
        self.selections.load(task, tags)

    def unload(self, task: str) -> None:
        """Mark the task as unknown; its history stays for its active runs."""
        self._loaded.discard(task)
        self.selections.unload(task)

    def rename(self, old: str, new: str) -> None:
        """Let the history of one task be that of another name, which has none."""
        rename_history(self.of(old), new)
        self._histories[new] = self._histories.pop(old)

    def forget(self, task: str) -> None:
        """Drop the history of a task that is not loaded and has no active run."""
        self._histories.pop(task, None)

    def set_needs(self, needs: Iterable[HistoryNeed]) -> None:
        """Keep, from now on, the instants that these conditions ask for (their task filled in), and no others."""
        self._reach.clear()
        for need in set(needs):
            for name in self.selections.named_by(need.task):
                key = (name, need.action)
                self._reach[key] = max(need.reach, self._reach.get(key, 0))
        for name, past in self._histories.items():
            kept = {action: one for action, one in past.recorded_instants.items() if (name, action) in self._reach}
            past.recorded_instants = kept or empty_mapping()
        self._start_recording(self._reach)

    def extend_needs(self, reach: Mapping[tuple[str, Action], Duration]) -> None:
        """Keep these as well, until the next `keep`: for tasks that are about to come."""
        for key, length in reach.items():
            self._reach[key] = max(length, self._reach.get(key, 0))
        self._start_recording(reach)

    def _start_recording(self, keys: Iterable[tuple[str, Action]]) -> None:
        for name, action in keys:
            task_history = self.of(name)
            if action not in task_history.recorded_instants:
                task_history.recorded_instants = {
                    **task_history.recorded_instants,
                    action: self._new_recorder(task_history, action),
                }

    def _new_recorder(self, task_history: TaskHistory, action: Action) -> RecordedInstants:
        kept = RecordedInstants(self.steps)
        if (newest := task_history.newest(action)) is not None:
            kept.add(newest.at, newest.position, FOREVER)
        return kept

    def recall(self, events: Iterable[Event]) -> None:
        """Add the instants of older events from the store to those that are kept; nothing else is learned."""
        for (name, action), instants in instants_of(events, self.steps).items():
            kept = self.of(name).recorded_instants.get(action)
            if kept is not None:
                kept.recall(instants)
        self.selections.notice_all()

    @property
    def reach(self) -> dict[tuple[str, Action], Duration]:
        """How far back each action of each task is kept."""
        return self._reach

    def observation(self, probe: str) -> Observation | None:
        """Return the last observation of that probe; None: there is none, or it is no longer observed."""
        return self._observations.get(probe)

    def observe(self, event: Observed) -> bool:
        """Record an observation, and return whether its answer is new."""
        last = self._observations.get(event.probe)
        goes_on = last is not None and last.value is event.value and event.at < last.good_until
        since = last.since if goes_on and last is not None else event.at
        self._observations[event.probe] = Observation(event.value, since, event.good_until, event.problem)
        return not goes_on

    def forget_observation(self, probe: str) -> None:
        """Forget the observation of that probe: it may have changed by the next one."""
        self._observations.pop(probe, None)

    def clock_stepped(self, now: Instant, by: Duration, slept: Duration) -> None:
        """Apply a step of the clock, or a sleep of the host: probes that are observed periodically become unknown."""
        if self.first_pass_at is not None:
            self.first_pass_at = min(self.first_pass_at + by + slept, now)
        absence = Absence(BEGINNING, BEGINNING) if self.absence is None else self.absence
        self.absence = absence.moved(now, by + slept, self.resume_spread)
        self.booted_at = None if self.booted_at is None else self.booted_at + by
        if by:
            self.steps.step(self._position, by, now)
            self._position += 1
            self._shift_running(by)
        self.selections.notice_all()
        self._observations = {
            probe: seen._replace(since=min(seen.since, now))
            for probe, seen in self._observations.items()
            if seen.good_until == FOREVER
        }

    def _shift_running(self, by: Duration) -> None:
        """Shift the active runs: the age of a run is a length of time."""
        for task_history in self._histories.values():
            if task_history.running:
                task_history.running = {number: run.moved(by) for number, run in task_history.running.items()}
                moved = {number: at + by for number, at in task_history.spawned_at.items()}
                task_history.spawned_at = moved or empty_mapping()

    def learn(self, event: Event, noted: int | None = None) -> None:
        """Apply one event, the same only once; `noted`: the position when it happened, if it was recorded later."""
        self.steps.note_delay(self._position + 1, noted)
        self.selections.notice(task_of(event))
        match event:
            case Started(run):
                self._start(run)
            case Finished(run, end):
                self._finish(run, end)
            case Missed(task):
                self._position += 1
                reach = self._reach.get((task, Action.MISSED), FOREVER)
                self.of(task).report_missed(event, self._position, reach)
            case Spawned(run):
                task_history = self.of(run.task)
                if run.number in task_history.running:
                    task_history.spawned_at = {**task_history.spawned_at, run.number: event.at}
            case Withdrawn(run):
                self._withdraw(run)

    def _start(self, run: Run) -> None:
        task_history = self.of(run.task)
        if run.number in task_history.running:
            return
        task_history.add_running(run, self._position + 1)
        self._record(task_history, Action.RUN, run.start, run)
        task_history.next_number = max(task_history.next_number, run.number + 1)

    def _finish(self, run: Run, end: End) -> None:
        """Apply the end of a run.

        the run is active                          recorded; it is no longer active
        the same end again, in a replay            ignored
        its start is older than what is replayed   recorded, and its start with it
        """
        task_history = self.of(run.task)
        if end.output or end.exc_text:  # no condition asks for it, and it would stay in memory as long as the task
            end = end.without_output
        place = task_history.start_positions.get(run.number)
        if (
            task_history.remove_running(run.number) is None
            and run.number < task_history.next_number
            and task_history.has_seen_end(run.key)
        ):
            return
        at = LoggedInstant(end.at, self._record(task_history, end.action, end.at, run, end))
        if end.action in _BAD and end.cause is not Cause.SHUTDOWN:
            task_history.last_failure = task_history.last_events[end.action]
        task_history.next_number = max(task_history.next_number, run.number + 1)
        if run.scheduled:
            if task_history.last_scheduled is None or run.number > task_history.last_scheduled.number:
                self._add_scheduled(task_history, run, at.position)  # its start was not among what was replayed
            self._finish_scheduled(task_history, run, end, at, at.position if place is None else place)
        task_history.confirm(run, end, at.position)

    def _finish_scheduled(self, task_history: TaskHistory, run: Run, end: End, at: LoggedInstant, place: int) -> None:
        if task_history.last_scheduled is not None and task_history.last_scheduled.number == run.number:
            task_history.scheduled_end, task_history.scheduled_end_position = end, at.position
        task_history.scheduled_ends = {**task_history.scheduled_ends, end.action: at}
        if end.action is not Action.CRASH:
            use = Consumed(min(run.start, run.due), max(run.start, run.due), place)
            task_history.completed, task_history.crashes = add_consumed(task_history.completed, use, self.steps), ()
            due = Consumed(run.due, run.due, place)
            task_history.completed_dues = add_consumed(task_history.completed_dues, due, self.steps)
        elif end.cause is not Cause.SHUTDOWN:
            task_history.crashes = (*task_history.crashes[1 - CRASHES_KEPT :], LoggedInstant(run.start, place))
        if end.cause is Cause.OPERATOR:
            task_history.consume(end.at, end.at, at.position)

    def _withdraw(self, run: Run) -> None:
        task_history = self.of(run.task)
        task_history.next_number = max(task_history.next_number, run.number + 1)
        if task_history.remove_running(run.number) is not None:
            self._position += 1
            task_history.withdraw(run.number)
            if kept := task_history.recorded_instants.get(Action.RUN):
                kept.remove(run.start)

    def _add_scheduled(self, task_history: TaskHistory, run: Run, position: int) -> None:
        task_history.last_scheduled, task_history.scheduled_end, task_history.scheduled_position = run, None, position
        task_history.consume(min(run.start, run.due), max(run.start, run.due), position)

    def _record(self, task_history: TaskHistory, action: Action, at: Instant, run: Run, end: End | None = None) -> int:
        """Record the newest event of that kind, and return its position in the log."""
        position = self._position + 1
        if self._position > 0 and end is not None and end.cause is Cause.DOWN and not self.learns_elsewhere:
            position = 0  # what a start makes of the run that its predecessor has left
        else:
            self._position = position
        task_history.last_events = {**task_history.last_events, action: Occurrence(at, position, run, end)}
        kept = task_history.recorded_instants.get(action)
        if kept is not None:
            kept.add(at, position, self._reach.get((run.task, action), FOREVER))
        return position
