"""`rocketctl prune`: old records go when somebody wants them to."""

from rocketd.cli.call import Call, time_point
from rocketd.cli.client import Client
from rocketd.cli.exits import Exit, Failure
from rocketd.cli.fields import instant, number, the_object
from rocketd.cli.times import local
from rocketd.core.instant import Instant
from rocketd.daemon.json_format import JsonObject, rfc3339


def prune(call: Call) -> Exit:
    """`rocketctl prune`."""
    before = time_point(call.choices.before, call.now) if call.choices.before else None
    told = _told(call, before)
    if call.choices.json:
        call.terminal.json(told)
    else:
        call.terminal.write([_sentence(told)])
    return Exit.DONE


def _told(call: Call, before: Instant | None) -> JsonObject:
    """Have the daemon do it, or do it where none runs."""
    asked: JsonObject = {"before": rfc3339(before), "dry_run": call.choices.dry_run}
    try:
        return the_object(Client(call.choices.socket).post("/v1/prune", asked, patience=None))
    except Failure as failure:
        if failure.code is not Exit.NO_DAEMON:
            raise
    from rocketd.cli.offline import Files  # noqa: PLC0415 - files and store cost ten times the rest

    return Files(call.choices).prune(before, dry_run=call.choices.dry_run)


def _sentence(told: JsonObject) -> str:
    records, before = number(told, "records") or 0, local(instant(told, "before"))
    if not records:
        return f"Nothing is left to throw away from before {before}."
    what = f"{records} record{'s' * (records != 1)} from before {before}"
    if told.get("dry_run"):
        return f"{what} would go."
    return f"{what} {'are' if records != 1 else 'is'} gone."
