"""Other tasks while the daemon runs: what their conditions ask about the past is read before they count.

What the store keeps beside the records holds for them, too: a task that comes back is paused as it was, and goes on
counting its runs where it left off.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rocketd.core.instant import Duration, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.events import Event
from rocketd.core.model.records import Renamed, TaskState
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.scheduler.renames import find_renames, renamed_events, renamed_states
from rocketd.daemon.loop import Loop
from rocketd.daemon.ports import Store
from rocketd.daemon.record_writer import RecordWriter

_UNREAD: Final = "the run log could not be read: new conditions count only events from now on, until the next restart"

WAITS: Final = 5
"""How often the records of starts are waited for before a task gets another name."""
READ_TIMEOUT: Final = 30.0
"""Seconds that reading the store may take."""


class _StoreSnapshot(NamedTuple):
    states: Mapping[str, TaskState]
    events: Sequence[Event]


async def replace_tasks(loop: Loop, tasks: Sequence[Task]) -> None:
    """Make these the loaded tasks, once the store has been asked what they need; runs that go on are left alone."""
    scheduler, now = loop.scheduler, loop.now()
    missing = scheduler.missing_history(tasks)
    scheduler.history.extend_needs(missing)
    stored: _StoreSnapshot | None = _StoreSnapshot({}, ())
    if missing or any(task.name not in scheduler.tasks for task in tasks):
        stored = await _read_store(loop.recorder, missing, now)
    if stored is None:
        loop.journal.write(Message(_UNREAD, Priority.ERROR))
        stored = _StoreSnapshot({}, ())
    renames, impossible = find_renames(tasks, stored.states)
    for _ in range(WAITS):
        if not any(loop.pending_starts.has_run_of(old) for old, _ in renames):
            break
        await _read_store(loop.recorder, {}, now)  # by then their records are written
    for old, new in renames:
        _rename(loop, old, new)
    for old, new in impossible:
        if new not in scheduler.tasks:
            loop.journal.write(daemon_messages.not_renamed(old, new))
    scheduler.recall(renamed_events(stored.events, renames))
    loop.record(scheduler.load(tasks, loop.now(), renamed_states(stored.states, renames)))
    loop.events.reloads += 1


def _rename(loop: Loop, old: str, new: str) -> None:
    """Let a task go on under another name, which has no past; what is recorded from now on has the new one."""
    for run in loop.scheduler.running_runs:
        if run.task == old:
            loop.events.renamed_runs.add(run, new)
    loop.scheduler.rename(old, new)
    loop.record([Renamed(old, new)])
    loop.journal.write(daemon_messages.renamed(old, new))


async def _read_store(
    recorder: RecordWriter, lookback: Mapping[tuple[str, Action], Duration], now: Instant
) -> _StoreSnapshot | None:
    """Read what is kept, after all that is still to be written; None: it cannot be read."""
    done = asyncio.get_running_loop().create_future()
    found: list[_StoreSnapshot] = []

    def read(store: Store) -> int:
        found.append(_StoreSnapshot(store.states(), store.recovery_events(lookback, now) if lookback else ()))
        return 1

    def on_read(_: int) -> None:
        if not done.done():  # nobody waits any more if the daemon stops
            done.set_result(None)

    recorder.submit(read, on_read)
    await asyncio.wait([done], timeout=READ_TIMEOUT)
    return found[0] if done.done() and found else None
