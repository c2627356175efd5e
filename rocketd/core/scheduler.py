"""The scheduler decides what to start and when to look again.

It keeps a heap of `(look again at, task)` and judges a condition only when its verdict has run out, or when an event
concerns a task that the condition watches. One pass:

    1. every event has been learned
    2. judge the tasks whose verdict ran out or which an event concerns
    3. of those that are due, in order of priority, due and name: start what may start. A start is learned at once, and
       whoever it concerns is judged again before it may start itself

Waiting (no slot, mutex held, still running) is no object of its own: the task is due, and is asked again when what it
waits for is free. If its condition is against by then, the chance is gone, and that is `Missed`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

from rocketd.core.condition import AGAINST, FALSE, FOR, UNKNOWN, All, Any, Condition, Moment, Verdict
from rocketd.core.errors import RocketdError
from rocketd.core.events import Event, Finished, Missed, Spawned, Start, Started, Stop
from rocketd.core.history import History, Past
from rocketd.core.instant import BEGINNING, FOREVER, Duration, Instant, datetime_of
from rocketd.core.records import TaskState
from rocketd.core.run import Action, Cause, Run, RunKey, Trigger
from rocketd.core.task import On, Overlap, Task

NEXT_STEPS: Final = 64
"""How many verdicts a task's next start is looked for ahead."""
MISSED_STEPS: Final = 1000
"""How many verdicts of a downtime are gone through per task."""
LATE: Final[Duration] = 1_000_000
"""A verdict that ran out longer ago than this means that nobody looked in between."""
FAR_AHEAD: Final[Duration] = 3 * 3600 * 1_000_000
"""A stored instant further in the future than this counts as now: the clock was wrong when it was written."""


class NoSuchTask(RocketdError):
    """No task of that name is loaded."""


class NoSuchRun(RocketdError):
    """No such run is going on."""


class Refused(RocketdError):
    """What the operator asked for cannot be done now."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Judging the task's condition raised: a defect, not an answer. The task stays unknown until its next event."""

    task: str
    error: Exception


Decision: TypeAlias = Start | Stop | Missed | Broken

_AFTER: Final = {On.BOOT: Trigger.BOOT, On.STARTUP: Trigger.STARTUP, On.SHUTDOWN: Trigger.SHUTDOWN}
_RETRIED: Final = frozenset({Action.FAIL, Action.TERMINATE, Action.CRASH})
ReadyKey: TypeAlias = tuple[int, Instant, str]


@dataclass(slots=True)
class Entry:
    """What the scheduler knows about one loaded task."""

    task: Task
    paused: TaskState | None = None
    """Its state while an operator has paused it."""
    verdict: Verdict | None = None
    look_at: Instant = FOREVER
    due: Instant | None = None
    """Since when it is due and may start; None: it is not."""
    begin: Instant = BEGINNING
    """When it may start at the earliest: its due, its splay and its `restart_delay`."""
    blocked: str = ""
    """Why a due task has not started: no slot, a mutex, still running, paused."""
    next: Instant | None = None
    """When it will be due next, as far as can be known now; None: nothing but an event makes it due, or too far off."""
    chance: Instant | None = None
    """The due of a tick or window that is open and has not been used."""
    forced: Trigger | None = None
    """An occasion at which it runs whatever its condition says."""
    against_since_start: bool = False
    """For `replace` and `allow`: whether a judgement since its last start said against."""
    quiet_until: Instant = BEGINNING
    """The end of its `restart_delay`."""
    stretch: Missed | None = None
    """The missed stretch that is going on."""
    ready: ReadyKey | None = None
    """Its place among those that are due."""
    watched: frozenset[str] = field(default_factory=frozenset)


