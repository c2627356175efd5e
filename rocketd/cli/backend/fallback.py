"""Who answers the reading verbs: the daemon, or files and store where none runs."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from rocketd.cli.backend.backend import Backend, DaemonBackend, is_run
from rocketd.cli.backend.http_client import Client
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import text
from rocketd.cli.parser import Choices
from rocketd.cli.render.not_loaded import unread
from rocketd.core.errors import RocketdError
from rocketd.core.suggestion import did_you_mean
from rocketd.daemon.json_format import JsonObject

T = TypeVar("T")


def asked(
    choices: Choices,
    question: Callable[[Backend], T],
    *,
    note: Callable[[str], None] = lambda _: None,
    brief: bool = False,
) -> T:
    """Put a question to the daemon, or to files and store where none runs.

    Before that returns or raises, `note` hears what is wrong with these, and, unless `brief`, that there is no daemon.
    """
    try:
        return question(DaemonBackend(Client(choices.socket)))
    except Failure as failure:
        if failure.code is not ExitCode.NO_DAEMON:
            raise
    from rocketd.cli.backend.offline import OfflineBackend  # noqa: PLC0415 - files and store cost ten times the rest

    files = OfflineBackend(choices)
    try:
        return question(files)
    finally:
        for line in (*[files.origin] * (not brief), *files.warnings):
            note(line)


def to_the_end(parts: Iterator[T]) -> Iterator[T]:
    """Go through an answer that comes in parts, the first of which has come; raises Failure if there is no end."""
    try:
        yield from parts
    except Failure as failure:
        if failure.code is not ExitCode.NO_DAEMON:
            raise
        msg = "the daemon closed the connection too early"
        raise Failure(msg, hint="the output above is incomplete; try again") from None


def with_suggestion(failure: Failure, choices: Choices) -> Failure:
    """Add what was probably meant, if what failed is that there is no such task."""
    if failure.code is not ExitCode.NOT_FOUND or failure.hint or not choices.subject or is_run(choices.subject):
        return failure
    try:
        names, files = asked(choices, _names_and_files)
    except RocketdError:
        return failure  # what went wrong first is what counts
    if choices.subject in names:
        return failure  # it is there; what is missing is something about it
    hint = did_you_mean(choices.subject, names) or unread(files) or "see rocketctl list"
    return Failure(failure.message, hint=hint, code=failure.code)


def _names_and_files(source: Backend) -> tuple[list[str], JsonObject]:
    names = [text(task, "task") for task in source.tasks()]
    return names, source.files()
