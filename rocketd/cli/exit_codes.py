"""The exit codes of `rocketctl`, which never change."""

from collections.abc import Sequence
from enum import IntEnum

from rocketd.core.errors import RocketdError


class ExitCode(IntEnum):
    """Exit codes of `rocketctl`."""

    DONE = 0
    FAILED = 1
    """It failed, or `check` found problems."""
    USAGE = 2
    NO_DAEMON = 3
    NOT_FOUND = 4
    """No such task or run."""
    NOT_ALLOWED = 5
    INTERRUPTED = 130
    """As in shells: 128 and SIGINT."""


class Failure(RocketdError):
    """Why a verb failed, and the exit code for it."""

    def __init__(
        self, message: str, *, hint: str = "", code: ExitCode = ExitCode.FAILED, quoted: Sequence[str] = ()
    ) -> None:
        """`quoted`: lines that show the place of the mistake, ready for a terminal."""
        super().__init__(message, hint=hint)
        self.code = code
        self.quoted = quoted


class UsageError(Failure):
    """The command line cannot be understood."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, code=ExitCode.USAGE)
