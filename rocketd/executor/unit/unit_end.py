"""Asks systemd and the journal how a run ended."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from rocketd.core.instant import Instant
from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.run import Cause
from rocketd.executor.oom_kills import was_killed
from rocketd.executor.unit.manager import SERVICE, UnitManager
from rocketd.executor.unit.outcome import unit_state
from rocketd.executor.unit.run_journal import JournalFacts, Question
from rocketd.executor.unit.unit_run import UnitRun, outcome_of

FindFacts: TypeAlias = Callable[[Question], Awaitable[JournalFacts]]


async def outcome(
    manager: UnitManager, facts_of: FindFacts, one: UnitRun, status: bytes, now: Instant
) -> Finished | Withdrawn:
    """Return how a run ended; `status` is what its launcher reported. Raises ConnectionLost, UnitRefused.

    `facts_of` asks the journal.
    """
    found = await manager.properties(one.path, SERVICE)
    if found.get("ExecMainPID"):
        one.properties.update(found)
    elif one.pid and one.cause is Cause.EXIT:  # the unit is gone, and rocketd has not stopped it
        one.cause = Cause.SHUTDOWN if await manager.is_stopping() else Cause.OPERATOR
        one.stopped_elsewhere = True
    state = unit_state(one.properties)
    question = Question(
        one.unit, one.run.run_id, one.task.output_tail, failed=not status, killed=state.ended > 0 and state.status != 0
    )
    facts = await facts_of(question)
    if was_killed(state.exit_code, state.signal) and one.oom_kills is not None and one.oom_kills.has_risen():
        facts = facts._replace(perhaps_out_of_memory=True)
    ago = time.monotonic_ns() // 1000 - state.ended if state.ended else 0
    result = outcome_of(one, state, status, facts, now - max(ago, 0))
    return result if isinstance(result, Withdrawn) else Finished(one.run, result)
