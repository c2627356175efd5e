"""A store in memory: the plainest thing that keeps the promises of the port."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rocketd.core.errors import DuplicateRun
from rocketd.core.history.history import CRASHES_KEPT
from rocketd.core.instant import BEGINNING, Duration, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Alive, Change, OpenRun, Renamed, RunFilter, RunPlace, RunView, TaskState
from rocketd.core.model.run import Action, Cause, End, Run, RunKey, Trigger

Record = Started | Finished | Withdrawn | Missed
Reach = Mapping[tuple[str, Action], Duration]


def told_of(record: Record) -> tuple[str, Action, bool]:
    """Task, action, and whether the run was by hand."""
    match record:
        case Started(run):
            return run.task, Action.RUN, not run.scheduled
        case Finished(run, end):
            return run.task, end.action, not run.scheduled
        case Withdrawn(run):
            return run.task, Action.WITHDRAWN, not run.scheduled
        case Missed(task):
            return task, Action.MISSED, False


def instant_of(record: Record) -> Instant:
    match record:
        case Started(run):
            return run.start
        case Finished(_, end):
            return end.at
        case Withdrawn() | Missed():
            return record.at


@dataclass
class MemoryStore:
    """Keeps everything in lists. `host` and `boot_id` are whose the runs are."""

    host: str = "here"
    boot_id: str = "this-boot"
    log: list[Record] = field(default_factory=list)
    tasks: dict[str, TaskState] = field(default_factory=dict)
    going: dict[RunKey, OpenRun] = field(default_factory=dict)
    pids: dict[RunKey, int] = field(default_factory=dict)
    alive: Instant | None = None
    recorded: Instant = BEGINNING
    shown: dict[str, ClockReading] = field(default_factory=dict)
    deleted: int = 0

    def write(self, changes: Sequence[Change]) -> None:
        begun = [record.run.key for record in [*self.log, *changes] if isinstance(record, Started)]
        if len(set(begun)) < len(begun):
            raise DuplicateRun("a run of these is recorded already")
        if any(isinstance(change, Alive) for change in changes):
            self.recorded = BEGINNING
        for change in changes:
            self._write(change)

    def _write(self, change: Change) -> None:
        match change:
            case Started(run):
                self.log.append(change)
                self.going[run.key] = OpenRun(run, self.host, self.boot_id, 0, 0)
            case Spawned(run, pid, pid_start):
                self.pids[run.key] = pid
                if run.key in self.going:
                    self.going[run.key] = replace(self.going[run.key], pid=pid, pid_start=pid_start)
            case Finished(run) | Withdrawn(run):
                if not any(isinstance(one, Finished | Withdrawn) and one.run.key == run.key for one in self.log):
                    self.log.append(change)
                self.going.pop(run.key, None)
            case Missed():
                self._miss(change)
            case TaskState(name):
                number = max(change.next_number, self._state(name).next_number)
                self.tasks[name] = replace(change, next_number=number)
            case Alive() | Renamed():
                self._live(change) if isinstance(change, Alive) else self._rename(change)
        if isinstance(change, Started | Finished | Withdrawn | Missed):
            self._meet(change)

    def _rename(self, change: Renamed) -> None:
        def named(record: Record) -> Record:
            if isinstance(record, Missed):
                return replace(record, task=change.new) if record.task == change.old else record
            if record.run.task != change.old:
                return record
            return replace(record, run=replace(record.run, task=change.new))

        self.log = [named(record) for record in self.log]
        going = {key: one for key, one in self.going.items() if key[0] == change.old}
        for key, one in going.items():
            del self.going[key]
            self.going[change.new, key[1]] = replace(one, run=replace(one.run, task=change.new))
        if change.old in self.tasks:
            self.tasks[change.new] = replace(self.tasks.pop(change.old), name=change.new)

    def _live(self, alive: Alive) -> None:
        if alive.boottime is not None:
            reading = ClockReading(alive.at, self.boot_id, alive.boottime)
            self.shown.setdefault("trusted", reading if self.alive is None else reading._replace(wall=self.alive))
            self.shown["alive"] = reading
        self.alive = alive.at

    def _miss(self, missed: Missed) -> None:
        for place, one in enumerate(self.log):
            if isinstance(one, Missed) and one.run_id == missed.run_id:
                self.log[place] = _first_at(missed, one.first_reported)
                return
        self.log.append(_first_at(missed, missed.first_reported))

    def _meet(self, record: Record) -> None:
        self.recorded = max(self.recorded, instant_of(record))
        state = self._state(told_of(record)[0])
        number = 1 if isinstance(record, Missed) else record.run.number + 1
        self.tasks[state.name] = replace(state, next_number=max(state.next_number, number))

    def _state(self, name: str) -> TaskState:
        return self.tasks.get(name, TaskState(name, "", BEGINNING, 1))

    def states(self) -> Mapping[str, TaskState]:
        return dict(self.tasks)

    def recovery_events(self, reach: Reach, now: Instant) -> Sequence[Event]:
        return [_short(record) for record in self._needed(reach, now)]

    def _needed(self, reach: Reach, now: Instant) -> list[Record]:
        kept = {id(record) for record in self._newest()}
        begun = {record.run.key for record in self.log if isinstance(record, Started) and id(record) in kept}
        for record in self._counting:
            task, action, _ = told_of(record)
            young = (task, action) in reach and instant_of(record) >= now - reach[task, action]
            ended = isinstance(record, Finished) and record.run.key in begun
            still = isinstance(record, Started) and record.run.key in self.going
            if young or ended or still:
                kept.add(id(record))
        return [record for record in self._counting if id(record) in kept]

    @property
    def _counting(self) -> list[Record]:
        """All but what tells of runs that never began: the past is as if they had never been."""
        gone = {record.run.key for record in self.log if isinstance(record, Withdrawn)}
        return [record for record in self.log if isinstance(record, Missed) or record.run.key not in gone]

    def _newest(self) -> Iterator[Record]:
        yield from {told_of(record): record for record in self._counting}.values()
        crashes = [one for one in self.log if isinstance(one, Finished) and one.end.action is Action.CRASH]
        yield from {told_of(one): one for one in crashes if one.end.cause is not Cause.SHUTDOWN}.values()
        for task in self.tasks:
            yield from self._crashed(task)

    def _crashed(self, task: str) -> list[Record]:
        series: list[Record] = []
        for record in self.log:
            if isinstance(record, Finished) and record.run.task == task and record.run.scheduled:
                series = [*series, record] if record.end.action is Action.CRASH else []
        return series[-CRASHES_KEPT:]

    def open_runs(self) -> Sequence[OpenRun]:
        return sorted(self.going.values(), key=lambda one: (one.run.start, one.run.run_id))

    def last_alive(self) -> Instant | None:
        newest = max(self.recorded, BEGINNING if self.alive is None else self.alive)
        return None if newest == BEGINNING else newest

    def clock_readings(self) -> Mapping[str, ClockReading]:
        return dict(self.shown)

    def save_trusted_reading(self, reading: ClockReading) -> None:
        self.shown["trusted"] = reading

    def runs(self, wanted: RunFilter) -> Sequence[RunView]:
        views = [view for view in self._views() if _fits(view, wanted)]
        views.sort(key=lambda view: (view.run.start, view.run.task, view.run.number), reverse=True)
        return views[: wanted.limit]

    def _views(self) -> Iterable[RunView]:
        ends = {record.run.key: _end_of(record) for record in self.log if isinstance(record, Finished | Withdrawn)}
        for record in self.log:
            match record:
                case Started(run):
                    end = ends.get(run.key)
                    yield RunView(run, end.action if end else Action.RUN, end, self.pids.get(run.key, 0))
                case Missed(task, run_id):
                    run = Run(task, 0, run_id, 0, record.first, record.at, Trigger.SCHEDULE, record.reason)
                    yield RunView(run, Action.MISSED, None, 0, first_at=record.first_at)

    def prune(self, before: Instant, spare: Reach, now: Instant, limit: int) -> int:
        needed = {id(record) for record in self._needed(spare, now)}
        old = [one for one in self.log if id(one) not in needed and instant_of(one) < before]
        runs = [one.run.key for one in old if isinstance(one, Started | Finished | Withdrawn)]
        gone = [one for one in old if isinstance(one, Missed) or runs.count(one.run.key) == 2]
        gone = _whole(gone, limit)
        self.log = [one for one in self.log if not any(one is other for other in gone)]
        self.deleted += len(gone)
        return len(gone)

    def close(self) -> None:
        """Nothing to close."""


def _end_of(record: Finished | Withdrawn) -> End:
    if isinstance(record, Finished):
        return record.end
    return End(Action.WITHDRAWN, record.cause, record.at, message=record.reason)


def _first_at(missed: Missed, first: Instant) -> Missed:
    return replace(missed, first_at=None if first == missed.at else first)


def _short(record: Record) -> Event:
    return replace(record, end=replace(record.end, output="", exc_text="")) if isinstance(record, Finished) else record


def _fits(view: RunView, wanted: RunFilter) -> bool:
    run = view.run
    return (
        (not wanted.task or run.task == wanted.task)
        and (wanted.tasks is None or run.task in wanted.tasks)
        and (not wanted.run_id or run.run_id.startswith(wanted.run_id))
        and (wanted.number is None or run.number == wanted.number)
        and (wanted.since is None or run.start >= wanted.since)
        and (wanted.until is None or run.start < wanted.until)
        and (wanted.after is None or RunPlace.of(run) < wanted.after)
        and (not wanted.actions or view.action in wanted.actions)
        and (not wanted.triggers or run.trigger in wanted.triggers)
    )


def _whole(records: list[Record], limit: int) -> list[Record]:
    """As many whole runs as the limit has room for, one at least."""
    taken: list[Record] = []
    for record in records:
        if any(record is one for one in taken):
            continue
        group = [one for one in records if one is record or _same_run(one, record)]
        if taken and len(taken) + len(group) > limit:
            break
        taken += group
    return taken


def _same_run(one: Record, other: Record) -> bool:
    return not isinstance(one, Missed) and not isinstance(other, Missed) and one.run.key == other.run.key
