"""The call for a run: its function and its parameters."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Event

from rocketd.app.arguments import Argument, ArgumentContext
from rocketd.app.hooks import around
from rocketd.app.parameters import ParameterMapping, parameters_for, raw, values_of
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.app.task import Task
from rocketd.app.task_body import CommandBody, InFile
from rocketd.core.model import task as core
from rocketd.executor.inprocess.call import BoundCall


def bound_call(session: SchedulerSession, task: Task, parameters: ParameterMapping) -> BoundCall:
    """Return the call of a task with the parameters of one run. Raises what a quick argument raises."""
    function = task.body.load()
    stop = Event()
    context = ArgumentContext(session, task, stop)
    own = {**task.parameters.raw, **raw(parameters)}
    hooks = around(session.hooks.task_execute, context, task=task)
    if isinstance(function, InFile):
        in_file = function

        def read() -> Mapping[str, object]:
            return values_of(parameters_for(in_file.function, session.parameters, own), context)

        return BoundCall(function, read, slow=True, stop=stop, context=hooks)
    quick, slow = _split_slow(parameters_for(function, session.parameters, own), context)
    values = values_of(quick, context)
    return BoundCall(
        function, lambda: {**values, **values_of(slow, context)}, slow=bool(slow), stop=stop, context=hooks
    )


def _split_slow(params: Mapping[str, object], context: ArgumentContext) -> tuple[dict[str, object], dict[str, object]]:
    quick, slow = dict[str, object](), dict[str, object]()
    for name, value in params.items():
        late = isinstance(value, Argument) and value.is_slow(context)
        (slow if late else quick)[name] = value
    return quick, slow


def command(session: SchedulerSession, task: Task, parameters: ParameterMapping, compiled: core.Task) -> core.Task:
    """Return the command with its parameters for one run. Raises what an argument raises."""
    if not isinstance(task.body, CommandBody):
        return compiled
    own = {**task.parameters.raw, **raw(parameters)}
    return replace(compiled, work=task.body.work(values_of(own, ArgumentContext(session, task))))
