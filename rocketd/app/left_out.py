"""Attributes that Rocketry has and rocketd has not: whoever asks for one is told what to write instead."""

from collections.abc import Mapping
from functools import partial
from typing import Final, NoReturn

from rocketd import core
from rocketd.app.left_out_imports import no_name_in

vars(core)["__getattr__"] = partial(no_name_in, core.__name__)  # core itself knows nothing of Rocketry

_BY_NAME: Final = "a task is looked up by its name: name in session, session[name]"
_ONE_LOG: Final = "session.get_task_log() has the records of all tasks"
_FUNCTION: Final = "the decorated function stays a function: call that, or have it run by task.run()"
_WORK: Final = "the work of a task cannot change: remove the task, and create another one"
_RUN: Final = "use task.run() and task.disabled"
_COUNT: Final = "use task.n_alive and task.execution"
_OPTIONS: Final = "vars(session.config) has the options, dataclasses.replace(session.config) copies them"
_NO_MODEL: Final = "this is not a model of Pydantic: return what you want to show, such as task.status"
_RECORDS: Final = "the scheduler writes all records; a logger of your own is logging.getLogger(...)"
_VALUES: Final = "dict(parameters) has the values; a task's function gets them by their names"
_NO_EFFECT: Final = "the option has no effect; docs/reference/rocketry.md says why"

INSTEAD: Final = {
    "set_logger": 'use logging.getLogger("rocketd.task")',
    "task_exists": _BY_NAME,
    "get_task_loggers": _ONE_LOG,
    "delete_task_loggers": _ONE_LOG,
    "get_cond_parsers": 'use app.cond("text")',
    "_cond_parsers": 'use app.cond("text")',
    "set_as_default": "no session is that of the whole process",
    "scheduler": "ask the session itself: session.shut_down(), session.restart()",
    "time_func": "session.simulate() has a clock of its own, for tests",
    "observe": "use task.why(), or session.simulate() in tests",
    **dict.fromkeys(("func", "func_name", "path", "sys_paths", "command", "code", "shell", "cwd", "argform"), _WORK),
    **dict.fromkeys(("cache", "get_func", "pos_args", "kw_args"), _WORK),
    "get_execution": "use task.execution",
    "lock": "any thread may change tasks",
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
    "force_run": "task.run() requests a run",
    "is_delayed": "path= delays the import of its function",
    "is_runnable": "use task.why().holds",
    "set_cached": "the status is what the records say",
    "start_async": _FUNCTION,
    "run_as_main": _FUNCTION,
    "run_as_thread": _FUNCTION,
    "run_as_process": _FUNCTION,
    "force_termination": "use task.terminate()",
    "period": "task.start_cond has its periods",
    "get_current_time": "use datetime.now().astimezone()",
    "materialize": _VALUES,
    "to_dict": _VALUES,
    "to_json": _VALUES,
    "handle": _RECORDS,
    **{
        f"log_{end}": _RECORDS
        for end in ("running", "success", "failure", "termination", "inaction", "crash", "record")
    },
    "handlers": 'add handlers to logging.getLogger("rocketd.task")',
    "addHandler": 'add handlers to logging.getLogger("rocketd.task")',
    **dict.fromkeys(
        ("cycle_sleep", "force_status_from_logs", "cls_lock", "tasks_as_daemon", "use_instance_naming", "debug"),
        _NO_EFFECT,
    ),
}
"""What to write instead of an attribute or an option of Rocketry."""
_MODEL: Final = frozenset(
    {
        *(
            "dict",
            "json",
            "copy",
            "schema",
            "schema_json",
            "fields",
            "__fields__",
            "parse_obj",
            "construct",
            "validate",
        ),
        *("model_dump", "model_dump_json", "model_copy", "model_fields", "model_validate"),
    }
)
"""What models of Pydantic have: in Rocketry, options and tasks are models."""
_INSTEAD_OF_MODEL: Final = {"Config": _OPTIONS, "Parameters": _VALUES}


def no_attribute(owner: object, name: str) -> NoReturn:
    """Raise AttributeError; the `__getattr__` of what stands for a class of Rocketry."""
    kind = type(owner).__name__
    instead = (
        _INSTEAD_OF_MODEL.get(kind, _NO_MODEL) if name in _MODEL else INSTEAD.get(name) or _of_session(owner, name)
    )
    told = f": {instead}" if instead else ""
    raise AttributeError(f"{kind!r} object has no attribute {name!r}{told}", name=name, obj=owner)


def _of_session(owner: object, name: str) -> str:
    """Return where the session of an application has that name; empty: it has not."""
    session: object = vars(owner).get("session")
    return f"write app.session.{name}" if session is not None and hasattr(session, name) else ""


def no_name(module: str, name: str, instead: Mapping[str, str]) -> NoReturn:
    """Raise ImportError with what to import instead, else AttributeError; the `__getattr__` of a public module.

    For a name in an import statement Python passes on the message of an ImportError only.
    """
    if name in instead:
        raise ImportError(f"cannot import name {name!r} from {module!r}: {instead[name]}", name=module)
    raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
