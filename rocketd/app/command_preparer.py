"""The program of a session as its executors see it: `CommandPreparer` of `loop_ports.py`."""

from typing import Protocol

from rocketd.app import invocation
from rocketd.app.errors import SchedulerExit, SchedulerRestart
from rocketd.app.run_requests import RunRequests
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.app.task import Task
from rocketd.core.model import task as core
from rocketd.core.model.run import Run
from rocketd.daemon.error_policy import ErrorPolicy
from rocketd.executor.inprocess.call import BoundCall, CallOutcome


class SchedulerControl(Protocol):
    """The running scheduler as seen by the calls that it makes."""

    def task_of(self, run: Run) -> Task:
        """Return the task of a run."""
        ...

    def restart(self) -> None: ...
    def stop(self) -> None: ...


class AppProgram:
    """Prepares the calls and commands of runs, and handles their outcomes. Everything is on the loop's thread."""

    def __init__(
        self, session: SchedulerSession, requests: RunRequests, errors: ErrorPolicy, control: SchedulerControl
    ) -> None:
        self._session = session
        self._requests = requests
        self._errors = errors
        self._control = control

    def prepare(self, task: core.Task, run: Run) -> BoundCall:
        """Return the call to make for a run."""
        del task  # the compiled task: the call belongs to the program's own
        own = self._control.task_of(run)
        return invocation.bound_call(self._session, own, self._requests.parameters_of(own, run))

    def command(self, task: core.Task, run: Run) -> core.Task:
        """Return the command with the parameters of its run."""
        own = self._control.task_of(run)
        return invocation.command(self._session, own, self._requests.parameters_of(own, run), task)

    def handle_outcome(self, run: Run, outcome: CallOutcome) -> CallOutcome:
        """Keep the return value; restart or stop the scheduler if the call asked for it. Return what to report."""
        error = outcome.error
        if isinstance(error, SchedulerRestart):
            self._control.restart()
        elif isinstance(error, SchedulerExit):
            self._control.stop()
        elif isinstance(error, Exception) and not outcome.prepared:
            self._errors.in_setup(run, error)
        if error is None:
            self._session.returns[run.task] = outcome.value
        return CallOutcome() if isinstance(error, SchedulerRestart | SchedulerExit) else outcome
