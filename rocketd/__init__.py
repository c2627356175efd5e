"""rocketd: a task scheduler for Linux hosts that decides by conditions instead of fixed times.

These names are the public API, with those of `args`, `conds`, `exc`, `log` and `repos`; all other modules may change.
"""

TYPE_CHECKING = False  # a type checker takes it for typing's, whose import every start of Python would pay for
if TYPE_CHECKING:
    from rocketd.app.application import Grouper, Rocketd
    from rocketd.app.config import Config
    from rocketd.app.session import Session
    from rocketd.app.task import Task

__version__ = "0.1.0"
__all__ = ["Config", "Grouper", "Rocketd", "Session", "Task", "__version__"]


def __getattr__(name: str) -> type:
    """Import the library when it is first named: the daemon and rocketctl have no use for it."""
    if name in ("FuncTask", "CommandTask", "CodeTask"):
        raise ImportError(f"rocketd has no {name}: use app.task() or session.create_task()")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rocketd.app import application, config, session, task  # noqa: PLC0415 - see above

    library: dict[str, type] = {
        "Config": config.Config,
        "Grouper": application.Grouper,
        "Rocketd": application.Rocketd,
        "Session": session.Session,
        "Task": task.Task,
    }
    return library[name]
