"""One run in a unit: how far it is, and what its end is."""

import time
from errno import EAGAIN, errorcode
from pathlib import Path
from typing import Any, Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import ResourceShortage, RocketdError
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.outcome import action_of
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.executor.oom_kills import PROBABLY, KillCount
from rocketd.executor.process.launch import cannot_start
from rocketd.executor.process.launcher_protocol import (
    NAME,
    LaunchRequest,
    Stage,
    awaited_resource,
    decode_last_message,
    launch_error,
    start_error,
)
from rocketd.executor.process.process_files import spawned_time
from rocketd.executor.shortage import SHORTAGES
from rocketd.executor.unit.outcome import STDIN_FAILED, ExitKind, UnitState, failed_step
from rocketd.executor.unit.run_journal import JournalFacts
from rocketd.executor.unit.unit_name import object_path

_PASSING: Final = frozenset({"LimitsExceeded", "NoMemory", "TransactionIsDestructive", "Timeout"})
"""Errors of the bus and of systemd that say nothing about what was asked for, but the moment."""


@dataclass(slots=True)
class UnitRun:
    """A run that has not been reported as finished or withdrawn."""

    task: Task
    run: Run
    unit: str
    """The name of its unit."""
    request: LaunchRequest
    submitted: bool = False
    """Whether systemd has been asked to start it, and may have done so."""
    accepted: bool = False
    """Whether systemd has its unit."""
    spawned: bool = False
    first_pid: int = 0
    """The process that was reported or recorded as its first; 0: none was."""
    ending: bool = False
    adopted: bool = False
    """Whether another daemon has started it."""
    withdrawn: bool = False
    """Whether it was stopped before systemd was asked for it."""
    cause: Cause = Cause.EXIT
    killed: bool = False
    """Whether all of its processes are to be killed at once."""
    awaited: str = ""
    """What its launcher waited for when it was stopped; empty: its program had begun."""
    stopped_elsewhere: bool = False
    """Whether somebody else has stopped its unit, or the host goes down."""
    held: bool = False
    """Whether systemd keeps its unit for us when it stops."""
    oom_kills: KillCount | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    """Those of its service, as far as signals told them."""

    @property
    def path(self) -> str:
        """Where its unit is on the bus."""
        return object_path(self.unit)

    @property
    def pid(self) -> int:
        """Its first process, as far as signals told; 0: it has none yet."""
        return int(self.properties.get("ExecMainPID", 0))

    @property
    def process_ended(self) -> bool:
        """Whether that process has ended."""
        return bool(self.properties.get("ExecMainCode", ExitKind.NEVER_BEGAN))

    def note_stop(self, status: bytes) -> None:
        """Note how far its launcher is: afterwards one that was stopped looks like one that did its work."""
        message = decode_last_message(status)
        if status and not message.failed and is_launcher(self.pid):
            self.awaited = f"it had not begun: {awaited_resource(self.request, message)} did not answer"

    def waits_for(self, status: bytes) -> str:
        """Say what its launcher waits for; empty: its program has begun."""
        message = decode_last_message(status)
        return (
            awaited_resource(self.request, message) if status and not message.failed and is_launcher(self.pid) else ""
        )


