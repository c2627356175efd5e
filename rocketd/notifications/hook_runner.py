"""Runs hooks: a program of the administrator about an event, with the rights of the task that it is about.

A hook is carried out as a task's run is: the same launcher, user, directory, environment and limits. It is no run,
though: it has no record and no slot, nobody waits for it, and its end concerns nobody but the log.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, Protocol
from uuid import uuid4

from rocketd.core.backoff import Backoff
from rocketd.core.clock import Clock
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Call, Command, Surroundings, Task
from rocketd.core.notifications.notification import Notification, variables

MAX_HOOKS: Final = 16
"""The most hooks that run at the same time; the others wait."""
MAX_HOOKS_PER_TASK: Final = 4
"""… of one task: so one whose hooks hang leaves room for the others."""
CLOSE_TIMEOUT: Final = 10.0
"""Seconds that hooks may take when the daemon stops; what is not done then is done by the next daemon."""
KILL_TIMEOUT: Final = 2.0
"""Seconds until those that are killed then are gone."""
RETRY: Final = Backoff(1.0, 60.0)
"""Seconds between two attempts to start a hook for which the host lacks something."""
_KILL_GRACE: Final[Duration] = 5 * SECOND


class HookCall(NamedTuple):
    """A hook that is to be run."""

    name: str
    """The key of its setting: `on_fail`."""
    argv: tuple[str, ...]
    task: Task
    notification: Notification
    timeout: Duration
    done: Callable[[], None]
    """Called once it has ended, whatever its result."""


@dataclass(frozen=True, slots=True)
class HookResult:
    """How a hook of a task ended last."""

    name: str
    at: Instant
    about: str
    """The run, or the event, that it was about."""
    error: str
    """Empty: it succeeded."""


class HookExecutor(Protocol):
    """What carries out hooks."""

    def start(self, task: Task, run: Run) -> None: ...
    def stop(self, run: Run, cause: Cause) -> None: ...
    def kill(self) -> None: ...
    async def close(self) -> None: ...


class HookListener(Protocol):
    """Takes what hooks print, and how they end."""

    def hook_output(self, call: HookCall, stream: str, line: str) -> None: ...
    def hook_ended(self, call: HookCall, error: str, runtime: Duration) -> None: ...


@dataclass(slots=True)
class _ActiveHook:
    call: HookCall
    run: Run
    timer: asyncio.TimerHandle | None = None
    pause: float = 0.0


@dataclass(slots=True)
class _Waiting:
    call: HookCall
    pause: float = field(default=0.0)


class HookRunner:
    """Runs hooks, some at a time. On the loop's thread."""

    def __init__(
        self, make_executor: Callable[["HookRunner"], HookExecutor], clock: Clock, hears: HookListener
    ) -> None:
        """`make_executor` is called for the first hook: most hosts have none."""
        self._make_executor = make_executor
        self._clock = clock
        self._listener = hears
        self._loop = asyncio.get_running_loop()
        self._executor: HookExecutor | None = None
        self._waiting: deque[_Waiting] = deque()
        self._active: dict[str, _ActiveHook] = {}
        self._per_task: Counter[str] = Counter()
        self._retries: set[asyncio.TimerHandle] = set()
        self._count = 0
        self._closed = False
        self._cut_off = False
        """Whether hooks are being killed because the daemon stops: these have not been done."""
        self._idle = asyncio.Event()
        self.results: dict[tuple[str, str], HookResult] = {}
        """The last result, by task and hook."""

    def submit(self, call: HookCall) -> None:
        """Run it, as soon as there is room."""
        self._waiting.append(_Waiting(call))
        self._start_some()

    def variables(self, run: Run) -> dict[str, str]:
        """Return the variables of a hook; for its executor."""
        active = self._active[run.run_id]
        hook = {"ROCKETD_HOOK_ID": run.run_id, "ROCKETD_HOOK": active.call.name}
        return hook | variables(active.call.notification)

    def report(self, event: Spawned | Finished | Withdrawn) -> None:
        """Handle an event of the executor."""
        active = self._active.get(event.run.run_id)
        if active is None:
            return
        match event:
            case Spawned():
                timeout = active.call.timeout / SECOND
                active.timer = self._loop.call_later(timeout, self._on_timeout, active)
            case Withdrawn():
                self._forget(active)
                pause = RETRY.after(active.pause)
                self._retry_later(_Waiting(active.call, pause), pause)
            case Finished(_, end):
                self._on_end(active, end)

    def output(self, run: Run, stream: str, line: str) -> bool:
        """Pass on a line that a hook printed; for its executor."""
        active = self._active.get(run.run_id)
        if active is not None:
            self._listener.hook_output(active.call, stream, line)
        return True

    async def close(self) -> None:
        """Let the hooks that run end, for a while; those that do not are run again by the next daemon."""
        self._closed = True
        for timer in self._retries:
            timer.cancel()
        await self._until_idle(CLOSE_TIMEOUT)
        if self._executor is not None:
            self._cut_off = True
            self._executor.kill()
            await self._until_idle(KILL_TIMEOUT)
            await self._executor.close()

    async def _until_idle(self, seconds: float) -> None:
        if self._active:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)

    # -- their life -------------------------------------------------------------------------------------------------

    def _start_some(self) -> None:
        passed: list[_Waiting] = []
        while self._waiting and len(self._active) < MAX_HOOKS and not self._closed:
            waiting = self._waiting.popleft()
            if self._per_task[waiting.call.task.name] >= MAX_HOOKS_PER_TASK:
                passed.append(waiting)
            else:
                self._start(waiting)
        self._waiting.extendleft(reversed(passed))

    def _start(self, waiting: _Waiting) -> None:
        call, now = waiting.call, self._clock.now()
        self._count += 1
        what = f"{call.name} of {call.task.name}"
        run = Run(call.task.name, self._count, str(uuid4()), 1, now, now, Trigger.HAND, what)
        self._active[run.run_id] = active = _ActiveHook(call, run, pause=waiting.pause)
        self._per_task[call.task.name] += 1
        if self._executor is None:
            self._executor = self._make_executor(self)
        try:
            self._executor.start(_hook_task(call), run)
        except Exception as error:  # noqa: BLE001 - a hook that cannot be set up must not stop the others
            self._on_end(active, End(Action.FAIL, Cause.EXIT, now, message=f"could not be set up: {error}"))

    def _on_timeout(self, active: _ActiveHook) -> None:
        if self._executor is not None:
            self._executor.stop(active.run, Cause.TIMEOUT)

    def _on_end(self, active: _ActiveHook, end: End) -> None:
        self._forget(active)
        if self._cut_off:
            return
        call, error = active.call, _error_of(end)
        about = getattr(call.notification.event, "run", None)
        name = f"{about.task}/{about.number}" if isinstance(about, Run) else call.notification.action
        self.results[call.task.name, call.name] = HookResult(call.name, end.at, name, error)
        self._listener.hook_ended(call, error, end.runtime)
        call.done()

    def _forget(self, active: _ActiveHook) -> None:
        if active.timer is not None:
            active.timer.cancel()
        self._active.pop(active.run.run_id, None)
        self._per_task -= Counter([active.call.task.name])
        if not self._active:
            self._idle.set()
        self._loop.call_soon(self._start_some)

    def _retry_later(self, waiting: _Waiting, pause: float) -> None:
        def retry() -> None:
            self._retries.discard(timer)
            self._waiting.append(waiting)
            self._start_some()

        timer = self._loop.call_later(pause, retry)
        self._retries.add(timer)


def _hook_task(call: HookCall) -> Task:
    work = call.task.work
    surroundings = Surroundings() if isinstance(work, Call) else work.surroundings
    text = call.notification.output.encode(errors="replace").decode()
    command = Command(call.argv, text, surroundings)
    unit = (("DynamicUser", "yes"),) if call.task.has_dynamic_user else ()
    return Task(call.task.name, command, kill_grace=_KILL_GRACE, output_tail=0, unit=unit)


def _error_of(end: End) -> str:
    """Return what was wrong, completing "its on_fail hook"; empty: nothing."""
    if end.action is Action.SUCCESS:
        return ""
    if end.cause is Cause.TIMEOUT:
        return "was stopped by its timeout"
    if end.signal is not None:
        return f"was killed by signal {end.signal}"
    if end.exit_code is not None:
        return f"failed with exit code {end.exit_code}"
    return f"failed: {end.message}" if end.message else "failed"
