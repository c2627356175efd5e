"""A loop that nobody has started: what it would do is called by the test, and its events are listened to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rocketd.app.loop_ports import NullServiceManager
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Disabled, Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.event_feed import EventFeed
from rocketd.daemon.json_format import JsonObject
from rocketd.daemon.loop import Loop
from rocketd.daemon.serializers import task_object
from rocketd.daemon.task_file_source import ControlProblem, MissingTask
from support.fakes.journal import ListJournal


@dataclass(frozen=True)
class TaskFilesOf:
    """Task files some of whose tasks are disabled."""

    disabled: Sequence[Disabled]
    missing: Mapping[str, MissingTask] = field(default_factory=dict)

    async def reload(self) -> Sequence[ControlProblem]:
        return []


class World:
    """A loop that nobody has started: what it would do is called here."""

    def __init__(self, tasks: int = 3) -> None:
        self.clock = SystemClock()
        self.scheduler = Scheduler(host="here", new_run_id=str, max_running=1)
        self.loop = Loop(
            scheduler=self.scheduler,
            clock=self.clock,
            journal=ListJournal(),
            manager=NullServiceManager(),
            silenced=SilencedErrors(),
        )
        self.feed = EventFeed(self.loop, lambda: {"degraded": self.loop.health.degraded or None}, self.row)
        self.load(tasks)

    def row(self, name: str) -> JsonObject | None:
        entry = self.scheduler.tasks.get(name)
        return task_object(entry, self.scheduler.history.of(name)) if entry else None

    def load(self, tasks: int) -> None:
        made = [Task(f"t{number}", Command(("/bin/true",))) for number in range(tasks)]
        self.scheduler.load(made, self.clock.now(), {})
        self.loop.events.reloads += 1
        self.a_pass()

    def a_pass(self) -> None:
        self.scheduler.decide(self.clock.now())
        for hook in self.loop.pass_hooks:
            hook(self.clock.now())

    def happens(self, number: int, output: str = "") -> None:
        run = Run("t1", number, f"0193-{number}", 1, due=50, start=51, trigger=Trigger.HAND, reason="")
        self.loop.publish(Finished(run, End(Action.FAIL, Cause.EXIT, 60, output=output)) if output else Started(run))
