"""Recovery after a restart, a crash or a power cut: a restart is a replay.

Load what is known of every task, replay it, decide about the runs that were open. A run that its executor still has
goes on, or has ended as it ended meanwhile. What is left of the others is stopped before their tasks may start again:
their ends were not seen, and are recorded as `crash`, cause `down`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import HOUR, MINUTE, SECOND, Duration, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event, Finished, Withdrawn
from rocketd.core.model.records import Alive, Change, OpenRun, Renamed, TaskState
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.scheduler.open_runs import crash_of, sorted_open_runs
from rocketd.core.scheduler.renames import Rename, find_renames
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.ports import Executor, Store

LONG_DOWNTIME: Final[Duration] = HOUR
"""After a longer downtime across a reboot, the clock may be wrong."""
_RECENT: Final[Duration] = 5 * MINUTE
"""A record comes no later than this after the sign of life before it, unless the clock was set in between."""
_SLEWED: Final = 1000
"""A clock that is off by less than this part of the time that passed was slewed, and not set."""


class Outage(NamedTuple):
    """The time in which no daemon ran, by the clock of now."""

    since: Instant
    alive: Instant
    """The last sign of life, by the clock of then."""
    known: bool
    """Whether it is certain, by a clock that nobody sets. Else the clock may have been wrong then, or be so now."""
    stepped: Duration
    """By how much the clock was set in that time, as far as is known."""


# Last sign of life at 10:00, with 5 min on the boot clock; now it is 12:00, with 65 min on the boot clock:
#   the boot clock says that 60 min passed, so the daemon went down at 11:00 by the clock of now,
#   and the clock was set forward by 60 min in between (`stepped`). After a reboot only 10:00 to 12:00 is known.
def outage(reading: ClockReading | None, alive: Instant | None, now: ClockReading) -> Outage | None:
    """Return since when no daemon ran, by the clocks at the last sign of life and the newest record; None: ever."""
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


class RecoveryReader(Protocol):
    """What a scheduler is recovered from: the parts of `Store` that read."""

    def states(self) -> Mapping[str, TaskState]: ...
    def recovery_events(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]: ...
    def open_runs(self) -> Sequence[OpenRun]: ...


class RecoveredState(NamedTuple):
    """What the store knew, besides what the scheduler knows by now."""

    changes: Sequence[TaskState]
    """The states of tasks that have changed."""
    open_runs: Sequence[OpenRun]
    """Return the runs without an end."""
    ahead: Sequence[str]
    """Tasks of which instants far in the future are recorded."""


def recover_scheduler(
    reader: RecoveryReader, scheduler: Scheduler, tasks: Sequence[Task], now: Instant, latest: Instant | None = None
) -> RecoveredState:
    """Load these tasks, and replay what the store knows of them. Nothing is written. Raises StoreError.

    `latest`: when the last sign of life was, by the clock of now; None: that is not known.
    """
    changes = scheduler.load(tasks, now, reader.states())
    open_runs = reader.open_runs()
    events = reader.recovery_events(scheduler.history.reach, now if latest is None else latest)
    ahead = scheduler.replay(events, [one.run for one in open_runs], now, latest)
    return RecoveredState(changes, open_runs, ahead)


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """What a recovery found."""

    ended: Sequence[Finished | Withdrawn]
    """The ends of the runs that were open, and are not any more."""
    outage: Outage | None
    """The time without a daemon; None: there was none before."""
    ahead: Sequence[str]
    """Tasks of which instants far in the future were recorded: the clock was wrong then, or is so now."""
    renames: Sequence[Rename] = ()
    """The tasks that take over from another name."""


async def recover(  # noqa: PLR0913, PLR0917 - what it brings together
    store: Store,
    scheduler: Scheduler,
    executor: Executor,
    tasks: Sequence[Task],
    now: ClockReading,
    write: Callable[[Sequence[Change]], None] | None = None,
) -> RecoveryResult:
    """Recover the state of the last daemon; what follows from it is written before this returns. Raises StoreError.

    `write` writes it, if not to the store itself.
    """
    down = outage(store.clock_readings().get("alive"), store.last_alive(), now)
    latest = now.wall if down is None else down.since
    renames, _ = find_renames(tasks, store.states())
    if renames:
        (write or store.write)([Renamed(old, new) for old, new in renames])
    loaded = recover_scheduler(store, scheduler, tasks, now.wall, latest)
    known = await executor.adopt(loaded.open_runs, {task.name: task for task in tasks})
    open_runs = sorted_open_runs(loaded.open_runs, known)
    await executor.clean_up(open_runs.lost)
    ended = [*open_runs.ended, *(crash_of(run, latest) for run in open_runs.lost)]
    (write or store.write)([*loaded.changes, *ended, Alive(now.wall, now.boottime)])
    for event in ended:
        scheduler.learn(event)
        executor.recorded(event.run)
    if down is not None:
        scheduler.add_downtime(down.since if down.known else down.alive, now.wall, known=down.known)
    return RecoveryResult(ended, down, loaded.ahead, renames)
