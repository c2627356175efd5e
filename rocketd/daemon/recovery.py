"""Going on after a restart, a crash or a power cut: a restart is a replay.

Load what is known of every task, learn it, judge the runs that were open, go on. An open run is judged by whose it
was: on this host and in this boot its process tree may still be there, and is stopped before the task may start again;
else it is gone with the boot. Either way its end was never seen, and is recorded as `crash`, cause `down`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rocketd.core.instant import HOUR, MINUTE, SECOND, Duration, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Finished
from rocketd.core.model.records import Alive, Change, OpenRun
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.ports import Executor, Store

LONG_DOWNTIME: Final[Duration] = HOUR
"""A longer time out of which no boot is known to have come may be a clock that is wrong."""
_RECENT: Final[Duration] = 5 * MINUTE
"""A record is no later than that after the sign of life before it, if the clock was not set in between."""
_SLEWED: Final = 1000
"""A clock that is off by less than this part of the time that passed was kept right, and not set."""


class Outage(NamedTuple):
    """The time in which no daemon lived, by the clock of now."""

    since: Instant
    alive: Instant
    """The last sign of life, by the clock of then."""
    known: bool
    """Whether it is certain, by a clock that nobody sets. Else the clock may have been wrong then, or be so now."""
    stepped: Duration
    """By how much the clock was set in that time, as far as is known."""


def outage(reading: ClockReading | None, alive: Instant | None, now: ClockReading) -> Outage | None:
    """Tell since when nobody lived: by the clocks at the last sign of life, and the newest record; None: never."""
    if reading is not None and alive is not None and alive < reading.wall:  # they were not written together
        reading = None
    newest = alive if reading is None else reading.wall
    if newest is None:
        return None
    passed = None if reading is None else reading.elapsed_until(now)
    recent = alive - newest if alive is not None and 0 <= alive - newest <= _RECENT else 0
    newest += recent
    if passed is None:
        known = reading is None or 0 <= now.wall - newest <= LONG_DOWNTIME
        return Outage(min(newest, now.wall), newest, known=known, stepped=0)
    since = now.wall - max(passed - recent, 0)
    if abs(since - newest) <= max(SECOND, passed // _SLEWED):
        return Outage(min(newest, now.wall), newest, known=True, stepped=0)
    return Outage(since, newest, known=True, stepped=since - newest)


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """What a resume found."""

    crashed: Sequence[Finished]
    """The runs that were open, with the ends they were given."""
    outage: Outage | None
    """Since when there was no daemon; None: there was none before."""
    ahead: Sequence[str]
    """Tasks of which instants far in the future were recorded: the clock was wrong then, or is so now."""


async def recover(  # noqa: PLR0913, PLR0917 - what it brings together
    store: Store,
    scheduler: Scheduler,
    executor: Executor,
    tasks: Sequence[Task],
    now: ClockReading,
    write: Callable[[Sequence[Change]], None] | None = None,
) -> RecoveryResult:
    """Bring the scheduler to where the daemon was; all of it is written before this returns. Raises StoreError.

    `write` is where it is written to, if not to the store.
    """
    changes: list[Change] = [*scheduler.load(tasks, now.wall, store.states())]
    down = outage(store.clock_readings().get("alive"), store.last_alive(), now)
    left = store.open_runs()
    latest = now.wall if down is None else down.since
    past = store.recovery_events(scheduler.history.reach, latest)
    ahead = scheduler.replay(past, [left_run.run for left_run in left], now.wall, latest)
    crashed = await _judge_open(left, executor, latest)
    (write or store.write)([*changes, *crashed, Alive(now.wall, now.boottime)])
    for event in crashed:
        scheduler.learn(event)
    if down is not None:
        scheduler.add_downtime(down.since if down.known else down.alive, now.wall, known=down.known)
    return RecoveryResult(crashed, down, ahead)


async def _judge_open(left: Sequence[OpenRun], executor: Executor, down_since: Instant) -> Sequence[Finished]:
    adopted = set(executor.adopt(left))
    lost = [run for run in left if run.run.key not in adopted]
    await executor.clean_up(lost)
    return [Finished(run.run, _crash(run, down_since)) for run in lost]


def _crash(run: OpenRun, down_since: Instant) -> End:
    message = "rocketd or the host went down before its end was known"
    return End(Action.CRASH, Cause.DOWN, max(down_since, run.run.start), message=message)
