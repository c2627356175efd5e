"""A start that is decided beforehand and forgotten: what the processor has in its caches by then is quicker.

It is decided on a scheduler of its own, whose one task is due each second; of the task that is expected, the condition
alone is judged. Nothing of it is known to the real scheduler.
"""

from rocketd.core.conditions.time_conditions import Tick
from rocketd.core.instant import SECOND, Instant
from rocketd.core.model.events import Finished, Spawned, Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.dispatcher import holding_parts
from rocketd.core.scheduler.next_due import find_next_due
from rocketd.core.scheduler.scheduler import Scheduler

_STAND_IN = Task("rehearsal", Command(("/bin/true",)), Tick.cron("* * * * * *"))


class DecisionRehearsal:
    """Uses once what deciding a start takes."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._stage: Scheduler | None = None

    def expected_task(self, at: Instant) -> Task | None:
        """Return the task that is judged first at that instant, if it is expected to start then."""
        return None if self._scheduler.draining else self._scheduler.expected_start(at)

    def rehearse(self, task: Task, at: Instant) -> None:
        """Decide its start as of that instant; a defect in its condition is met by the real pass."""
        when, moment = task.when, Moment(at, task, self._scheduler.history)
        try:
            find_next_due(when, moment, when.judge(moment), 1)
            holding_parts(when, moment)
        except Exception:  # noqa: BLE001 - see above
            return
        self._play(at)

    def _play(self, at: Instant) -> None:
        if self._stage is None:
            self._stage = Scheduler(host="", new_run_id=str)
            self._stage.load([_STAND_IN], at - 2 * SECOND, {})
        for decision in self._stage.decide(at):
            if isinstance(decision, Start):
                self._stage.learn(Spawned(decision.run, 1, 1, at))
                self._stage.learn(Finished(decision.run, End(Action.SUCCESS, Cause.EXIT, at)))