def is_launcher(pid: int) -> bool:
    """Whether a process is still the launcher."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() == NAME[:14]
    except OSError:
        return False


def outcome_of(one: UnitRun, state: UnitState, status: bytes, facts: JournalFacts, at: Instant) -> End | Withdrawn:
    """Return how a run ended; or that it never began, through no fault of its task."""
    if one.adopted and not state.pid:
        return End(
            Action.CRASH, Cause.DOWN, at, message="its unit was gone when rocketd asked for it", output=facts.output
        )
    if _was_restarted(one, state):
        restarted = "its unit was restarted, but not by rocketd: it was stopped, and is not repeated"
        return End(
            action_of(one.task.work, None, Cause.OPERATOR), Cause.OPERATOR, at, message=restarted, output=facts.output
        )
    error = _start_failure(one, state, status, facts)
    if error is not None and one.cause is not Cause.OPERATOR:
        if isinstance(error, ResourceShortage):
            return Withdrawn(one.run, at, error.message, shared=error.shared, own_limit=error.own_limit)
        if one.cause is Cause.EXIT:
            return End(Action.FAIL, Cause.EXIT, at, message=cannot_start(error), output=facts.output)
    if one.awaited and one.cause is not Cause.OPERATOR:
        wanted = Cause.SHORTAGE if one.cause is Cause.TIMEOUT else one.cause
        return Withdrawn(one.run, at, one.awaited, wanted)
    cause = _cause(one, state)
    return End(
        action=action_of(one.task.work, state.exit_code, cause),
        cause=cause,
        at=at,
        exit_code=state.exit_code,
        signal=state.signal,
        message=one.awaited or _message(one, state, facts),
        output=facts.output,
        runtime=_runtime(state),
        usage=state.usage,
    )


def _was_restarted(one: UnitRun, state: UnitState) -> bool:
    """Whether somebody has had its unit started again, which finds no request any more: `systemctl restart`."""
    is_launcher_without_request = state.how == ExitKind.NEVER_BEGAN or (
        state.how == ExitKind.EXITED and state.status == STDIN_FAILED
    )
    return is_launcher_without_request and one.first_pid not in {0, state.pid}


def _cause(one: UnitRun, state: UnitState) -> Cause:
    """Systemd stops a run at its timeout where there is no daemon to do it; who else stops one shows no cause."""
    if one.cause is not Cause.EXIT or state.result != "timeout":
        return one.cause
    timeout = one.task.timeout
    return Cause.TIMEOUT if timeout is not None and _runtime(state) >= timeout else Cause.OPERATOR


def _message(one: UnitRun, state: UnitState, facts: JournalFacts) -> str:
    if facts.out_of_memory or state.result == "oom-kill":
        return "out of memory: the kernel killed one of its processes"
    if facts.perhaps_out_of_memory and one.cause is Cause.EXIT:
        return PROBABLY
    return "its unit was stopped, but not by rocketd" if one.stopped_elsewhere and one.cause is Cause.OPERATOR else ""


def _runtime(state: UnitState) -> Duration:
    return max(state.ended - state.began, 0) if state.began and state.ended else 0


def _start_failure(one: UnitRun, state: UnitState, status: bytes, facts: JournalFacts) -> RocketdError | None:
    """Return why its program never began: what its launcher says, or what systemd could not do for the launcher."""
    if status:
        message = decode_last_message(status)
        if message.failed and message.stage is Stage.READING_REQUEST:  # it is that of another version
            return ResourceShortage("rocketd is being upgraded")
        return launch_error(_limited(one), message) if message.failed else None
    if one.cause is not Cause.EXIT and not state.ended:
        return None  # it was stopped first
    sentence = facts.failure or failed_step(state)
    error = RocketdError(sentence, hint=f"systemctl status {one.unit}" if not facts.failure else "")
    of_user = facts.error == EAGAIN and state.how != ExitKind.NEVER_BEGAN  # execve(2) after a change of user
    return start_error(_limited(one), error, facts.error, shared=not of_user)


def _limited(one: UnitRun) -> LaunchRequest:
    """Return its request with what systemd does in place of its launcher, for telling whose fault an error is."""
    work = one.task.work
    around = work.surroundings if isinstance(work, Command) else Surroundings()
    return one.request._replace(limits=around.limits, identity=around.identity)


def refusal(unit: str, name: str, text: str) -> RocketdError:
    """Return why systemd did not start a unit: a `ResourceShortage` if that says nothing about its task."""
    if name.rpartition(".")[2] in _PASSING or name in {f"System.Error.{errorcode[number]}" for number in SHORTAGES}:
        return ResourceShortage(f"systemd: {text}")
    if name.endswith(".UnitExists"):
        return RocketdError(f"the unit {unit} exists already", hint=f"see systemctl status {unit}")
    return RocketdError(f"systemd: {text}")


def spawned_event(one: UnitRun, now: Instant) -> Spawned:
    """Return that a run has its process, since when systemd says."""
    began = int(one.properties.get("ExecMainStartTimestampMonotonic", 0))
    at = now - (max(time.monotonic_ns() // 1000 - began, 0) if began else 0)
    return Spawned(one.run, one.pid, spawned_time(one.pid), at)


def not_started(run: Run, now: Instant, error: RocketdError) -> Finished | Withdrawn:
    """Return the end of a run that cannot be started."""
    if isinstance(error, ResourceShortage):
        return Withdrawn(run, now, error.message, shared=error.shared)
    return Finished(run, End(Action.FAIL, Cause.EXIT, now, message=cannot_start(error)))


def stopped_before_start(one: UnitRun, now: Instant, why: str) -> Finished | Withdrawn:
    """Return the end of a run that was stopped before systemd was asked for its unit."""
    if one.cause is Cause.OPERATOR:
        return Finished(one.run, End(Action.TERMINATE, one.cause, now, message="stopped before it began"))
    return Withdrawn(one.run, now, f"it had not begun: {why}", one.cause)
