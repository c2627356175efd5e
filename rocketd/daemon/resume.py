"""Going on after a restart, a crash or a power cut: a restart is a replay.

Load what is known of every task, learn it, judge the runs that were open, go on. An open run is judged by whose it
was: on this host and in this boot its process tree may still be there, and is stopped before the task may start again;
else it is gone with the boot. Either way its end was never seen, and is recorded as `crash`, cause `down`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rocketd.core.events import Finished
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.records import Alive, Change, OpenRun
from rocketd.core.run import Action, Cause, End
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import Task
from rocketd.daemon.ports import Executor, Store


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a resume found."""

    crashed: Sequence[Finished]
    """The runs that were open, with the ends they were given."""
    down_since: Instant | None
    """The last sign of life of the daemon before this one; None: there was none."""
    ahead: Sequence[str]
    """Tasks of which instants far in the future were recorded: the clock was wrong then."""


async def resume(
    store: Store, scheduler: Scheduler, executor: Executor, tasks: Sequence[Task], now: Instant
) -> Resumed:
    """Bring the scheduler to where the daemon was; all of it is written before this returns. Raises StoreError."""
    changes: list[Change] = [*scheduler.load(tasks, now, store.states())]
    down_since = store.last_alive()
    left = store.open_runs()
    latest = now if down_since is None else min(down_since, now)
    past = store.past(scheduler.history.reach, latest)
    ahead = scheduler.replay(past, [left_run.run for left_run in left], now, latest)
    crashed = await _judge_open(left, executor, latest)
    store.write([*changes, *crashed, Alive(now)])
    for event in crashed:
        scheduler.learn(event)
    if down_since is not None and down_since < now:
        scheduler.down(down_since, now, _down(down_since, now))
    return Resumed(crashed, down_since, ahead)


async def _judge_open(left: Sequence[OpenRun], executor: Executor, down_since: Instant) -> Sequence[Finished]:
    adopted = set(executor.adopt(left))
    lost = [run for run in left if run.run.key not in adopted]
    await executor.clear(lost)
    return [Finished(run.run, _crash(run, down_since)) for run in lost]


def _crash(run: OpenRun, down_since: Instant) -> End:
    message = "rocketd or the host went down before its end was known"
    return End(Action.CRASH, Cause.DOWN, max(down_since, run.run.start), message=message)


def _down(since: Instant, until: Instant) -> str:
    first, last = (datetime_of(at).isoformat(sep=" ", timespec="seconds") for at in (since, until))
    return f"down from {first} to {last}"
