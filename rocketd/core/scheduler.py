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
from dataclasses import dataclass, replace
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Final, TypeAlias

from rocketd.core.condition import AGAINST, FALSE, FOR, UNKNOWN, All, Any, Condition, Moment, Need, Verdict
from rocketd.core.entry import Entry, ReadyKey
from rocketd.core.errors import RocketdError
from rocketd.core.events import Event, Finished, Missed, Observed, Spawned, Start, Started, Stop
from rocketd.core.far_ahead import bring_back, not_far_ahead
from rocketd.core.going import Going
from rocketd.core.history import History, Past
from rocketd.core.instant import BEGINNING, FOREVER, SECOND, Duration, Instant
from rocketd.core.missed import Misses, Span
from rocketd.core.observers import Observers
from rocketd.core.probe import Probe, Wanted, probes_of, wanted
from rocketd.core.records import TaskState
from rocketd.core.run import Action, Cause, Run, Trigger
from rocketd.core.task import On, Overlap, Task

NEXT_STEPS: Final = 64
"""How many verdicts a task's next start is looked for ahead."""
LATE: Final[Duration] = SECOND
"""A verdict that ran out longer ago than this means that nobody looked in between."""


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

_TRIGGERS: Final = {On.BOOT: Trigger.BOOT, On.STARTUP: Trigger.STARTUP, On.SHUTDOWN: Trigger.SHUTDOWN}
_NOBODY: Final[frozenset[str]] = frozenset()
_NO_PROBES: Final[frozenset[Probe]] = frozenset()
"""One for all tasks: an empty set takes 216 bytes."""
_RETRIED: Final = frozenset({Action.FAIL, Action.TERMINATE, Action.CRASH})


