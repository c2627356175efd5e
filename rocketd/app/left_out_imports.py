"""Modules and names of Rocketry that rocketd has not: whoever imports one is told what to write instead."""

from typing import Final, NoReturn

_CREATE: Final = "use app.task() or session.create_task()"
_COND: Final = "write @app.cond() above a function"
_WORDS: Final = "use the words of rocketd.conds, and app.cond() for conditions of your own"
_TIMES: Final = "use the words of rocketd.conds, such as time_of_day"
_PARAMETERS: Final = "use app.params() and app.param()"
_SESSION: Final = "ask the session itself: session.shut_down(), session.restart()"
_HOOKS: Final = "hooks are those of a session, such as session.hook_startup()"
_LOG: Final = "task.logger has the records of a task"
_SIMULATE: Final = "session.simulate() has a clock of its own, for tests"

_MODULES: Final = {
    "rocketd.tasks": _CREATE,
    "rocketd.conditions": _WORDS,
    "rocketd.time": _TIMES,
    "rocketd.parse": "use rocketd.conds.parse()",
    "rocketd.parameters": _PARAMETERS,
    "rocketd.session": "from rocketd import Session, Config",
    "rocketd.application": "from rocketd import Rocketd, Grouper",
    "rocketd.testing": _SIMULATE,
    "rocketd.core.task": "from rocketd import Task",
    "rocketd.core.condition": _COND,
    "rocketd.core.parameters": _PARAMETERS,
    "rocketd.core.arguments": "from rocketd.args import BaseArgument",
    "rocketd.core.time": _TIMES,
    "rocketd.core.schedule": _SESSION,
    "rocketd.core.hook": _HOOKS,
    "rocketd.core.log": _LOG,
}
_NAMES: Final = {
    "rocketd.Rocketry": "from rocketd import Rocketd",
    **dict.fromkeys(("rocketd.FuncTask", "rocketd.CommandTask", "rocketd.CodeTask"), _CREATE),
    "rocketd.core.Task": "from rocketd import Task",
    "rocketd.core.Scheduler": _SESSION,
    "rocketd.core.BaseCondition": _COND,
    "rocketd.core.BaseArgument": "from rocketd.args import BaseArgument",
    "rocketd.core.Parameters": _PARAMETERS,
    "rocketd.core.TimePeriod": _TIMES,
}


def refuse_import(fullname: str) -> None:
    """Raise ImportError for a module, or a name of a package, that Rocketry has and rocketd has not.

    For a name in an import statement Python looks for a module of that name last.
    """
    if fullname in _MODULES:
        # Without its name: `from rocketd import session` would take that for an answer, and not pass the message on.
        raise ModuleNotFoundError(f"there is no module {fullname}: {_MODULES[fullname]}")
    if fullname in _NAMES:
        package, _, name = fullname.rpartition(".")
        raise ImportError(f"cannot import name {name!r} from {package!r}: {_NAMES[fullname]}", name=package)


def no_name_in(package: str, name: str) -> NoReturn:
    """Raise AttributeError; the `__getattr__` of a package."""
    instead = _NAMES.get(f"{package}.{name}") or _MODULES.get(f"{package}.{name}")
    told = f": {instead}" if instead else ""
    raise AttributeError(f"module {package!r} has no attribute {name!r}{told}", name=name)
