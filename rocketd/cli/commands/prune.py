"""`rocketctl prune`: deletes old records on request."""

from rocketd.cli.backend.http_client import Client
from rocketd.cli.context import Context, time_point
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.json_fields import instant, number, the_object
from rocketd.cli.render.time_format import local
from rocketd.core.instant import Instant
from rocketd.core.plural import counted
from rocketd.daemon.json_format import JsonObject, rfc3339


def prune(call: Context) -> ExitCode:
    """`rocketctl prune`."""
    before = time_point(call.choices.before, call.now) if call.choices.before else None
    answer = _prune(call, before)
    if call.choices.json:
        call.terminal.json(answer)
    else:
        call.terminal.write([_sentence(answer)])
    return ExitCode.DONE


def _prune(call: Context, before: Instant | None) -> JsonObject:
    """Have the daemon delete them, or delete them here if none runs."""
    request: JsonObject = {"before": rfc3339(before), "dry_run": call.choices.dry_run}
    try:
        return the_object(Client(call.choices.socket).post("/v1/prune", request, timeout=None))
    except Failure as failure:
        if failure.code is not ExitCode.NO_DAEMON:
            raise
    from rocketd.cli.backend.offline import OfflineBackend  # noqa: PLC0415 - files and store cost ten times the rest

    return OfflineBackend(call.choices).prune(before, dry_run=call.choices.dry_run)


def _sentence(answer: JsonObject) -> str:
    records, before = number(answer, "records") or 0, local(instant(answer, "before"))
    if not records:
        return f"Nothing to delete before {before}."
    what = f"{counted(records, 'record')} older than {before}"
    if answer.get("dry_run"):
        return f"Would delete {what}."
    return f"Deleted {what}."
