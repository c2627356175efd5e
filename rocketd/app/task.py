"""A task of an application, which may be changed at any time and from any thread."""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, NoReturn

from rocketd.app.config import How, warn_without_effect
from rocketd.app.custom_syntax import KnownSyntax, read
from rocketd.app.explanation import Why
from rocketd.app.interfaces import Registry
from rocketd.app.left_out import INSTEAD, no_attribute
from rocketd.app.parameters import ParameterMapping, Parameters
from rocketd.app.task_body import Body, CommandBody, FunctionBody
from rocketd.app.task_log import TaskLog
from rocketd.app.task_options import CHECKS, OLD_NAMES, SETTINGS, ConditionLike
from rocketd.app.validators import Span, SplayOptions, check
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Instant, instant_of
from rocketd.core.model.condition import FALSE, TRUE, Condition
from rocketd.core.model.run import Action
from rocketd.core.model.task import Overlap
from rocketd.core.model.task_ref import MARK

_OWN: Final = SETTINGS | {"_session", "body", "batches"}
ACTIONS: Final = (Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.INACTION, Action.CRASH)


class Task:
    """A named thing to do, with its conditions."""

    name: str
    start_cond: Condition
    end_cond: Condition

    def __init__(
        self, session: Registry["Task"], body: Body, start_cond: ConditionLike = None, name: str | None = None
    ) -> None:
        self._session = session
        self.body = body
        self.batches: deque[Parameters] = deque()
        """The parameters of requested runs that have not started."""
        self.name = name or body.name
        self.start_cond = session.condition(start_cond)
        self.end_cond: Condition = FALSE
        self.description = body.description
        self.tags: Sequence[str] = ()
        self.execution: How | None = None
        self.parameters = Parameters()
        self.priority = session.config.task_priority
        self.disabled = False
        self.timeout: Span | None = None
        self.permanent = False
        self.multilaunch: bool | None = None
        self.on_startup = False
        self.on_shutdown = False
        self.overlap: Overlap | str | None = None
        self.mutex = ""
        self.restart_delay: Span | None = None
        self.crash_limit = 3
        self.splay: Span | SplayOptions = 0
        self.kill_grace: Span = 10
        self.daemon: bool | None = None
        """Has no effect: a child process always dies with its program."""

    if not TYPE_CHECKING:  # with it, type checkers would let every name be used
        __getattr__ = no_attribute

        def __call__(self, *args: object, **kwargs: object) -> NoReturn:  # noqa: ARG002 - whatever it is called with
            # task()                                           of Rocketry, which runs it
            # @app.task(daily, command="ls") above a function  which has its work twice
            hint = "task.run() starts it; app.task(command=…) and its kind stand alone, not above a function"
            raise RocketdError(f"the task {self.name} is not a function", hint=hint)

    def __init_subclass__(cls) -> None:
        """Raise RocketdError: in Rocketry, a subclass says what its tasks do."""
        raise RocketdError("a task cannot be a class of your own", hint="write @app.task() above a function")

    def configure(self, options: Mapping[str, object]) -> None:
        """Set options by name; raises RocketdError for one that is unknown."""
        for given, value in options.items():
            name = OLD_NAMES.get(given, given)
            if name == "func_run_id":
                warn_without_effect(name, 5)
                continue
            if name not in SETTINGS:
                raise _unknown(name)
            if value is not None:
                setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        # task.start_cond = "daily"    parsed; the scheduler loads the tasks again
        # task.force_run = True        the same as task.run()
        # task.colour = "red"          RocketdError, as there is no such option
        if name not in _OWN and not hasattr(type(self), name):
            raise _unknown(name)
        check(CHECKS, name, value)
        if name in ("start_cond", "end_cond"):
            value = self._session.condition(value)
        if name == "force_run":
            if value:
                self.run()
            return
        if name == "parameters" and isinstance(value, Mapping):
            value = Parameters(value)
        if name == "name":
            self._rename(str(value))
        super().__setattr__(name, value)
        if name in SETTINGS:
            self._session.changed()

    def _rename(self, name: str) -> None:
        if "name" in vars(self):
            self._session.renamed(self, name)
        if isinstance(self.body, FunctionBody):
            with suppress(AttributeError):  # a bound method, or a function written in C
                setattr(self.body.function, MARK, name)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}: {self.start_cond}>"

    # -- control -----------------------------------------------------------------------------------------------------

    def run(self, _params: ParameterMapping | None = None, /, **more: object) -> None:
        """Request a run with these parameters, as soon as it may start. Each call is one run."""
        self.batches.append(Parameters(_params, **more))
        self._session.runner.request_run(self.name)

    def terminate(self) -> None:
        """Stop the active runs."""
        self._session.runner.terminate(self.name)

    def delete(self) -> None:
        """Remove the task from the session; its active runs continue."""
        self._session.remove_task(self)

    # -- state -------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Registry["Task"]:
        """The session it belongs to."""
        return self._session

    @session.setter
    def session(self, session: Registry["Task"]) -> None:
        self._session = session
        self.start_cond, self.end_cond = self.start_cond, self.end_cond  # their names in that session

    @property
    def logger(self) -> TaskLog:
        """The task's logger, which also reads the records of its runs."""
        return self._session.task_log(self)

    @property
    def status(self) -> str | None:
        """The newest action of its runs; None: there was none."""
        return self._session.runner.status_of(self.name)

    def get_status(self) -> str | None:
        """The same as `status`."""
        return self.status

    @property
    def is_running(self) -> bool:
        """Whether a run is active, or requested and about to start."""
        return self.n_alive > 0 or bool(self.batches)

    def is_alive(self) -> bool:
        """Whether a run is active."""
        return self.n_alive > 0

    @property
    def n_alive(self) -> int:
        """The number of active runs."""
        return self._session.runner.count_active(self.name)

    def _last(self, action: Action) -> datetime | None:
        return self._session.runner.last(self.name, action)

    @property
    def last_run(self) -> datetime | None:
        """When a run last started."""
        return self._last(Action.RUN)

    @property
    def last_success(self) -> datetime | None:
        """When a run last ended in success."""
        return self._last(Action.SUCCESS)

    @property
    def last_fail(self) -> datetime | None:
        """When a run last failed."""
        return self._last(Action.FAIL)

    @property
    def last_terminate(self) -> datetime | None:
        """When a run was last stopped."""
        return self._last(Action.TERMINATE)

    @property
    def last_inaction(self) -> datetime | None:
        """When a run last found nothing to do."""
        return self._last(Action.INACTION)

    @property
    def last_crash(self) -> datetime | None:
        """When a run was last interrupted by the end of the program."""
        return self._last(Action.CRASH)

    def get_last_run(self) -> datetime | None:
        """The same as `last_run`."""
        return self.last_run

    def get_last_success(self) -> datetime | None:
        """The same as `last_success`."""
        return self.last_success

    def get_last_fail(self) -> datetime | None:
        """The same as `last_fail`."""
        return self.last_fail

    def get_last_terminate(self) -> datetime | None:
        """The same as `last_terminate`."""
        return self.last_terminate

    def get_last_inaction(self) -> datetime | None:
        """The same as `last_inaction`."""
        return self.last_inaction

    def get_last_crash(self) -> datetime | None:
        """The same as `last_crash`."""
        return self.last_crash

    @property
    def next_start(self) -> datetime | None:
        """When it is expected to start next, as far as the clock tells, in the session's zone.

        Now, if it is due and waits for something. None: only an event starts it, such as the end of another task, or
        nobody can tell. A condition of your own that must hold as well may keep it from starting then.
        """
        return self._session.runner.next_start(self)

    def why(self, at: float | datetime | None = None) -> Why:
        """Return why it runs or what it waits for. `at`: an aware datetime, or seconds since the epoch; None: now."""
        return self._session.runner.why(self, None if at is None else instant(at))

    # -- for the scheduler ------------------------------------------------------------------------------------------

    @property
    def how_overlaps(self) -> Overlap:
        """What happens if the task is due while it is running."""
        if self.overlap is not None:
            return Overlap(self.overlap)
        several = self._session.config.multilaunch if self.multilaunch is None else self.multilaunch
        return Overlap.ALLOW if several else Overlap.WAIT

    @property
    def how(self) -> How:
        """Its execution: its own option, else that of the session."""
        return self.execution or self._session.config.execution

    @property
    def is_command(self) -> bool:
        """Whether it runs a command."""
        return isinstance(self.body, CommandBody)


def _unknown(name: str) -> RocketdError:
    hint = INSTEAD.get(name, f"allowed are {', '.join(sorted(SETTINGS))}")
    return RocketdError(f"a task has no option {name!r}", hint=hint)


def as_condition(value: object, syntax: KnownSyntax = ()) -> Condition:
    """Convert a value to a condition, with user-defined texts; raises ConditionError, RocketdError."""
    if isinstance(value, Condition):
        return value
    if isinstance(value, str):
        return read(value, syntax)
    if value is None or isinstance(value, bool):
        return TRUE if value else FALSE
    if callable(value):
        hint = "write @app.task() above a function; @app.cond() makes it a condition"
    else:
        hint = "conditions come from rocketd.conds, or are text"
    raise RocketdError(f"{value!r} is not a condition", hint=hint)


def instant(at: float | datetime) -> Instant:
    """Convert a time to an instant; raises RocketdError for a datetime without a zone."""
    if not isinstance(at, datetime):
        return round(at * 1_000_000)
    if at.tzinfo is None:
        raise RocketdError("a datetime needs a zone", hint="datetime.now().astimezone() has one")
    return instant_of(at)
