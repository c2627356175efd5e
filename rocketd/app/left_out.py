"""Attributes that Rocketry has and rocketd has not: whoever asks for one is told what to write instead."""

from typing import Final, NoReturn

_BY_NAME: Final = "a task is looked up by its name: name in session, session[name]"
_ONE_LOG: Final = "session.get_task_log() has the records of all tasks"
_FUNCTION: Final = "the decorated function stays a function: call that, or have it run by task.run()"
_WORK: Final = "the work of a task cannot change: remove the task, and create another one"
_RUN: Final = "use task.run() and task.disabled"
_COUNT: Final = "use task.n_alive and task.execution"
_OPTIONS: Final = "vars(session.config) has the options"

_INSTEAD: Final = {
    "set_logger": 'use logging.getLogger("rocketd.task")',
    "task_exists": _BY_NAME,
    "get_task_loggers": _ONE_LOG,
    "delete_task_loggers": _ONE_LOG,
    "get_cond_parsers": 'use app.cond("text")',
    "_cond_parsers": 'use app.cond("text")',
    "set_as_default": "no session is that of the whole process",
    "scheduler": "ask the session itself: session.shut_down(), session.restart()",
    "time_func": "session.simulate() has a clock of its own, for tests",
    "dict": _OPTIONS,
    "json": _OPTIONS,
    "observe": "use task.why(), or session.simulate() in tests",
    "func": _WORK,
    "path": _WORK,
    "command": _WORK,
    "execute": _FUNCTION,
    "start": _FUNCTION,
    "set_running": _RUN,
    "set_pending": _RUN,
    "resume": _RUN,
    "is_alive_as_main": _COUNT,
    "is_alive_as_async": _COUNT,
    "is_alive_as_thread": _COUNT,
    "is_alive_as_process": _COUNT,
    "fmt_log_message": "a format of your own has the fields of the record",
    "logger_name": "see the option task_logger_basename",
    "func_run_id": "a run id is a UUIDv7",
}


def no_attribute(owner: object, name: str) -> NoReturn:
    """Raise AttributeError; the `__getattr__` of what stands for a class of Rocketry."""
    instead = f": {_INSTEAD[name]}" if name in _INSTEAD else ""
    raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}{instead}", name=name, obj=owner)
