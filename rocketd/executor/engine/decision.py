"""What follows from an engine's answer about a run. Pure.

the engine has the job          it goes on, or has ended as the engine says
it has had it, and has no more  `crash`: how it ended is not known to anybody
it never had it                 the run is withdrawn: nothing of it has run, so it may begin anew
it does not answer              nothing is known yet
"""

from typing import Final

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.outcome import action_of
from rocketd.core.model.run import Action, Cause, End, Run, Usage
from rocketd.core.model.task import Work
from rocketd.executor.engine.job import JobState, JobStatus

SETTLE: Final[Duration] = 90 * SECOND
"""How long after a submission without an answer an engine may still take the job: a busy one answers late, and what was
submitting it when the daemon was killed may live on. It is longer than a command of an engine may take."""
_GONE: Final = 2
"""How often in a row an engine that has had a job must say that it has none: one that restarts may not know it yet."""


@dataclass(slots=True)
class JobFacts:
    """What is known of a run that is handed off."""

    run: Run
    work: Work
    engine: str
    """The name of the engine, for people."""
    noted_at: Instant = 0
    """When it was noted that the job is about to be submitted; 0: it was not, so it never was."""
    accepted: bool = False
    """Whether the engine has, or has had, the job."""
    cause: Cause = Cause.EXIT
    """Why it is being stopped; `EXIT`: it is not."""
    gone: int = 0
    """How often in a row the engine has said that it does not have it, although it has had it."""
    unanswered: str = ""
    """Why the submission had no answer; empty: it had one, or another daemon made it."""
    problem: str = ""
    """Why the last question had no answer."""


def decide(
    facts: JobFacts, status: JobStatus, now: Instant, quiet: Duration, settle: Duration = SETTLE
) -> Finished | Withdrawn | None:
    """Return how the run has ended, if it has; None: it goes on, or it is too early to say.

    `quiet`: for how long nobody can have submitted the job, by a clock that nobody sets.
    """
    if status.state is JobState.ABSENT:
        return _absent(facts, status, now, quiet >= settle)
    facts.accepted, facts.gone = True, 0
    if status.state in {JobState.PENDING, JobState.RUNNING}:
        return None
    return Finished(facts.run, _end(facts, status, now))


def _absent(facts: JobFacts, status: JobStatus, now: Instant, settled: bool) -> Finished | Withdrawn | None:  # noqa: FBT001 - says what it is
    if facts.accepted:
        return _gone(facts, now)
    if facts.noted_at and not settled:
        return None
    if facts.noted_at and status.memory is not None and not 0 <= now - facts.noted_at <= status.memory:
        return Finished(facts.run, _unknown_end(facts, now))
    if facts.cause is not Cause.EXIT:
        return never_began(facts, now)
    why = facts.unanswered or "rocketd went down before it was handed off"
    return Withdrawn(facts.run, now, f"{facts.engine} does not have it: {why}")


def _gone(facts: JobFacts, now: Instant) -> Finished | None:
    facts.gone += 1
    if facts.gone < _GONE:
        return None
    if facts.cause is Cause.EXIT:
        return Finished(facts.run, _unknown_end(facts, now))
    return Finished(facts.run, End(action_of(facts.work, None, facts.cause), facts.cause, now))


def never_began(facts: JobFacts, now: Instant) -> Finished | Withdrawn:
    """Return the end of a run that was stopped, and that no engine has."""
    if facts.cause is Cause.OPERATOR:
        return Finished(facts.run, End(Action.TERMINATE, facts.cause, now, message="stopped before it began"))
    return Withdrawn(facts.run, now, "it had not been handed off yet", facts.cause)


def _unknown_end(facts: JobFacts, now: Instant) -> End:
    message = f"{facts.engine} does not have it any more, and how it ended is not known"
    return End(Action.CRASH, Cause.DOWN, now, message=message)


def _end(facts: JobFacts, status: JobStatus, now: Instant) -> End:
    cause, message = facts.cause, status.message
    if cause is Cause.EXIT and status.state is not JobState.ENDED:
        cause = {JobState.LOST: Cause.DOWN, JobState.TIMED_OUT: Cause.TIMEOUT}.get(status.state, Cause.OPERATOR)
        if status.state is JobState.STOPPED:
            message = message or f"{facts.engine} stopped it, but not for rocketd"
    return End(
        action_of(facts.work, status.exit_code, cause),
        cause,
        now,
        exit_code=status.exit_code,
        signal=status.signal,
        message=message,
        output=status.output,
        runtime=status.runtime,
        usage=Usage(cpu=status.cpu),
    )
