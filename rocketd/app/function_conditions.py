"""Conditions that are functions of the program: called in a thread, and only while the answer can matter."""

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from re import Pattern
from typing import Final, Protocol, TypeAlias

from rocketd.app.arguments import Arg, Argument, ArgumentContext
from rocketd.app.condition_rewriting import rewrite
from rocketd.app.interfaces import SessionView
from rocketd.app.parameters import parameters_for, values_of
from rocketd.app.task_body import check_function
from rocketd.background_threads import in_thread
from rocketd.core.conditions.probe import Probe, observed
from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.condition import Condition
from rocketd.daemon.ports import ReportObserved
from rocketd.executor.inprocess.call import sentence
from rocketd.executor.inprocess.strategies import ThreadStarter, call_in
from rocketd.executor.shortage import shortage_of

Syntax: TypeAlias = str | Pattern[str]


@dataclass(frozen=True)
class FuncCond(Probe):
    """Holds while the function returns a true value. Call it to pass other arguments: `is_there("/srv")`."""

    name: str
    """Its normal form; equal names mean equal conditions."""
    function: Callable[..., object] = field(compare=False)
    every: Duration = field(default=SECOND, compare=False)
    args: tuple[object, ...] = field(default=(), compare=False)
    kwargs: Mapping[str, object] = field(default_factory=dict, compare=False)
    task: str = ""
    """The task, if the function asks for it; empty: not yet known."""

    @property
    def interval(self) -> Duration:
        """How often it is called, in microseconds."""
        return self.every

    def __call__(self, *args: object, **kwargs: object) -> "FuncCond":
        """Return the condition with these arguments."""
        given = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        name = f"{self.name.partition('(')[0]}({', '.join(given)})"
        return replace(self, name=name, args=args, kwargs=kwargs)

    def __str__(self) -> str:
        return f"{self.name} of {self.task}" if self.task else self.name

    def is_about_task(self, session: SessionView) -> bool:
        """Whether its answer depends on the task that asks."""
        parameters = parameters_for(self.function, session.parameters, self.kwargs).values()
        return any(isinstance(value, Argument) and value.depends_on_task(session) for value in parameters)

    def values(self, session: SessionView) -> dict[str, object]:
        """Return the function's arguments; called outside the loop's thread. Raises whatever an argument raises."""
        context = ArgumentContext(session, session[self.task] if self.task else None)
        return values_of(parameters_for(self.function, session.parameters, self.kwargs), context)

    def evaluate(self, values: Mapping[str, object]) -> object:
        """Call the function; may return a coroutine. Raises whatever it raises."""
        return self.function(*self.args, **values)


def condition_of_function(function: Callable[..., object], every: Duration) -> FuncCond:
    """Create a condition from a function; raises RocketdError."""
    check_function(function)
    named = function if hasattr(function, "__qualname__") else type(function)  # as with functools.partial
    module, name = named.__module__, named.__qualname__
    return FuncCond(name if module == "__main__" else f"{module}.{name}", function, every)


def _is_env(value: str, env: object = Arg("env", default=None)) -> bool:
    return env == value


SESSION_ENV: Final[tuple[Syntax, FuncCond]] = (
    re.compile(r"""env\s+['"](?P<value>[^'"]*)['"]"""),
    FuncCond("session_env", _is_env),
)
"""The text `env 'test'`, which asks for the session's `env`, as in Rocketry."""


def bind_to_task(condition: Condition, task: str, session: SessionView) -> Condition:
    """Return the condition, with functions that ask for their task bound to this one."""

    def bind(word: Condition) -> Condition:
        return replace(word, task=task) if isinstance(word, FuncCond) and word.is_about_task(session) else word

    return rewrite(condition, bind)


class ReportFailed(Protocol):
    """Is called with a condition that raised."""

    def __call__(self, condition: str, error: BaseException) -> None: ...


class FunctionProber:
    """Calls functions: `Prober` of `daemon/ports.py`. A function that hangs is not called again until it returns."""

    def __init__(
        self, session: SessionView, report: ReportObserved, report_failed: ReportFailed, now: Callable[[], Instant]
    ) -> None:
        """`failed` is called on the loop's thread, once until it has answered again."""
        self._session = session
        self._report = report
        self._report_failed = report_failed
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._starter = ThreadStarter()
        self._timers: dict[FuncCond, asyncio.TimerHandle | None] = {}
        self._in_progress: set[FuncCond] = set()
        self._evaluated_at: dict[FuncCond, float] = {}
        self._failing: set[FuncCond] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def set_probes(self, probes: frozenset[Probe]) -> None:
        """From now on, call the functions among these."""
        functions = {probe for probe in probes if isinstance(probe, FuncCond)}
        for obsolete in self._timers.keys() - functions:
            if handle := self._timers.pop(obsolete):
                handle.cancel()
        for probe in functions - self._timers.keys():
            soonest = self._evaluated_at.get(probe, 0.0) + probe.every / SECOND
            self._timers[probe] = self._loop.call_at(max(soonest, self._loop.time()), self._evaluate, probe)

    async def close(self) -> None:
        """Stop calling functions."""
        self.set_probes(frozenset())
        self._starter.close()

    def _evaluate(self, probe: FuncCond) -> None:
        if probe in self._in_progress:
            return
        self._in_progress.add(probe)
        self._evaluated_at[probe] = self._loop.time()
        if inspect.iscoroutinefunction(probe.function):
            task = self._loop.create_task(self._evaluate_in_loop(probe))
            self._tasks.add(task)  # the loop itself holds tasks only weakly
            task.add_done_callback(self._tasks.discard)
        else:
            report_refused = partial(self._handle_result, probe, None)
            self._starter.begin(
                lambda: self._evaluate_in_thread(probe),
                lambda error: call_in(self._loop, lambda: report_refused(error)),
            )

    async def _evaluate_in_loop(self, probe: FuncCond) -> None:
        try:
            outcome = probe.evaluate(await in_thread(lambda: probe.values(self._session)))
            self._handle_result(probe, bool(await outcome if inspect.isawaitable(outcome) else outcome), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is an answer that is not known
            self._handle_result(probe, None, shortage_of(error) or error)

    def _evaluate_in_thread(self, probe: FuncCond) -> None:
        try:
            outcome = probe.evaluate(probe.values(self._session))
            value, raised = bool(asyncio.run(outcome) if inspect.iscoroutine(outcome) else outcome), None
        except BaseException as error:  # noqa: BLE001 - as above
            value, raised = None, error
        call_in(self._loop, lambda: self._handle_result(probe, value, raised))

    def _handle_result(self, probe: FuncCond, value: bool | None, error: BaseException | None) -> None:  # noqa: FBT001 - its answer
        self._in_progress.discard(probe)
        if error is None:
            self._failing.discard(probe)
        if probe not in self._timers:
            return
        self._timers[probe] = self._loop.call_later(probe.every / SECOND, self._evaluate, probe)
        problem = "" if error is None else _problem(error)
        self._report(observed(probe, value, self._now(), problem))
        if error is not None and probe not in self._failing and not isinstance(error, ResourceShortage):
            self._failing.add(probe)
            self._report_failed(str(probe), error)


def _problem(error: BaseException) -> str:
    return error.message if isinstance(error, ResourceShortage) else f"it raised {sentence(error)}"