class Scheduler:
    """Decides. Everything it knows came in through `load`, `learn` and the operator's verbs."""

    def __init__(self, *, host: str, new_run_id: Callable[[Instant], str], max_running: int = 32) -> None:
        self.history = History()
        self.max_running = max_running
        self.draining = False
        """Nothing new starts, except what runs at shutdown."""
        self._host = host
        self._new_run_id = new_run_id
        self._entries: dict[str, Entry] = {}
        self._watchers: dict[str, dict[str, None]] = {}
        self._looks: list[tuple[Instant, str]] = []
        self._deadlines: list[tuple[Instant, RunKey]] = []
        self._going: dict[RunKey, tuple[Run, Task]] = {}
        self._stopping: set[RunKey] = set()
        self._mutexes: dict[str, RunKey] = {}
        self._mutex_waiters: dict[str, dict[str, None]] = {}
        self._ready: list[ReadyKey] = []
        self._stirred: dict[str, None] = {}  # a set that keeps its order, so that equal pasts give equal decisions
        self._unaccounted: dict[str, tuple[Instant, Instant, str]] = {}

    # -- what there is ----------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The loaded tasks, by name."""
        return self._entries

    @property
    def going(self) -> Sequence[Run]:
        """The runs that are going on."""
        return [run for run, _ in self._going.values()]

    def entry(self, name: str) -> Entry:
        """The loaded task of that name; raises NoSuchTask."""
        try:
            return self._entries[name]
        except KeyError:
            raise NoSuchTask(f"no task {name!r} is loaded") from None

    def state_of(self, name: str) -> TaskState:
        """What the store must keep about a loaded task beside its records."""
        entry, past = self.entry(name), self.history.of(name)
        kept = entry.paused or TaskState(name, "", past.armed_at, past.next_number)
        return replace(kept, fingerprint=entry.task.fingerprint, armed_at=past.armed_at, next_number=past.next_number)

    # -- tasks come and go ------------------------------------------------------------------------------------------

    def load(self, tasks: Iterable[Task], now: Instant, states: Mapping[str, TaskState]) -> list[TaskState]:
        """Make these the loaded tasks, by difference, and give back the states that have changed.

        A task whose condition's normal form or zone changed, or that was not there, is armed at `now`; no other edit
        counts. `states` is what the store has kept. Runs that are going on are never touched.
        """
        wanted = {task.name: task for task in tasks}
        changed = [self._unload(name, now) for name in self._entries.keys() - wanted.keys()]
        for name, task in wanted.items():
            entry = self._entries.get(name)
            if entry is None:
                changed += self._load(task, states.get(name), now)
            elif entry.task != task or entry.task.description != task.description or entry.task.file != task.file:
                changed += self._exchange(entry, task, now)
        self.history.keep(
            need._replace(task=need.task or name)
            for name, entry in self._entries.items()
            for need in entry.task.when.needs() | entry.task.stop_when.needs()
        )
        return changed

    def _load(self, task: Task, state: TaskState | None, now: Instant) -> list[TaskState]:
        entry = self._entries[task.name] = Entry(task)
        past = self.history.of(task.name)
        self.history.load(task.name)
        kept = state is not None and state.removed_at is None and state.fingerprint == task.fingerprint
        past.armed_at = min(state.armed_at, now) if state is not None and kept else now
        if state is not None:
            past.next_number = max(past.next_number, state.next_number)
            entry.paused = replace(state, removed_at=None) if state.paused else None
        entry.quiet_until = _quiet_until(past, task, now)
        self._watch(entry)
        self._concern(task.name)
        return [] if kept else [self.state_of(task.name)]

    def _exchange(self, entry: Entry, task: Task, now: Instant) -> list[TaskState]:
        armed_anew = entry.task.fingerprint != task.fingerprint
        self._unwatch(entry)
        entry.task = task
        self._watch(entry)
        entry.verdict = entry.chance = entry.stretch = None
        entry.against_since_start = False
        self._withdraw(entry)
        self._stir(task.name)
        if not armed_anew:
            return []
        self.history.of(task.name).armed_at = now
        return [self.state_of(task.name)]

    def _unload(self, name: str, now: Instant) -> TaskState:
        state = replace(self.state_of(name), removed_at=now)
        entry = self._entries.pop(name)
        self._withdraw(entry)
        self._unwatch(entry)
        self.history.unload(name)
        self._concern(name)
        self._stirred.pop(name, None)
        self._unaccounted.pop(name, None)
        return state

    def _watch(self, entry: Entry) -> None:
        entry.watched = (entry.task.when.watches() | entry.task.stop_when.watches()) - {""}
        for other in entry.watched:
            self._watchers.setdefault(other, {})[entry.task.name] = None

    def _unwatch(self, entry: Entry) -> None:
        for other in entry.watched:
            self._watchers[other].pop(entry.task.name, None)

    def _concern(self, name: str) -> None:
        """Something happened to that task: it and whoever watches it must be judged again."""
        for concerned in (name, *self._watchers.get(name, ())):
            self._stir(concerned)

    def _stir(self, name: str) -> None:
        if name in self._entries:
            self._stirred[name] = None

    # -- events come up ---------------------------------------------------------------------------------------------

    def learn(self, event: Event) -> None:
        """Take in what was done. Also how the past comes back at start: a restart is a replay."""
        match event:
            case Started(run):
                self.history.learn(event)
                self._begin(run)
            case Finished(run, end):
                self.history.learn(event)
                self._end(run, end.at)
            case Missed(task):
                self.history.learn(event)
                past = self.history.of(task)
                past.consumed = max(past.consumed, event.last)
                return
            case Spawned():
                return
        self._concern(run.task)

    def replay(self, events: Iterable[Event], going: Iterable[Run], now: Instant) -> list[str]:
        """Learn the past that the store gives, in log order, and name the tasks that had instants far in the future.

        `going` are the runs without an end; every other start that is replayed has ended, be its end among the events
        or not. An instant more than three hours ahead counts as `now`.
        """
        ahead: dict[str, None] = {}
        for event in events:
            fitted = _not_far_ahead(event, now)
            if fitted is not event:
                ahead[event.task if isinstance(event, Missed) else event.run.task] = None
            self.learn(fitted)
        unended = {run.key for run in going}
        for key in [(name, number) for name, past in self.history.pasts.items() for number in past.going]:
            if key not in unended:
                self.history.of(key[0]).going.pop(key[1])
                self._let_go(key)
        for name, entry in self._entries.items():
            entry.quiet_until = _quiet_until(self.history.of(name), entry.task, now)
        return list(ahead)

    def _begin(self, run: Run) -> None:
        entry = self._entries.get(run.task)
        if entry is None:
            return
        task = entry.task
        self._going[run.key] = (run, task)
        if task.mutex:
            self._mutexes[task.mutex] = run.key
        if task.timeout is not None:
            heappush(self._deadlines, (run.start + task.timeout, run.key))
        entry.forced = entry.chance = entry.stretch = None
        entry.against_since_start = False
        self._withdraw(entry)

    def _end(self, run: Run, at: Instant) -> None:
        self._let_go(run.key)
        entry = self._entries.get(run.task)
        if entry is not None:
            entry.quiet_until = max(entry.quiet_until, at + entry.task.restart_delay)

    def _let_go(self, key: RunKey) -> None:
        self._stopping.discard(key)
        _, task = self._going.pop(key, (None, None))
        if task is not None and self._mutexes.get(task.mutex) == key:
            del self._mutexes[task.mutex]
            for waiter in self._mutex_waiters.pop(task.mutex, ()):
                self._stir(waiter)

    def stepped(self, now: Instant, by: Duration) -> None:
        """The clock was set, or the host slept: deadlines and delays move with it, and everything is judged again."""
        self._deadlines = [(at + by, key) for at, key in self._deadlines]
        heapify(self._deadlines)
        for entry in self._entries.values():
            entry.quiet_until = min(entry.quiet_until + by, now + entry.task.restart_delay)
            self._stir(entry.task.name)

    # -- decisions go down ------------------------------------------------------------------------------------------

    def look_again(self) -> Instant:
        """When `decide` must be called again at the latest, if no event comes before."""
        if self._stirred:
            return BEGINNING
        looks = self._looks
        while looks and not self._current(looks[0]):
            heappop(looks)
        while self._deadlines and self._deadlines[0][1] not in self._going:
            heappop(self._deadlines)
        return min(looks[0][0] if looks else FOREVER, self._deadlines[0][0] if self._deadlines else FOREVER)

    def _current(self, look: tuple[Instant, str]) -> bool:
        entry = self._entries.get(look[1])
        return entry is not None and entry.look_at == look[0]

    def decide(self, now: Instant) -> list[Decision]:
        """One pass of the scheduler at this instant."""
        decisions: list[Decision] = list(self._overdue(now))
        while self._looks and self._looks[0][0] <= now:
            look = heappop(self._looks)
            if self._current(look):
                self._stir(look[1])
        self._judge_stirred(now, decisions)
        while self._ready and len(self._going) < self.max_running:
            key = heappop(self._ready)
            entry = self._entries.get(key[2])
            if entry is not None and entry.ready == key:
                entry.ready = None
                decisions += self._guarded(entry, self._offer(entry, now))
                self._judge_stirred(now, decisions)
        return decisions

    def _judge_stirred(self, now: Instant, decisions: list[Decision]) -> None:
        while self._stirred:
            entry = self._entries[self._stirred.popitem()[0]]
            decisions += self._guarded(entry, self._consider(entry, now))

    def _guarded(self, entry: Entry, decisions: Iterator[Decision]) -> Iterator[Decision]:
        """A defect in one condition must not stop the others: its task is unknown until its next event."""
        try:
            yield from decisions
        except Exception as error:  # noqa: BLE001 - whatever it raises, it is data for whoever keeps the journal
            entry.verdict, entry.next, entry.look_at = Verdict(UNKNOWN), None, FOREVER
            self._withdraw(entry)
            yield Broken(entry.task.name, error)

    def _overdue(self, now: Instant) -> Iterator[Stop]:
        while self._deadlines and self._deadlines[0][0] <= now:
            _, key = heappop(self._deadlines)
            if key in self._going:
                yield from self._stop(self._going[key][0], Cause.TIMEOUT)

    def _stop(self, run: Run, cause: Cause) -> Iterator[Stop]:
        if run.key not in self._stopping:
            self._stopping.add(run.key)
            yield Stop(run, cause)

    def _consider(self, entry: Entry, now: Instant) -> Iterator[Decision]:
        """Judge a task and note what follows; it does not start here."""
        task, past = entry.task, self.history.of(entry.task.name)
        if entry.paused and entry.paused.paused_until is not None and entry.paused.paused_until <= now:
            past.armed_at = entry.paused.paused_until
            entry.paused = None
        moment = Moment(now, task, self.history)
        verdict = task.when.judge(moment)
        assert verdict.until > now, f"{task.when} says until {verdict.until} at {now}"  # noqa: S101 - a defect of ours
        yield from self._passed_by(entry, verdict, now)
        entry.verdict, entry.chance = verdict, None
        look = verdict.until
        if entry.paused and entry.paused.paused_until is not None:
            look = min(look, entry.paused.paused_until)
        self._withdraw(entry)
        if verdict.answer is AGAINST:
            entry.against_since_start = True
        elif verdict.answer is FOR:
            look = min(look, self._arrange(entry, moment, verdict))
            if task.overlap is Overlap.SKIP and past.going:
                yield from self._skip(entry, moment)
        if task.stop_when is not FALSE:
            until, stops = self._judge_stop(entry, moment)
            look = min(look, until)
            yield from stops
        if entry.forced:
            self._make_ready(entry, now)
        entry.next = self._find_next(entry, moment)
        self._look(entry, look)

    def _arrange(self, entry: Entry, moment: Moment, verdict: Verdict) -> Instant:
        """Make the task ready if it may start now; give back when else to look."""
        due = self._due(moment, verdict)
        begin = due
        if entry.task.splay and not self._is_retry(moment):
            begin = min(due + self._splay(entry.task), max(due, verdict.until - 1_000_000))
        if self._only_own_end(moment.past, verdict):
            begin = max(begin, entry.quiet_until)
        entry.begin = begin
        if begin > moment.now:
            return begin
        if verdict.until < FOREVER and not self._is_retry(moment):
            entry.chance = due
        self._make_ready(entry, due)
        return FOREVER

    def _due(self, moment: Moment, verdict: Verdict) -> Instant:
        return min(max(verdict.since, moment.past.armed_at), moment.now)

    def _only_own_end(self, past: Past, verdict: Verdict) -> bool:
        """Whether nothing but its own last end makes it due: it held when that run began, or since it ended."""
        begun = past.last.get(Action.RUN)
        return begun is not None and (verdict.since <= begun.at or verdict.since in _ends(past))

    def _splay(self, task: Task) -> Duration:
        digest = blake2b(f"{self._host}\0{task.name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % task.splay

    def _is_retry(self, moment: Moment) -> bool:
        """Whether the condition holds only because a retry is wanted or a crash is made good."""
        end = moment.past.scheduled_end
        if end is None or end.action not in _RETRIED:
            return False
        return moment.task.when.judge(replace(moment, plain=True)).answer is not FOR

    def _make_ready(self, entry: Entry, due: Instant) -> None:
        entry.due = due
        entry.ready = (-entry.task.priority, due, entry.task.name)
        heappush(self._ready, entry.ready)
        entry.blocked = "no slot is free" if len(self._going) >= self.max_running else ""

    def _withdraw(self, entry: Entry) -> None:
        entry.ready = entry.due = None
        entry.blocked = ""
        if entry.task.mutex in self._mutex_waiters:
            self._mutex_waiters[entry.task.mutex].pop(entry.task.name, None)

    def _look(self, entry: Entry, at: Instant) -> None:
        entry.look_at = at
        if at < FOREVER:
            heappush(self._looks, (at, entry.task.name))

    def _judge_stop(self, entry: Entry, moment: Moment) -> tuple[Instant, list[Stop]]:
        """Stop the runs for which `stop_when` holds; while it holds for none in particular, the task does not start."""
        until, stops = FOREVER, list[Stop]()
        for run in list(moment.past.going.values()):
            verdict = entry.task.stop_when.judge(replace(moment, run=run))
            until = min(until, verdict.until)
            if verdict.answer is FOR and run.key in self._going:
                stops += self._stop(run, Cause.STOP_WHEN)
        verdict = entry.task.stop_when.judge(moment)
        if verdict.answer is FOR and entry.due is not None:
            self._withdraw(entry)
            entry.blocked = "its stop_when holds"
        return min(until, verdict.until), stops

    def _offer(self, entry: Entry, now: Instant) -> Iterator[Decision]:
        """A due task's turn: start it, or note what it waits for."""
        task, past = entry.task, self.history.of(entry.task.name)
        if entry.paused and not entry.forced:
            entry.blocked = "paused"
        elif self.draining and entry.forced is not Trigger.SHUTDOWN:
            entry.blocked = "the daemon is stopping"
        elif past.going and task.overlap in (Overlap.WAIT, Overlap.SKIP):
            entry.blocked = "still running"
        elif past.going and not entry.forced and not entry.against_since_start:
            entry.blocked = "still running, and not due anew"
        elif past.going and task.overlap is Overlap.REPLACE:
            entry.blocked = "replacing the run that is going on"
            for run in list(past.going.values()):
                yield from self._stop(run, Cause.REPLACE)
        elif task.mutex in self._mutexes:
            entry.blocked = f"mutex {task.mutex} is held by {self._mutexes[task.mutex][0]}"
            self._mutex_waiters.setdefault(task.mutex, {})[task.name] = None
        else:
            yield from self._account(task.name, now)
            yield self._start(entry, now)

    def _start(self, entry: Entry, now: Instant) -> Start:
        moment = Moment(now, entry.task, self.history)
        past = moment.past
        due, attempt, trigger = entry.due if entry.due is not None else now, 1, Trigger.SCHEDULE
        if entry.forced:
            trigger, reason, cause = entry.forced, f"on {entry.forced}", None
        else:
            reason, cause = holding(entry.task.when, moment), entry.task.when.because(moment)
            if past.scheduled is not None and self._is_retry(moment):
                due, attempt, trigger = past.scheduled.due, past.scheduled.attempt + 1, Trigger.RETRY
        return self._decided(self._new_run(entry.task, now, attempt, due, trigger, reason, cause))

    def _new_run(  # noqa: PLR0913, PLR0917 - a run has that many sides
        self,
        task: Task,
        now: Instant,
        attempt: int,
        due: Instant,
        trigger: Trigger,
        reason: str,
        cause: Run | None = None,
    ) -> Run:
        number = self.history.of(task.name).next_number
        run = Run(task.name, number, self._new_run_id(now), attempt, due, now, trigger, reason)
        return replace(run, cause_task=cause.task, cause_run_id=cause.run_id) if cause else run

    def _decided(self, run: Run) -> Start:
        self.learn(Started(run))
        return Start(run)

    # -- chances that pass ------------------------------------------------------------------------------------------

    def _passed_by(self, entry: Entry, verdict: Verdict, now: Instant) -> Iterator[Missed]:
        """Tell of a tick or window that closed by the clock without a start."""
        chance, old = entry.chance, entry.verdict
        if old is None or old.until > now:
            return
        if now - old.until > LATE:  # nobody looked: the host slept, the clock was set, the loop was held up
            self._unaccounted.setdefault(entry.task.name, (old.until, now, "the scheduler was held up"))
        if chance is None:
            return
        if verdict.answer is AGAINST or (verdict.answer is FOR and verdict.since > chance):
            yield self._miss(entry, chance, now, entry.blocked or "no time was left")

    def _skip(self, entry: Entry, moment: Moment) -> Iterator[Missed]:
        """`overlap = "skip"`: the ticks and intervals that fall due while it runs are given up; a window stays open."""
        past, verdict = moment.past, entry.verdict
        begun = max(run.start for run in past.going.values())
        if verdict is None or not max(begun, past.consumed) < verdict.since <= moment.now:
            return
        before, past.consumed = past.consumed, verdict.since
        if entry.task.when.judge(moment).answer is FOR:
            past.consumed = before
            return
        entry.chance = None
        yield self._miss(entry, verdict.since, moment.now, "still running")
        self._stir(entry.task.name)

    def _miss(self, entry: Entry, last: Instant, now: Instant, reason: str, count: int = 1) -> Missed:
        stretch = entry.stretch
        if stretch is not None and stretch.reason == reason:
            missed = replace(stretch, at=now, last=max(last, stretch.last), count=stretch.count + count)
        else:
            missed = Missed(entry.task.name, self._new_run_id(now), now, last, last, count, reason)
        entry.stretch = missed
        past = self.history.of(missed.task)
        past.consumed = max(past.consumed, missed.last)
        self.history.learn(missed)
        return missed

    def down(self, start: Instant, end: Instant, reason: str) -> None:
        """Nobody decided between these instants: what was missed is to be accounted for, task by task."""
        self._unaccounted.update((name, (start, end, reason)) for name in self._entries)

    @property
    def unaccounted(self) -> bool:
        """Whether `account` has something left to do."""
        return bool(self._unaccounted)

    def account(self, now: Instant) -> list[Missed]:
        """Account for one task's downtime: a small piece of work, so that the loop stays responsive."""
        return list(self._account(next(iter(self._unaccounted)), now)) if self._unaccounted else []

    def _account(self, name: str, now: Instant) -> Iterator[Missed]:
        """Before a task starts again, and before its past changes, tell what it missed."""
        span = self._unaccounted.pop(name, None)
        missed = self.missed_between(name, *span) if span else None
        if missed is not None:
            missed = replace(missed, at=now)
            self.learn(missed)
            yield missed

    def missed_between(self, name: str, start: Instant, end: Instant, reason: str) -> Missed | None:
        """Walk the task's condition from verdict to verdict, its past frozen, and count the chances that closed.

        Only those count that opened at or after it was armed and closed at or before `end`; at most 1,000 steps are
        gone, and the reason says so if that was not enough. Nothing is learned: that is up to who asks.
        """
        entry = self._entries.get(name)
        if entry is None or entry.task.when is FALSE:
            return None
        now = max(start, self.history.of(name).armed_at)
        moment = Moment(now, entry.task, self.history, plain=True)
        first = last = None
        count = 0
        for _ in range(MISSED_STEPS):
            if now >= end:
                break
            verdict = entry.task.when.judge(moment.at(now))
            if verdict.until > end:
                break
            if verdict.answer is FOR:
                last = max(verdict.since, moment.now)
                first = last if first is None else first
                count += 1
            now = verdict.until
        else:
            reason += f"; counted up to {datetime_of(now).isoformat()}"
        if first is None or last is None:
            return None
        return Missed(name, self._new_run_id(end), end, first, last, count, reason)

    def _find_next(self, entry: Entry, moment: Moment) -> Instant | None:
        """When the task will be due next: its condition walked from verdict to verdict, its past frozen."""
        verdict = entry.verdict
        if entry.paused or verdict is None:
            return entry.paused.paused_until if entry.paused else None
        if verdict.answer is FOR and not moment.past.going:
            return max(entry.begin, moment.now)
        for _ in range(NEXT_STEPS):
            if verdict.until >= FOREVER:
                return None
            now = verdict.until
            verdict = entry.task.when.judge(moment.at(now))
            if verdict.answer is FOR:
                return now
        return None

    # -- the operator's verbs ---------------------------------------------------------------------------------------

    def run(self, name: str, now: Instant, reason: str, *, as_scheduled: bool = False) -> list[Decision]:
        """Start it now, whatever its condition says; raises NoSuchTask, Refused if a mutex or the slots forbid it."""
        entry = self.entry(name)
        task, past = entry.task, self.history.of(name)
        if self.draining:
            raise Refused("the daemon is stopping", hint="wait until it is back")
        if past.going and task.overlap is not Overlap.ALLOW:
            which = f"{name}/{max(past.going)}"
            raise Refused(f"task {name!r} is running already, as {which}", hint=f"rocketctl stop {which}")
        if task.mutex in self._mutexes:
            holder, number = self._mutexes[task.mutex]
            raise Refused(f"mutex {task.mutex!r} is held by {holder}/{number}", hint="wait until that run has ended")
        if len(self._going) >= self.max_running:
            raise Refused(f"no slot is free: {self.max_running} runs are going on", hint="max_running in rocketd.toml")
        trigger = Trigger.AS_SCHEDULED if as_scheduled else Trigger.HAND
        due = entry.due if as_scheduled and entry.due is not None else now
        return [self._decided(self._new_run(task, now, 1, due, trigger, reason))]

    def stop(self, name: str, number: int | None = None) -> list[Decision]:
        """Stop one run of a task, or all of them; raises NoSuchRun if none is going on."""
        runs = [run for run, _ in self._going.values() if run.task == name and number in (None, run.number)]
        if not runs:
            which = name if number is None else f"{name}/{number}"
            raise NoSuchRun(f"no run of {which} is going on")
        return [decision for run in runs for decision in self._stop(run, Cause.OPERATOR)]

    def stop_all(self, cause: Cause) -> list[Decision]:
        """Stop every run."""
        return [decision for run, _ in list(self._going.values()) for decision in self._stop(run, cause)]

    def pause(self, name: str, *, until: Instant | None, by: str, reason: str) -> TaskState:
        """Start nothing by its condition until it is resumed."""
        entry = self.entry(name)
        entry.paused = replace(self.state_of(name), paused=True, paused_until=until, paused_by=by, paused_reason=reason)
        self._stir(name)
        return entry.paused

    def resume(self, name: str, now: Instant) -> TaskState:
        """Go on with its schedule: it is armed anew. Raises Refused if it is not paused."""
        entry = self.entry(name)
        if entry.paused is None:
            raise Refused(f"task {name!r} is not paused")
        entry.paused = entry.chance = None
        self.history.of(name).armed_at = now
        self._stir(name)
        return self.state_of(name)

    def occasion(self, on: On) -> None:
        """The host booted, the daemon started, the daemon stops: the tasks that want to run then become due."""
        for name, entry in self._entries.items():
            if entry.task.on is on:
                entry.forced = _AFTER[on]
                self._stir(name)

    def drain(self) -> None:
        """From now on nothing new starts, except what runs at shutdown."""
        self.draining = True
        self.occasion(On.SHUTDOWN)


def holding(condition: Condition, moment: Moment) -> str:
    """Say which parts of a condition that is for make it so, in normal form."""
    if isinstance(condition, All):
        return " & ".join(holding(part, moment) for part in condition.parts)
    if isinstance(condition, Any):
        verdicts = [(part.judge(moment), part) for part in condition.parts]
        chosen = [(verdict.since, i) for i, (verdict, _) in enumerate(verdicts) if verdict.answer is FOR]
        return holding(verdicts[min(chosen)[1]][1], moment) if chosen else str(condition)
    return str(condition)


def _ends(past: Past) -> set[Instant]:
    return {seen.at for action, seen in past.last.items() if action not in (Action.RUN, Action.MISSED)}


def _quiet_until(past: Past, task: Task, now: Instant) -> Instant:
    ends = _ends(past)
    return min(max(ends), now) + task.restart_delay if ends else BEGINNING


def _not_far_ahead(event: Event, now: Instant) -> Event:
    latest = now + FAR_AHEAD
    if isinstance(event, Missed):
        return replace(event, at=now, last=min(event.last, now)) if event.at > latest else event
    run = event.run
    if run.start > latest or run.due > latest:
        event = replace(event, run=replace(run, start=min(run.start, now), due=min(run.due, now)))
    if isinstance(event, Finished) and event.end.at > latest:
        event = replace(event, end=replace(event.end, at=now))
    return event
