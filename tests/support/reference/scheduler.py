"""A scheduler in other words: it asks every condition at every instant, over a plain list of runs.

Written from the page about conditions, and importing nothing of the program: what it starts is what the real scheduler
must start. Slow on purpose: it has no heap, no verdict, no `until`, and forgets nothing. Times are whole seconds; a
world has a grain of a second or a minute, and everything in it happens at grains.

What is decided, and each end, must be recorded before anything comes of it (host.py).
"""

from collections.abc import Callable
from dataclasses import replace

from support.reference.conditions import BAD, EVER, Answer, Condition, Question, Run, Task, spelled
from support.reference.holidays import Listing
from support.reference.host import Host


class Reference(Host):
    """The naive scheduler and its world."""

    def __init__(
        self, now: int, grain: int, slots: int, fate: Callable[[str, int], tuple[int, str]], span: tuple[int, int]
    ) -> None:
        super().__init__(now, grain, span, fate)
        self.slots = slots
        self.gone: dict[str, int] = {}
        """What is still to be told of a time when nobody looked; of a task that starts before that is: at its start."""

    # -- the scheduler ------------------------------------------------------------------------------------------------

    def holds(self, task: Task, now: int) -> Answer:
        return self.ask(task.when, task, now)

    def may_hold(self, task: Task, now: int) -> Answer:
        """The same, if each date of which nothing is known is as the task needs it."""
        holds, since = self.holds(task, now)
        return (holds, since) if holds else self.ask(task.when, task, now, Question(unknown=True))

    def is_retry(self, task: Task, now: int) -> bool:
        """Whether it holds only because a retry is wanted, or a crash is made good."""
        last = task.scheduled
        if last is None or last.action not in BAD:
            return False
        return not self.ask(task.when, task, now, Question(plain=True))[0]

    def due(self, task: Task) -> int | None:
        """When it was due, if it may start now as far as its condition is concerned."""
        holds, since = self.holds(task, self.now)
        task.chance, task.unknown = None, ""
        if not holds:
            task.against_since_start = True
            self._note_unknown(task)
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

    def _note_unknown(self, task: Task) -> None:
        """Note a chance that may not be used, as nothing is known of its date."""
        if self.listing.is_broken or self.listing.last_year is not None:
            may, since = self.may_hold(task, self.now)
            if may:
                task.chance = min(max(since, self.armed(task)), self.now)
                task.unknown = "broken" if self.listing.is_broken else "nothing is known"

    def _skip(self, task: Task, since: int, due: int) -> int | None:
        """`overlap = "skip"`: ticks and intervals that fall due while it runs are given up."""
        going = task.going
        begun = [self.really(run.start, run.ahead) for run in going]
        if task.overlap == "skip" and going and max(*begun, self._used(task)) < since:
            before = {setting: replace(span) for setting, span in task.used.items()}
            self.use(task.used, since)
            if not self.holds(task, self.now)[0]:
                task.used = before
                self.miss(task, since, "still running")
                task.chance = None
                return None
            task.used = before
        return due

    def look(self) -> None:
        """Everything that happens at this instant."""
        while True:
            changed = self.learn_ends()
            stops = [(run, "timeout") for run in self.going if self.now >= self.deadlines.get(id(run), 10**12)]
            changed |= self._start_all(stops)
            self.write()
            for run, cause in stops:
                changed |= self.end(run, cause)
            if not changed:
                return

    def _start_all(self, stops: list[tuple[Run, str]]) -> bool:
        started = False
        while True:
            due = {task.name: self.due(task) for task in self.tasks.values()}
            wanted = [
                (task.refusals, -task.priority, at, task.name)
                for task in self.tasks.values()
                if (at := self.now if task.requests else due[task.name]) is not None and self.now >= task.try_at
            ]
            for *_, at, name in sorted(wanted):
                task = self.tasks[name]
                if not self.is_closed and len(self.going) < self.slots and self._may(task, stops):
                    self._begin(task, at)
                    started = True
                    break
            else:
                return started

    def _may(self, task: Task, stops: list[tuple[Run, str]]) -> bool:
        going = task.going
        if going and (task.overlap in ("wait", "skip") or not (task.against_since_start or task.requests)):
            return False
        if going and task.overlap == "replace":
            stops += [(run, "replace") for run in going]
            return False
        return not self._held(task)

    def _held(self, task: Task) -> bool:
        return bool(task.mutex) and any(self.tasks[run.task].mutex == task.mutex for run in self.going)

    def _begin(self, task: Task, due: int) -> None:
        last, attempt, trigger = task.scheduled, 1, "schedule"
        if task.requests:
            task.requests -= 1
            trigger = "hand"
        elif last is not None and self.is_retry(task, self.now):
            trigger = "rerun" if last.action == "crash" else "retry"
            due, attempt = self.on_wall(last.due, last.ahead), last.attempt + 1
        self._tell_gone(task)
        self.begin(task, due, attempt, trigger)

    def _tell_gone(self, task: Task) -> None:
        last = self.gone.pop(task.name, None)
        if last is not None:
            chance = task.chance
            self.miss(task, last, "unobserved", alone=True)
            task.chance = chance

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
        chances = [task for task in self.tasks.values() if task.chance is not None]
        open_before = [task for task in chances if self.may_hold(task, before)[0]]
        closed = [(task, self._reason(task)) for task in open_before if self._has_passed(task)]
        self.learn_ends()
        for task, reason in closed:
            if self._has_passed(task):
                assert task.chance is not None
                self.miss(task, task.chance, reason)

    @staticmethod
    def _reason(task: Task) -> str:
        return task.unknown or ("still running" if task.going else "no time")

    def _has_passed(self, task: Task) -> bool:
        holds, since = self.may_hold(task, self.now)
        return not holds or (task.chance is not None and since > task.chance)

    def reopen(self, task: Task, chance: int, before: int) -> None:
        task.chance = chance
        if self.holds(task, before)[0] and self._has_passed(task):
            self.miss(task, chance, self._reason(task))

    def unobserved(self, start: int) -> None:
        """Nobody looked since then: what opened and closed is gone, once this instant has been looked at."""
        closed = {task.name: self._closed(task, start) for task in self.tasks.values()}
        self.gone = {name: last for name, last in closed.items() if last is not None}
        self.look()
        for task in self.tasks.values():
            self._tell_gone(task)
            self.look()

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
        died = self.forget_unrecorded()
        self.now += down
        for run in sorted(self.going, key=lambda run: (run.start, run.place)):
            self.finish(run, "crash", "down", max(died, run.start), self.settings, self.ahead)
        self.ending.clear()
        for task in self.tasks.values():
            task.against_since_start, task.chance, task.open_miss = False, None, None
            task.requests, task.refusals, task.try_at = 0, 0, EVER
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
            task.try_at += seconds
        self.unobserved(slept)

    def set_clock(self, by: int) -> None:
        """Somebody sets the clock: what goes on takes as long as it takes, and nothing has passed."""
        self.now, self.ahead, self.settings = self.now + by, self.ahead + by, self.settings + 1
        self.ending = [(at + by, place, run, action) for at, place, run, action in self.ending]
        for key in self.deadlines:
            self.deadlines[key] += by
        for task in self.tasks.values():
            task.quiet = min(task.quiet + by, self.now + task.restart_delay)
            task.try_at += by
            self._forget_chances(task)

    def run_by_hand(self, name: str) -> bool:
        task = self.tasks[name]
        if (task.going and task.overlap != "allow") or self._held(task) or len(self.going) >= self.slots:
            return False
        if self.is_closed or task.requests:
            task.requests += 1
        else:
            self.begin(task, self.now, 1, "hand")
            self.write()
        return True

    def stop(self, name: str) -> None:
        task = self.tasks[name]
        if not task.going:
            task.requests = 0
        for run in list(task.going):
            self.end(run, "operator")

    def rewrite(self, name: str, when: Condition) -> None:
        task = self.tasks[name]
        if spelled(task.when) != spelled(when):
            task.when, task.armed, task.armed_ahead = when, self.now, self.ahead
            task.against_since_start = False
            self._forget_chances(task)

    def relist(self, listing: Listing) -> None:
        """Somebody writes other dates into the files of the calendars."""
        self.walked.clear()
        open_before = [(task, task.chance, task.unknown) for task in self.tasks.values() if task.chance is not None]
        self.listing = listing
        for task, chance, unknown in open_before:
            if self._has_passed(task):
                self.miss(task, chance, unknown or "the calendar has changed")

    @staticmethod
    def _forget_chances(task: Task) -> None:
        task.chance = None
        for run in task.going:
            run.chance_before = None
