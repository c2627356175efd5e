"""Errors of a request, and the HTTP status of each error of the daemon."""

from typing import Final

from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.model.events import NoSuchRun, NoSuchTask, Refusal


class BadRequest(RocketdError):
    """A request that is not valid."""


class NotAllowed(RocketdError):
    """The client may not do this."""


class NoSuchPath(RocketdError):
    """No route has this path."""


class WrongMethod(RocketdError):
    """The path exists, but not for this method."""


_STATUSES: Final[tuple[tuple[type[RocketdError], int], ...]] = (
    (BadRequest, 400),
    (NotAllowed, 403),
    (NoSuchPath, 404),
    (NoSuchTask, 404),
    (NoSuchRun, 404),
    (WrongMethod, 405),
    (Refusal, 409),
    (StoreError, 503),
)


def status_of(error: RocketdError) -> int:
    """Return the HTTP status of an error (RFC 9110)."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
