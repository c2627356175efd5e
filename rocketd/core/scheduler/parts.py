"""The parts that a scheduler is made of, connected with each other."""

from collections.abc import Callable

from rocketd.core.dataclass import dataclass
from rocketd.core.history.history import History
from rocketd.core.instant import Instant
from rocketd.core.scheduler.admission import Admission
from rocketd.core.scheduler.dispatcher import Dispatcher
from rocketd.core.scheduler.evaluator import Evaluator
from rocketd.core.scheduler.event_reducer import EventReducer
from rocketd.core.scheduler.missed import MissedRuns
from rocketd.core.scheduler.probe_subscriptions import ProbeSubscriptions
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.registry import TaskRegistry
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.standby import StandbyTasks
from rocketd.core.scheduler.startup_phase import StartupPhase
from rocketd.core.scheduler.task_state import ScheduledTask


@dataclass(frozen=True, slots=True)
class SchedulerParts:
    """What decides together; `scheduler.py` says what each part does."""

    history: History
    running: RunningRuns
    missed: MissedRuns
    subscriptions: ProbeSubscriptions
    admission: Admission
    queues: Queues
    startup: StartupPhase
    registry: TaskRegistry
    reducer: EventReducer
    evaluator: Evaluator
    dispatcher: Dispatcher
    standby: StandbyTasks

    @classmethod
    def connected(
        cls, host: str, new_run_id: Callable[[Instant], str], max_running: int, next_steps: int
    ) -> "SchedulerParts":
        """Make the parts of a scheduler without tasks."""
        tasks: dict[str, ScheduledTask] = {}
        history, running, subscriptions = History(host), RunningRuns(max_running), ProbeSubscriptions()
        missed, admission = MissedRuns(history, new_run_id), Admission(running)
        queues = Queues(tasks, running, admission)
        startup = StartupPhase(queues)
        registry = TaskRegistry(tasks, history, queues, missed, subscriptions)
        reducer = EventReducer(history, registry, queues, running, missed, startup)
        return cls(
            history=history,
            running=running,
            missed=missed,
            subscriptions=subscriptions,
            admission=admission,
            queues=queues,
            startup=startup,
            registry=registry,
            reducer=reducer,
            evaluator=Evaluator(history, queues, running, missed, subscriptions, next_steps=next_steps),
            dispatcher=Dispatcher(history, running, missed, admission, startup, new_run_id, tasks),
            standby=StandbyTasks(history, registry, queues, running, missed, reducer.snapshots),
        )
