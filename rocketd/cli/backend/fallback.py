"""Chooses the backend of the reading verbs: the daemon, or the files and the store if none runs."""

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


def ask_backend(
    choices: Choices,
    question: Callable[[Backend], T],
    *,
    note: Callable[[str], None] = lambda _: None,
    brief: bool = False,
) -> T:
    """Ask the daemon, or the files and the store if none runs.

    Before it returns or raises, `note` gets the problems of these, and, unless `brief`, that there is no daemon.
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


def remaining_parts(parts: Iterator[T]) -> Iterator[T]:
    """Yield the parts of an answer, the first of which has arrived; raises Failure if it is incomplete."""
    try:
        yield from parts
    except Failure as failure:
        if failure.code is not ExitCode.NO_DAEMON:
            raise
        msg = "the daemon closed the connection too early"
        raise Failure(msg, hint="the output above is incomplete; try again") from None


def with_suggestion(failure: Failure, choices: Choices) -> Failure:
    """Add a suggestion if the failure is that there is no such task."""
    if failure.code is not ExitCode.NOT_FOUND or failure.hint or not choices.subject or is_run(choices.subject):
        return failure
    try:
        names, files = ask_backend(choices, _names_and_files)
    except RocketdError:
        return failure  # the first failure counts
    if choices.subject in names:
        return failure  # the task exists; something about it is missing
    hint = did_you_mean(choices.subject, names) or unread(files) or "see rocketctl list"
    return Failure(failure.message, hint=hint, code=failure.code)


def _names_and_files(source: Backend) -> tuple[list[str], JsonObject]:
    names = [text(task, "task") for task in source.tasks()]
    return names, source.files()