class Scheduler:
    """Decides. Everything it knows came in through `load`, `learn` and the operator's verbs."""

    def __init__(
        self,
        *,
        host: str,
        new_run_id: Callable[[Instant], str],
        max_running: int = 32,
        next_steps: int = NEXT_STEPS,
    ) -> None:
        self.history = History()
        self.draining = False
        """Nothing new starts, except what runs at shutdown."""
        self._host = host
        self._new_run_id = new_run_id
        self._next_steps = next_steps
        self._entries: dict[str, Entry] = {}
        self._going = Going(max_running)
        self._misses = Misses(self.history, new_run_id)
        self._watchers: dict[str, dict[str, None]] = {}
        self._observers = Observers()
        self._each_pass: dict[str, None] = {}
        self._looks: list[tuple[Instant, str]] = []
        self._ready: list[ReadyKey] = []
        self._stirred: dict[str, None] = {}  # a set that keeps its order, so that equal pasts give equal decisions

    # -- what there is ----------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The loaded tasks, by name."""
        return self._entries

    @property
    def going(self) -> Sequence[Run]:
        """The runs that are going on."""
        return list(self._going)

    @property
    def running(self) -> int:
        """How many runs are going on."""
        return len(self._going)

    @property
    def max_running(self) -> int:
        """How many runs may go on at the same time; lowering it stops none."""
        return self._going.slots

    @max_running.setter
    def max_running(self, slots: int) -> None:
        self._going.slots = slots

    def entry(self, name: str) -> Entry:
        """The loaded task of that name; raises NoSuchTask."""
        try:
            return self._entries[name]
        except KeyError:
            raise NoSuchTask(f"no task {name!r} is loaded") from None

    @property
    def probes(self) -> frozenset[Probe]:
        """What must be observed now: the probes whose answer can matter to a loaded task.

        Each pass may change it; until then it is the same object.
        """
        return self._observers.wanted

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
            elif entry.task != task:
                changed += self._exchange(entry, task, now)
            else:
                entry.task = task  # what does not count for equality may have changed: its description, its file
        self.history.keep(_needs(wanted.values()))
        return changed

    def lacking(self, tasks: Iterable[Task]) -> dict[tuple[str, Action], Duration]:
        """How far back these tasks ask where not enough is kept: what `recall` needs before they are loaded."""
        lacking: dict[tuple[str, Action], Duration] = {}
        for name, action, reach in _needs(tasks):
            if reach > self.history.reach.get((name, action), 0):
                lacking[name, action] = max(reach, lacking.get((name, action), 0))
        return lacking

    def recall(self, events: Iterable[Event], now: Instant) -> None:
        """Have conditions that are about to come know how often things have happened, by what the store gives."""
        self.history.recall(not_far_ahead(event, now) for event in events)

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
        self._withdraw(entry)
        self._unwatch(entry)
        entry.task = task
        self._watch(entry)
        entry.verdict = entry.chance = entry.stretch = None
        entry.against_since_start = False
        self._stir(task.name)
        if not armed_anew:
            return []
        self.history.of(task.name).armed_at = now
        self._misses.forget(task.name)
        return [self.state_of(task.name)]

    def _unload(self, name: str, now: Instant) -> TaskState:
        state = replace(self.state_of(name), removed_at=now)
        entry = self._entries.pop(name)
        self._withdraw(entry)
        self._unwatch(entry)
        self._misses.forget(name)
        self._stirred.pop(name, None)
        self.history.unload(name)
        self._concern(name)
        return state

    def _watch(self, entry: Entry) -> None:
        entry.watched = ((entry.task.when.watches() | entry.task.stop_when.watches()) - {""}) or _NOBODY
        for other in entry.watched:
            self._watchers.setdefault(other, {})[entry.task.name] = None
        entry.probes = (probes_of(entry.task.when) | probes_of(entry.task.stop_when)) or _NO_PROBES
        self._observers.rest(entry.task.name, entry.probes)
        if entry.task.when.each_pass or entry.task.stop_when.each_pass:
            self._each_pass[entry.task.name] = None

    def _unwatch(self, entry: Entry) -> None:
        for other in entry.watched:
            self._watchers[other].pop(entry.task.name, None)
        self._observers.leave(entry.task.name, entry.probes)
        self._each_pass.pop(entry.task.name, None)

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
        self.history.learn(event)
        match event:
            case Started(run):
                self._begin(run)
                self._concern(run.task)
            case Finished(run, end):
                self._end(run, end.at)
                self._concern(run.task)
            case Missed() | Spawned():
                pass

    def observe(self, event: Observed) -> None:
        """Take in what a probe shows; if that is news, whoever rests on it must be judged again.

        What nobody wants any longer is passed over: it came too late.
        """
        if self._observers.is_wanted(event.probe) and self.history.observe(event):
            for name in self._observers.resting_on(event.probe):
                self._stir(name)

    def replay(self, events: Iterable[Event], going: Iterable[Run], now: Instant) -> list[str]:
        """Learn the past that the store gives, in log order, and name the tasks that had instants far in the future.

        `going` are the runs without an end; every other start that is replayed has ended, be its end among the events
        or not. An instant more than three hours ahead counts as `now`.
        """
        ahead: dict[str, None] = {}
        for event in events:
            fitted = not_far_ahead(event, now)
            if fitted is not event:
                ahead[event.task if isinstance(event, Missed) else event.run.task] = None
            self.learn(fitted)
        for key in self.history.close({run.key for run in going}):
            self._going.end(key)
        for name, entry in self._entries.items():
            entry.quiet_until = _quiet_until(self.history.of(name), entry.task, now)
        return list(ahead)

    def _begin(self, run: Run) -> None:
        entry = self._entries.get(run.task)
        if entry is not None:
            self._going.begin(run, entry.task)
            entry.forced = entry.chance = entry.stretch = None
            entry.against_since_start = False
            self._withdraw(entry)

    def _end(self, run: Run, at: Instant) -> None:
        for waiter in self._going.end(run.key):
            self._stir(waiter)
        entry = self._entries.get(run.task)
        if entry is not None:
            entry.quiet_until = max(entry.quiet_until, at + entry.task.restart_delay)

    def stepped(self, now: Instant, by: Duration) -> list[str]:
        """The clock was set, or the host slept: deadlines and delays move with it, and everything is judged again.

        What is known of a task that lies more than three hours ahead counts as now; these tasks are named.
        """
        self._going.shift(by)
        self.history.stepped(now, by)
        for name, entry in self._entries.items():
            entry.quiet_until = min(entry.quiet_until + by, now + entry.task.restart_delay)
            self._stir(name)
        ahead = [name for name in self._entries if bring_back(self.history.of(name), now)]
        for name in ahead:
            self._entries[name].stretch = None  # it would go on from an instant that never was
        return ahead

    def down(self, start: Instant, end: Instant, reason: str) -> None:
        """Nobody decided between these instants: what was missed is accounted for, task by task."""
        for name in self._entries:
            self._misses.unobserved(name, Span(start, end, reason))

    # -- decisions go down ------------------------------------------------------------------------------------------

    def look_again(self) -> Instant:
        """When `decide` must be called again at the latest, if no event comes before."""
        if self._stirred:
            return BEGINNING
        while self._looks and not self._is_current(self._looks[0]):
            heappop(self._looks)
        return min(self._looks[0][0] if self._looks else FOREVER, self._going.next_deadline())

    def _is_current(self, look: tuple[Instant, str]) -> bool:
        entry = self._entries.get(look[1])
        return entry is not None and entry.look_at == look[0]

    def decide(self, now: Instant) -> list[Decision]:
        """One pass of the scheduler at this instant."""
        self._begin_pass(now)
        decisions: list[Decision] = list(self._going.overdue(now))
        while self._looks and self._looks[0][0] <= now:
            look = heappop(self._looks)
            if self._is_current(look):
                self._stir(look[1])
        self._judge_stirred(now, decisions)
        while self._ready and not self._going.full:
            key = heappop(self._ready)
            entry = self._entries.get(key[2])
            if entry is not None and entry.ready == key:
                entry.ready = None
                decisions += self._guarded(entry, self._offer(entry, now))
                self._judge_stirred(now, decisions)
        for probe in self._observers.settle():
            self.history.observe_no_more(probe)
        return decisions

    def _begin_pass(self, now: Instant) -> None:
        if self.history.began is None:
            self.history.began = now
        self.history.cycles += 1
        self._stirred.update(self._each_pass)

    @property
    def unaccounted(self) -> bool:
        """Whether `account` has something left to do."""
        return bool(self._misses)

    def account(self, now: Instant) -> list[Missed]:
        """Account for what one task missed while nobody looked."""
        return self._misses.account_next(self._entries, now)

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

    # -- judging ----------------------------------------------------------------------------------------------------

    def _consider(self, entry: Entry, now: Instant) -> Iterator[Decision]:
        """Judge a task and note what follows; nothing starts here."""
        self._end_pause(entry, now)
        moment = Moment(now, entry.task, self.history)
        verdict = entry.task.when.judge(moment)
        assert verdict.until > now, f"{entry.task.when} at {now}: {verdict}"  # noqa: S101 - a defect of ours
        yield from self._passed_by(entry, verdict, now)
        entry.verdict, entry.chance = verdict, None
        self._withdraw(entry)
        look = min(verdict.until, _until(entry.paused))
        if verdict.answer is AGAINST:
            entry.against_since_start = True
        elif verdict.answer is FOR:
            look = min(look, self._arrange(entry, moment, verdict))
            yield from self._skip(entry, moment)
        if entry.task.stop_when is not FALSE:
            look = min(look, self._stop_when_until(entry, moment))
            yield from self._stop_when(entry, moment)
        if entry.probes:
            look = min(look, self._want(entry, moment))
        if entry.forced:
            self._make_ready(entry, now)
        entry.next = self._find_next(entry, moment)
        entry.look_at = look
        if look < FOREVER:
            heappush(self._looks, (look, entry.task.name))

    def _end_pause(self, entry: Entry, now: Instant) -> None:
        until = _until(entry.paused)
        if until <= now:
            entry.paused = None
            self.history.of(entry.task.name).armed_at = until

    def _passed_by(self, entry: Entry, verdict: Verdict, now: Instant) -> Iterator[Missed]:
        """Tell of a tick or window that passed without a start: closed by the clock, or given up as a pause ended."""
        chance, old = entry.chance, entry.verdict
        given_up = chance is not None and chance < self.history.of(entry.task.name).armed_at
        if old is None or (old.until > now and not given_up):
            return
        if now - old.until > LATE:  # the host slept, the clock was set, the loop was held up
            self._misses.unobserved(entry.task.name, Span(old.until, now, "nobody looked"))
        closed = verdict.answer is AGAINST or (verdict.answer is FOR and chance is not None and verdict.since > chance)
        if chance is not None and closed:
            yield self._misses.miss(entry, chance, now, entry.hindrance or "no time was left")

    def _arrange(self, entry: Entry, moment: Moment, verdict: Verdict) -> Instant:
        """Make the task ready if it may start now; give back when else to look."""
        task, past, now = entry.task, moment.past, moment.now
        plain = _plain(moment)
        retry = plain is not None and plain.answer is not FOR
        if plain is not None and not retry:
            verdict = verdict._replace(since=plain.since)  # what wants it is not the retry that holds as well
        due = min(max(verdict.since, past.armed_at), now)
        entry.begin = due
        if task.splay and not retry:
            entry.begin = min(due + self._splay(task), max(due, verdict.until - SECOND))
        if retry or _held_before(past, verdict):
            entry.begin = max(entry.begin, entry.quiet_until)
        again = FOREVER if plain is None else plain.until  # by then it may be due for its own sake, and wait no longer
        if entry.begin > now:
            return min(entry.begin, again)
        if verdict.until < FOREVER and not retry:
            entry.chance = due
        self._make_ready(entry, due)
        return again

    def _splay(self, task: Task) -> Duration:
        digest = blake2b(f"{self._host}\0{task.name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % task.splay

    def _make_ready(self, entry: Entry, due: Instant) -> None:
        entry.due = due
        entry.ready = (-entry.task.priority, due, entry.task.name)
        heappush(self._ready, entry.ready)
        entry.blocked = ""

    def _withdraw(self, entry: Entry) -> None:
        entry.ready = entry.due = None
        entry.blocked = ""
        self._going.wait_no_more(entry.task.mutex, entry.task.name)

    def _skip(self, entry: Entry, moment: Moment) -> Iterator[Missed]:
        """`overlap = "skip"`: the ticks and intervals that fall due while it runs are given up; a window stays open."""
        past, verdict = moment.past, entry.verdict
        if entry.task.overlap is not Overlap.SKIP or not past.going or verdict is None:
            return
        begun = max(run.start for run in past.going.values())
        if not max(begun, past.consumed) < verdict.since <= moment.now:
            return
        before, past.consumed = past.consumed, verdict.since
        if entry.task.when.judge(moment).answer is FOR:
            past.consumed = before
            return
        entry.chance = None
        self._stir(entry.task.name)
        yield self._misses.miss(entry, verdict.since, moment.now, "still running")

    def _stop_when(self, entry: Entry, moment: Moment) -> Iterator[Stop]:
        """Stop the runs for which `stop_when` holds; while it holds for none in particular, the task does not start."""
        for run in list(moment.past.going.values()):
            if entry.task.stop_when.judge(moment._replace(run=run)).answer is FOR:
                yield from self._going.stop(run, Cause.STOP_WHEN)
        if entry.due is not None and entry.task.stop_when.judge(moment).answer is FOR:
            self._withdraw(entry)
            entry.blocked = "its stop_when holds"

    def _stop_when_until(self, entry: Entry, moment: Moment) -> Instant:
        asked = [moment, *(moment._replace(run=run) for run in moment.past.going.values())]
        return min(entry.task.stop_when.judge(about).until for about in asked)

    def _want(self, entry: Entry, moment: Moment) -> Instant:
        """Note which probes can matter to the task now, and give back when these may be others."""
        matter = Wanted() if entry.paused else wanted(entry.task.when, moment)
        for run in (None, *moment.past.going.values()):
            matter = matter.also(wanted(entry.task.stop_when, moment._replace(run=run)))
        self._observers.want(entry.task.name, matter.probes)
        return matter.until

    def _find_next(self, entry: Entry, moment: Moment) -> Instant | None:
        """When the task will be due next: its condition walked from verdict to verdict, its past frozen."""
        verdict = entry.verdict
        if entry.paused or verdict is None:
            return entry.paused.paused_until if entry.paused else None
        if verdict.answer is FOR and not moment.past.going:
            return max(entry.begin, moment.now)
        for _ in range(self._next_steps):
            now = verdict.until
            if now >= FOREVER:
                return None
            verdict = entry.task.when.judge(moment.at(now))
            if verdict.answer is FOR:
                return now
        return None

    # -- starting ---------------------------------------------------------------------------------------------------

    def _offer(self, entry: Entry, now: Instant) -> Iterator[Decision]:
        """A due task's turn: start it, or note what it waits for."""
        going = self.history.of(entry.task.name).going
        entry.blocked = self._hindrance(entry, going=bool(going))
        if entry.blocked:
            return
        if going and entry.task.overlap is Overlap.REPLACE:
            entry.blocked = "its last run is still being stopped"
            for run in list(going.values()):
                yield from self._going.stop(run, Cause.REPLACE)
        elif holder := self._going.holder(entry.task.mutex):
            entry.blocked = f"mutex {entry.task.mutex} is held by {holder[0]}"
            self._going.wait(entry.task.mutex, entry.task.name)
        else:
            yield from self._misses.account(entry, now)
            yield self._decided(self._next_run(entry, now))

    def _hindrance(self, entry: Entry, *, going: bool) -> str:
        if entry.paused and not entry.forced:
            return "paused"
        if self.draining and entry.forced is not Trigger.SHUTDOWN:
            return "the daemon is stopping"
        if not going:
            return ""
        if entry.task.overlap in {Overlap.WAIT, Overlap.SKIP}:
            return "still running"
        return "" if entry.forced or entry.against_since_start else "still running, and not due anew"

    def _next_run(self, entry: Entry, now: Instant) -> Run:
        moment = Moment(now, entry.task, self.history)
        if entry.forced:
            return self._new_run(entry.task, now, now, entry.forced, entry.forced_by)
        due = now if entry.due is None else entry.due
        last, retry = moment.past.scheduled, _is_retry(moment)
        wanting = moment if retry else moment._replace(plain=True)  # it may be that a retry holds as well
        run = self._new_run(entry.task, now, due, Trigger.SCHEDULE, holding(entry.task.when, wanting))
        if cause := entry.task.when.because(moment):
            run = replace(run, cause_task=cause.task, cause_run_id=cause.run_id)
        if last is not None and retry:
            run = replace(run, due=last.due, attempt=last.attempt + 1, trigger=Trigger.RETRY)
        return run

    def _new_run(self, task: Task, now: Instant, due: Instant, trigger: Trigger, reason: str) -> Run:
        number = self.history.of(task.name).next_number
        return Run(task.name, number, self._new_run_id(now), 1, due, now, trigger, reason)

    def _decided(self, run: Run) -> Start:
        self.learn(Started(run))
        return Start(run)

    # -- the operator's verbs ---------------------------------------------------------------------------------------

    def run(self, name: str, now: Instant, reason: str, *, as_scheduled: bool = False) -> list[Decision]:
        """Start it now, whatever its condition says; raises NoSuchTask, Refused if a mutex or the slots forbid it."""
        entry = self.entry(name)
        self._check_free(entry.task)
        trigger = Trigger.AS_SCHEDULED if as_scheduled else Trigger.HAND
        due = entry.due if as_scheduled and entry.due is not None else now
        return [
            *self._misses.account(entry, now),
            self._decided(self._new_run(entry.task, now, due, trigger, reason)),
        ]

    def _check_free(self, task: Task) -> None:
        if self.draining:
            raise Refused("the daemon is stopping", hint="wait until it is back")
        going = self.history.of(task.name).going
        if going and task.overlap is not Overlap.ALLOW:
            which = f"{task.name}/{max(going)}"
            raise Refused(f"task {task.name!r} is running already, as {which}", hint=f"rocketctl stop {which}")
        if holder := self._going.holder(task.mutex):
            which = f"{holder[0]}/{holder[1]}"
            raise Refused(f"mutex {task.mutex!r} is held by {which}", hint="wait until that run has ended")
        if self._going.full:
            raise Refused(
                f"no slot is free: {len(self._going)} runs are going on", hint="raise max_running in rocketd.toml"
            )

    def stop(self, name: str, number: int | None = None) -> list[Decision]:
        """Stop one run of a task, or all of them; raises NoSuchRun if none is going on."""
        runs = [run for run in self._going if run.task == name and number in {None, run.number}]
        if not runs:
            which = name if number is None else f"{name}/{number}"
            raise NoSuchRun(f"no run of {which} is going on")
        return [decision for run in runs for decision in self._going.stop(run, Cause.OPERATOR)]

    def stop_all(self, cause: Cause) -> list[Decision]:
        """Stop every run."""
        return [decision for run in self._going for decision in self._going.stop(run, cause)]

    def pause(self, name: str, *, until: Instant | None, by: str, reason: str) -> TaskState:
        """Start nothing by its condition until then, or until it is resumed; raises NoSuchTask."""
        entry = self.entry(name)
        entry.paused = replace(self.state_of(name), paused=True, paused_until=until, paused_by=by, paused_reason=reason)
        self._stir(name)
        return entry.paused

    def resume(self, name: str, now: Instant) -> TaskState:
        """Go on with its schedule: it is armed anew. Raises NoSuchTask, Refused if it is not paused."""
        entry = self.entry(name)
        if entry.paused is None:
            raise Refused(f"task {name!r} is not paused")
        entry.paused = None
        self.history.of(name).armed_at = now
        self._stir(name)
        return self.state_of(name)

    def occasion(self, on: On) -> None:
        """The host booted, the daemon started, the daemon stops: the tasks that want to run then become due."""
        for name, entry in self._entries.items():
            if entry.task.on is on:
                self.force(name, _TRIGGERS[on], f"on {on}")

    def force(self, name: str, trigger: Trigger, reason: str) -> None:
        """Make it due whatever its condition says, until it has started once; raises NoSuchTask."""
        entry = self.entry(name)
        entry.forced, entry.forced_by = trigger, reason
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
        judged = [(part.judge(moment), part) for part in condition.parts]
        holds = [(verdict.since, place) for place, (verdict, _) in enumerate(judged) if verdict.answer is FOR]
        return holding(judged[min(holds)[1]][1], moment) if holds else str(condition)
    return str(condition)


def _needs(tasks: Iterable[Task]) -> Iterator[Need]:
    for task in tasks:
        for need in task.when.needs() | task.stop_when.needs():
            yield need._replace(task=need.task or task.name)


def _plain(moment: Moment) -> Verdict | None:
    """The verdict without retries, a crash counted as done; None where the last run gave no reason to try again."""
    end = moment.past.scheduled_end
    if end is None or end.action not in _RETRIED:
        return None
    return moment.task.when.judge(moment._replace(plain=True))


def _is_retry(moment: Moment) -> bool:
    """Whether the condition holds only because a retry is wanted or a crash is made good."""
    plain = _plain(moment)
    return plain is not None and plain.answer is not FOR


def _held_before(past: Past, verdict: Verdict) -> bool:
    """Whether it held when the last run began already, so that nothing but that run's end makes the task due again."""
    begun = past.last.get(Action.RUN)
    return begun is not None and verdict.since <= begun.at


def _ends(past: Past) -> set[Instant]:
    return {seen.at for action, seen in past.last.items() if action is not Action.RUN}


def _quiet_until(past: Past, task: Task, now: Instant) -> Instant:
    ends = _ends(past)
    return min(max(ends), now) + task.restart_delay if ends else BEGINNING


def _until(paused: TaskState | None) -> Instant:
    return FOREVER if paused is None or paused.paused_until is None else paused.paused_until
