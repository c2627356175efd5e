"""A scheduler in other words: it asks every condition at every instant, over a plain list of runs.

Written from the page about conditions, and importing nothing of the program: what it starts is what the real scheduler
must start. Slow on purpose: it has no heap, no verdict, no `until`, and forgets nothing. Times are whole seconds; a
world has a grain of a second or a minute, and everything in it happens at grains.
"""

from collections.abc import Callable
from dataclasses import replace

from support.reference.conditions import BAD, EVER, Answer, Asking, Condition, Question, Run, Task, spelled


class Reference(Asking):
    """The naive scheduler and its world."""

    def __init__(
        self, now: int, grain: int, slots: int, fate: Callable[[str, int], tuple[int, str]], span: tuple[int, int]
    ) -> None:
        super().__init__(grain, span)
        self.now, self.slots, self.fate = now, slots, fate
        self.place = 0
        self.ending: list[tuple[int, int, Run, str]] = []
        self.begun: list[Run] = []
        self.deadlines: dict[int, int] = {}
        self.setting_of: dict[int, int] = {}
        """Of each run, how often the clock had been set when it began."""

    # -- the scheduler ------------------------------------------------------------------------------------------------

    def holds(self, task: Task, now: int) -> Answer:
        return self.ask(task.when, task, now)

    def is_retry(self, task: Task, now: int) -> bool:
        """Whether it holds only because a retry is wanted, or a crash is made good."""
        last = task.scheduled
        if last is None or last.action not in BAD:
            return False
        return not self.ask(task.when, task, now, Question(plain=True))[0]

    def due(self, task: Task) -> int | None:
        """When it was due, if it may start now as far as its condition is concerned."""
        holds, since = self.holds(task, self.now)
        task.chance = None
        if not holds:
            task.against_since_start = True
            return None
        last = task.scheduled
        retry = False
        if last is not None and last.action in BAD:
            wanted, wanted_since = self.ask(task.when, task, self.now, Question(plain=True))
            retry, since = not wanted, wanted_since if wanted else since
        due = begin = min(max(since, self.armed(task)), self.now)
        newest = task.runs[-1] if task.runs else None
        if retry or (newest is not None and since <= self.really(newest.start, newest.ahead)):
            begin = max(due, task.quiet)
        if begin > self.now:
            return None
        if not retry:
            task.chance = due
        return self._skip(task, since, due)

    def _skip(self, task: Task, since: int, due: int) -> int | None:
        """`overlap = "skip"`: ticks and intervals that fall due while it runs are given up."""
        going = task.going
        begun = [self.really(run.start, run.ahead) for run in going]
        if task.overlap == "skip" and going and max(*begun, self._used(task)) < since:
            before = {setting: replace(span) for setting, span in task.used.items()}
            self.use(task.used, since)
            if not self.holds(task, self.now)[0]:
                task.chance = None
                return None
            task.used = before
        return due

    def look(self) -> None:
        """Everything that happens at this instant."""
        while True:
            changed = self._learn_ends()
            stops = [(run, "timeout") for run in self.going if self.now >= self.deadlines.get(id(run), 10**12)]
            changed |= self._start_all(stops)
            for run, cause in stops:
                if run.end is None:
                    self.finish(run, "terminate", cause, self.now)
                    changed = True
            if not changed:
                return

    def _learn_ends(self) -> bool:
        over = sorted(one for one in self.ending if one[0] <= self.now)
        self.ending = [one for one in self.ending if one[0] > self.now]
        for at, _, run, action in over:
            if run.end is None:
                self.finish(run, action, "exit", at)
        return bool(over)

    def _start_all(self, stops: list[tuple[Run, str]]) -> bool:
        started = False
        while True:
            wanted = [
                (-task.priority, due, task.name) for task in self.tasks.values() if (due := self.due(task)) is not None
            ]
            for _, due, name in sorted(wanted):
                task = self.tasks[name]
                if len(self.going) < self.slots and self._may(task, stops):
                    self._begin(task, due)
                    started = True
                    break
            else:
                return started

    def _may(self, task: Task, stops: list[tuple[Run, str]]) -> bool:
        going = task.going
        if going and (task.overlap in ("wait", "skip") or not task.against_since_start):
            return False
        if going and task.overlap == "replace":
            stops += [(run, "replace") for run in going]
            return False
        return not self._held(task)

    def _held(self, task: Task) -> bool:
        return bool(task.mutex) and any(self.tasks[run.task].mutex == task.mutex for run in self.going)

    @property
    def going(self) -> list[Run]:
        return [run for task in self.tasks.values() for run in task.going]

    def _begin(self, task: Task, due: int) -> None:
        last = task.scheduled
        if last is not None and self.is_retry(task, self.now):
            self.begin(task, self.on_wall(last.due, last.ahead), last.attempt + 1, "retry")
        else:
            self.begin(task, due, 1, "schedule")

    def begin(self, task: Task, due: int, attempt: int, trigger: str) -> None:
        self.place += 1
        run = Run(task.name, len(task.runs) + 1, self.now, due, attempt, trigger, self.place, ahead=self.ahead)
        self.setting_of[id(run)] = self.settings
        if run.scheduled:
            self.use(task.used, run.start, run.due)
        task.runs.append(run)
        task.going.append(run)
        task.against_since_start, task.chance = False, None
        self.begun.append(run)
        takes, action = self.fate(task.name, run.number)
        self.ending.append((self.now + takes, len(self.begun), run, action))
        if task.timeout is not None:
            self.deadlines[id(run)] = self.now + task.timeout

    def finish(self, run: Run, action: str, cause: str, at: int) -> None:
        self.place += 1
        run.end, run.action, run.cause, run.end_place, run.end_ahead = at, action, cause, self.place, self.ahead
        task = self.tasks[run.task]
        if run.scheduled and action != "crash":
            self.use(task.done, run.start, run.due, setting=self.setting_of[id(run)], ahead=run.ahead)
        task.going.remove(run)
        task.ended.append(run)
        task.quiet = max(task.quiet, at + task.restart_delay)

    # -- time passes --------------------------------------------------------------------------------------------------

    def run_until(self, until: int) -> None:
        """Look at every grain until then, that one included."""
        self.look()
        while self.now < until:
            self.now += self.grain
            self._pass_chances(self.now - self.grain)
            self.look()

    def _pass_chances(self, before: int) -> None:
        """A tick or window that was open, and that the clock has closed or put a later one in place of, is gone.

        It is not if what ends at this instant leaves it open, nor if that, and not the clock, has closed it.
        """
        open_before = [task for task in self.tasks.values() if task.chance is not None and self.holds(task, before)[0]]
        closed = [task for task in open_before if self._has_passed(task)]
        self._learn_ends()
        for task in filter(self._has_passed, closed):
            assert task.chance is not None
            self.use(task.used, task.chance)

    def _has_passed(self, task: Task) -> bool:
        holds, since = self.holds(task, self.now)
        return not holds or (task.chance is not None and since > task.chance)

    def unobserved(self, start: int) -> None:
        """Nobody looked since then: what opened and closed is gone, once this instant has been looked at."""
        gone = {task.name: self._closed(task, start) for task in self.tasks.values()}
        self.look()
        for name, last in gone.items():
            if last is not None:
                self.use(self.tasks[name].used, last)

    def _closed(self, task: Task, start: int) -> int | None:
        found = opened = None
        first = max(start, self.armed(task))
        self.unseen = True
        for at in range(first, self.now + 1, self.grain):
            holds, since = self.ask(task.when, task, at, Question(plain=True))
            if opened is not None and (not holds or since != opened):
                found = self.counted = max(opened, first)
                holds, since = self.ask(task.when, task, at, Question(plain=True))
            opened = since if holds else None
        self.unseen, self.counted = False, None
        return found

    # -- what happens to it -------------------------------------------------------------------------------------------

    def kill(self, down: int) -> None:
        """Die, stay away for so long, and come back."""
        died = self.now
        self.now += down
        for run in sorted(self.going, key=lambda run: (run.start, run.place)):
            self.finish(run, "crash", "down", max(died, run.start))
        self.ending.clear()
        for task in self.tasks.values():
            task.against_since_start, task.chance = False, None
            ends = [run.end for run in task.runs if run.end is not None]
            task.quiet = max(ends) + task.restart_delay if ends else EVER  # how long it was suspended is not recorded
        self.unobserved(died)

    def sleep(self, seconds: int) -> None:
        """Be suspended: elapsed time does not go on."""
        slept = self.now
        self.now += seconds
        for key in self.deadlines:
            self.deadlines[key] += seconds
        for task in self.tasks.values():
            task.quiet = min(task.quiet + seconds, self.now + task.restart_delay)
        self.unobserved(slept)

    def set_clock(self, by: int) -> None:
        """Somebody sets the clock: what goes on takes as long as it takes, and nothing has passed."""
        self.now, self.ahead, self.settings = self.now + by, self.ahead + by, self.settings + 1
        self.ending = [(at + by, place, run, action) for at, place, run, action in self.ending]
        for key in self.deadlines:
            self.deadlines[key] += by
        for task in self.tasks.values():
            task.quiet = min(task.quiet + by, self.now + task.restart_delay)
            task.chance = None

    def run_by_hand(self, name: str) -> bool:
        task = self.tasks[name]
        if (task.going and task.overlap != "allow") or self._held(task) or len(self.going) >= self.slots:
            return False
        self.begin(task, self.now, 1, "hand")
        return True

    def stop(self, name: str) -> None:
        for run in list(self.tasks[name].going):
            self.finish(run, "terminate", "operator", self.now)
            if run.scheduled:
                self.use(self.tasks[name].used, self.now)

    def rewrite(self, name: str, when: Condition) -> None:
        task = self.tasks[name]
        if spelled(task.when) != spelled(when):
            task.when, task.armed, task.armed_ahead = when, self.now, self.ahead
            task.against_since_start, task.chance = False, None
