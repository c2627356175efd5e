"""What stands around the naive scheduler (scheduler.py): the store that records, and the host that has the processes.

Written from the pages about conditions and reliability: nothing begins and nobody learns of an end before the store
has it; a start that is refused, or that nobody can record, uses up its number and nothing else.
"""

from collections.abc import Callable

from support.reference.conditions import EVER, Asking, Miss, Run, Task, Use

LONGEST_PAUSE = 30
"""In seconds, between two tries of a start that the host refuses."""


class Host(Asking):
    """Runs, from the decision to start them to their end."""

    def __init__(
        self, now: int, grain: int, span: tuple[int, int], fate: Callable[[str, int], tuple[int, str]]
    ) -> None:
        super().__init__(grain, span)
        self.now, self.fate = now, fate
        self.place = 0
        self.ending: list[tuple[int, int, Run, str]] = []
        self.begun: list[Run] = []
        self.deadlines: dict[int, int] = {}
        self.setting_of: dict[int, int] = {}
        """Of each run, how often the clock had been set when it began."""
        self.lacking: set[str] = set()
        """The tasks whose starts are refused."""
        self.is_closed = False
        """Whether it is known that nothing can be recorded."""
        self.stalled_at: int | None = None
        """Since when the store does not answer."""
        self._to_write: list[Callable[[], None]] = []
        """What comes of each record that is to be written, in order."""
        self._log: list[tuple[Run | Miss, bool]] = []
        """The starts and the ends, and what was missed, in the order in which they were recorded."""
        self._recorded: dict[str, tuple[list[Run], list[Run], list[Use], int]] = {}
        """What the store knew of each task when it stopped answering."""

    @property
    def going(self) -> list[Run]:
        return [run for task in self.tasks.values() for run in task.going]

    # -- a start ------------------------------------------------------------------------------------------------------

    def begin(self, task: Task, due: int, attempt: int, trigger: str) -> None:
        """Decide a start, to be recorded."""
        self.place += 1
        task.numbers += 1
        run = Run(task.name, task.numbers, self.now, due, attempt, trigger, self.place, ahead=self.ahead)
        self.setting_of[id(run)] = self.settings
        run.chance_before = task.chance
        if run.scheduled:
            self.use_up(task, run.start, run.due, by=run)
        task.runs.append(run)
        task.going.append(run)
        task.against_since_start, task.chance, task.open_miss = False, None, None
        self._to_write.append(lambda: self._start(run))

    def _start(self, run: Run) -> None:
        """It is recorded: start its process, if it is still wanted and the host allows it."""
        task = self.tasks[run.task]
        self._log.append((run, False))
        if run not in task.going:
            return
        if run.asked_to_stop is not None:
            self.finish(run, "terminate", "operator", self.now, self.settings, self.ahead)
            return
        if run.task in self.lacking:
            task.refusals += 1
            task.try_at = self.now + min(2 ** (task.refusals - 1), LONGEST_PAUSE)
            self.withdraw(run)
            return
        run.has_process = True
        self.begun.append(run)
        takes, action = self.fate(task.name, run.number)
        self.ending.append((self.now + takes, len(self.begun), run, action))
        if task.timeout is not None:
            self.deadlines[id(run)] = self.now + task.timeout

    def withdraw(self, run: Run) -> None:
        """Let it never have been, but for its number: its chance is open as before, or has closed meanwhile."""
        task = self.tasks[run.task]
        task.going.remove(run)
        task.runs.remove(run)
        self.keep_uses(task, [use for use in task.uses if use.by is not run])
        if not run.scheduled:
            task.requests += 1
        elif run.chance_before is not None:
            self.reopen(task, run.chance_before, run.start)

    def miss(self, task: Task, chance: int, reason: str, *, alone: bool = False) -> None:
        """Record that a chance has passed: with those before it, if that is for the same reason, and not `alone`."""
        self.use_up(task, chance)
        self.place += 1
        grows = task.open_miss
        if grows is not None and grows.reason == reason and not alone:
            grows.told, grows.last = self.now, max(grows.last, chance)
            return
        missed = Miss(self.now, self.now, chance, reason, self.place)
        task.misses.append(missed)
        task.open_miss = None if alone else missed
        self._log.append((missed, False))

    def reopen(self, task: Task, chance: int, before: int) -> None:
        """Let a chance be as it was before."""
        raise NotImplementedError

    # -- its end ------------------------------------------------------------------------------------------------------

    def learn_ends(self) -> bool:
        """Record the ends of the processes that are over by now."""
        over = sorted(one for one in self.ending if one[0] <= self.now)
        self.ending = [one for one in self.ending if one[0] > self.now]
        for at, _, run, action in over:
            self._report(run, action, "exit", at)
        return self.write() and bool(over)

    def end(self, run: Run, cause: str) -> bool:
        """Stop it; return whether anything has come of that."""
        if run not in self.tasks[run.task].going or run.is_over or run.asked_to_stop is not None:
            return False
        if run.has_process:
            self._report(run, "terminate", cause, self.now)
            return self.write()
        if cause == "operator":
            run.asked_to_stop = self.now
            return False
        self.withdraw(run)
        return True

    def _report(self, run: Run, action: str, cause: str, at: int) -> None:
        if not run.is_over and run.end is None:
            run.is_over = True
            setting, ahead = self.settings, self.ahead
            self._to_write.append(lambda: self.finish(run, action, cause, at, setting, ahead))

    def finish(  # noqa: PLR0913, PLR0917 - what is known of an end
        self, run: Run, action: str, cause: str, at: int, setting: int, ahead: int
    ) -> None:
        """Learn of an end that is recorded, and that was when somebody had set the clock so often, so far ahead."""
        self.place += 1
        self._log.append((run, True))
        run.end, run.action, run.cause, run.end_place, run.end_ahead = at, action, cause, self.place, ahead
        task = self.tasks[run.task]
        if run.scheduled and action != "crash":
            self.use(task.done, run.start, run.due, setting=self.setting_of[id(run)], ahead=run.ahead)
        if run.scheduled and cause == "operator":
            task.uses.append(Use(None, (at,), setting, ahead))
            self.use(task.used, at, setting=setting, ahead=ahead)
        task.going.remove(run)
        task.ended.append(run)
        task.quiet = max(task.quiet, self.really(at, ahead) + task.restart_delay)
        task.refusals, task.try_at = 0, EVER

    # -- the store ----------------------------------------------------------------------------------------------------

    def write(self) -> bool:
        """Record what is to be recorded, if the store answers; return whether it does."""
        while self._to_write and self.stalled_at is None:
            self._to_write.pop(0)()
        return self.stalled_at is None

    def stall(self) -> None:
        """Let the store not answer."""
        self.stalled_at = self.now
        self._recorded = {
            task.name: ([*task.runs], [*task.going], [*task.uses], task.numbers) for task in self.tasks.values()
        }

    def close(self) -> None:
        """Let it be known that nothing can be recorded: what waits for its record does not begin."""
        self.is_closed = True
        for run in sorted(self.going, key=lambda run: run.place):
            if not run.has_process and run.asked_to_stop is None:
                self.withdraw(run)

    def answer(self) -> None:
        """Let the store answer again."""
        self.stalled_at, self.is_closed = None, False
        self.write()

    def forget_unrecorded(self) -> int:
        """Know only what is recorded, in the order of the records; return the last sign of life."""
        latest = self.now if self.stalled_at is None else self.stalled_at
        if self.stalled_at is not None:
            self._to_write.clear()
            for name, (runs, going, uses, numbers) in self._recorded.items():
                task = self.tasks[name]
                task.runs, task.going, task.numbers = runs, going, numbers
                self.keep_uses(task, uses)
            self.stalled_at, self.is_closed = None, False
        for place, (one, is_end) in enumerate(self._log, 1):
            if isinstance(one, Run) and is_end:
                one.end_place = place
            else:
                one.place = place
        self.place = len(self._log)
        return latest
