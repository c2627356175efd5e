"""rocketd: a task scheduler for Linux hosts that decides by conditions instead of fixed times."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocketd.app.application import Grouper, Rocketd
    from rocketd.app.session import Session

__version__ = "0.1.0"
__all__ = ["Grouper", "Rocketd", "Session", "__version__"]


def __getattr__(name: str) -> type:
    """Import the library when it is first named: the daemon and rocketctl have no use for it."""
    if name in ("Grouper", "Rocketd"):
        from rocketd.app import application  # noqa: PLC0415 - see above

        return application.Rocketd if name == "Rocketd" else application.Grouper
    if name == "Session":
        from rocketd.app.session import Session  # noqa: PLC0415 - see above

        return Session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
