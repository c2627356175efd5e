"""rocketd: a task scheduler for Linux hosts that decides by conditions instead of fixed times.

These names are the public API, with those of `args`, `conds`, `exc`, `log` and `repos`; all other modules may change.
"""

import sys

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
    if name not in __all__:
        from rocketd.app.left_out_imports import no_name_in  # noqa: PLC0415 - see above

        no_name_in(__name__, name)
    from rocketd.app import application, config, session, task  # noqa: PLC0415 - see above

    library: dict[str, type] = {
        "Config": config.Config,
        "Grouper": application.Grouper,
        "Rocketd": application.Rocketd,
        "Session": session.Session,
        "Task": task.Task,
    }
    return library[name]


class _UnknownFinder:
    """Asked last, about modules that no other finder knows."""

    @staticmethod
    def find_spec(fullname: str, path: object, target: object = None) -> None:  # noqa: ARG004 - a finder's signature
        if fullname.startswith("rocketd."):
            from rocketd.app.left_out_imports import refuse_import  # noqa: PLC0415 - only for what is not there

            refuse_import(fullname)


sys.meta_path.append(_UnknownFinder)
