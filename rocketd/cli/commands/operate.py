"""The verbs that have the daemon do something."""

from collections.abc import Iterable
from typing import Final

from rocketd.cli.backend.backend import is_run, may_be_run_id
from rocketd.cli.backend.http_client import Client, Events
from rocketd.cli.commands.check import from_json
from rocketd.cli.commands.several import TaskAction, for_each
from rocketd.cli.context import Context, time_point
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.json_fields import number, objects, text, the_object
from rocketd.cli.render.details import coloured
from rocketd.cli.render.tables import detail, result, run_name
from rocketd.cli.render.time_format import local
from rocketd.core.plural import counted
from rocketd.daemon.json_format import JsonObject, rfc3339


def run(call: Context) -> ExitCode | int:
    """`rocketctl run TASK…`; with --wait, one after another."""
    return for_each(call, TaskAction("Start", _run))


def _run(call: Context) -> ExitCode | int:
    client = Client(call.choices.socket)
    if call.choices.wait:
        # Subscribed before the start, so that not even the shortest run ends unseen.
        with client.events([("task", call.choices.subject)]) as events:
            return _wait(call, client, events, _start(call, client))
    started = _start(call, client)
    if call.choices.json:
        call.terminal.json(started)
    elif waits := text(started, "waits"):
        call.terminal.write(
            [f"{_run_name(call, started)} has not started yet, and will start as soon as it can: {waits}."]
        )
    else:
        call.terminal.write([f"Started {_run_name(call, started)}."])
    return ExitCode.DONE


def _start(call: Context, client: Client) -> JsonObject:
    request: JsonObject = {"as_scheduled": call.choices.as_scheduled}
    return the_object(client.post(f"/v1/tasks/{call.choices.subject}/run", request))


def _run_name(call: Context, started: JsonObject) -> str:
    return run_name({"task": call.choices.subject, **started})


def _wait(call: Context, client: Client, events: Events, started: JsonObject) -> ExitCode | int:
    try:
        if waits := text(started, "waits"):
            call.terminal.note(f"{_run_name(call, started)} waits: {waits}")
        end = _end_of(call, client, events, text(started, "run_id"))
    except KeyboardInterrupt:
        call.terminal.note(
            f"{_run_name(call, started)} keeps running; stop it with: rocketctl stop {_run_name(call, started)}"
        )
        return ExitCode.INTERRUPTED
    started = the_object({**started, "number": end.get("number")})
    if call.choices.json:
        call.terminal.json(client.get(f"/v1/runs/{text(end, 'run_id')}"))
    elif text(end, "action") != "success" or detail(end):
        call.terminal.note(_ended(call, started, end))
    return _exit_for(call, end)


def _end_of(call: Context, client: Client, events: Iterable[JsonObject], run_id: str) -> JsonObject:
    """Follow the run to its end. If it cannot start, another run follows it; without a run id, follow the next one."""
    reported = ""
    for event in events:
        kind = text(event, "event")
        if kind == "started" and not run_id and text(event, "trigger") in _ASKED_FOR:
            run_id = text(event, "run_id")
        mine = text(event, "run_id") == run_id
        if kind == "output" and mine and not call.choices.json:
            call.terminal.output(text(event, "stream"), text(event, "line"))
        if kind == "finished" and mine:
            return event
        if kind == "withdrawn" and (mine or not run_id):
            run_id = ""
            if reported != text(event, "message"):
                reported = text(event, "message")
                call.terminal.note(f"{run_name(event)} could not start, and will be tried again: {reported}")
        if kind == "lost" and run_id and (end := _end_if_dropped(call, client, event, run_id)):
            return end
    msg = "lost the connection to the daemon while the run was active"
    raise Failure(msg, hint=f"see rocketctl show {run_id} for how it ended")


_ASKED_FOR: Final = frozenset({"hand", "as-scheduled"})


def _end_if_dropped(call: Context, client: Client, lost: JsonObject, run_id: str) -> JsonObject | None:
    """Handle events that were dropped because this terminal was too slow; the end of the run may be among them."""
    count = number(lost, "count") or "some"
    call.terminal.note(
        f"{count} lines or events were dropped because this terminal is too slow; see rocketctl log {run_id}"
    )
    now = the_object(client.get(f"/v1/runs/{run_id}"))
    return None if text(now, "action") == "run" else now


def _ended(call: Context, started: JsonObject, end: JsonObject) -> str:
    why = detail(end)
    return f"{_run_name(call, started)}: {result(end).text}{f' ({why})' if why else ''}"


def _exit_for(call: Context, end: JsonObject) -> ExitCode | int:
    """Return 0 for success, else 1; with --exit-code that of the task, or 128 and the signal as shells do."""
    code, signal = number(end, "exit_code"), number(end, "signal")
    if call.choices.exit_code and code is not None:
        return code
    if call.choices.exit_code and signal is not None:
        return 128 + signal
    return ExitCode.DONE if text(end, "action") == "success" else ExitCode.FAILED


def stop(call: Context) -> ExitCode | int:
    """`rocketctl stop TASK|RUN…`."""
    return for_each(call, TaskAction("Stop", _stop, "running"))


def _stop(call: Context) -> ExitCode:
    client, name = Client(call.choices.socket), call.choices.subject
    if call.choices.wait:
        with client.events() as events:
            stopping = _request_stop(client, name)
            _wait_for_all(client, events, _stopped_runs(stopping))
    else:
        stopping = _request_stop(client, name)
    if call.choices.json:
        call.terminal.json(stopping)
    else:
        what = ", ".join(sorted(_stopped_runs(stopping))) or name
        call.terminal.write([f"{'Stopped' if call.choices.wait else 'Stopping'} {what}."])
    return ExitCode.DONE


def _request_stop(client: Client, name: str) -> JsonObject:
    if is_run(name):
        return the_object(client.post(f"/v1/runs/{name}/stop"))
    try:
        return the_object(client.post(f"/v1/tasks/{name}/stop"))
    except Failure as failure:
        if failure.code is not ExitCode.NOT_FOUND or not may_be_run_id(name):
            raise
    return the_object(client.post(f"/v1/runs/{name}/stop"))


def _stopped_runs(stopping: JsonObject) -> set[str]:
    numbers = stopping.get("stopping")
    return {f"{text(stopping, 'task')}/{one}" for one in numbers} if isinstance(numbers, list) else set()


def _wait_for_all(client: Client, events: Events, awaited: set[str]) -> None:
    for event in events:
        if text(event, "event") in {"finished", "withdrawn"}:
            awaited.discard(run_name(event))
        if text(event, "event") == "lost":
            awaited = {name for name in awaited if _is_active(client, name)}
        if not awaited:
            return
    msg = "the daemon exited before the run ended"
    raise Failure(msg, hint="see rocketctl history")


def _is_active(client: Client, name: str) -> bool:
    return text(the_object(client.get(f"/v1/runs/{name}")), "action") == "run"


def pause(call: Context) -> ExitCode | int:
    """`rocketctl pause TASK…`."""
    return for_each(call, TaskAction("Pause", _pause))


def _pause(call: Context) -> ExitCode:
    choices, request = call.choices, JsonObject()
    until = time_point(choices.until, call.now) if choices.until else None
    if until is not None and until <= call.now:
        msg = f"--until must be in the future; {choices.until!r} means {local(until)}"
        raise UsageError(msg)
    request = {"until": rfc3339(until), "reason": choices.reason}
    answer = Client(choices.socket).post(f"/v1/tasks/{choices.subject}/pause", request)
    return _report(call, the_object(answer), f"Paused {choices.subject}{f' until {local(until)}' if until else ''}.")


def resume(call: Context) -> ExitCode | int:
    """`rocketctl resume TASK…`."""
    return for_each(call, TaskAction("Resume", _resume, "paused"))


def _resume(call: Context) -> ExitCode:
    answer = Client(call.choices.socket).post(f"/v1/tasks/{call.choices.subject}/resume")
    return _report(call, the_object(answer), f"Resumed {call.choices.subject}.")


def _report(call: Context, answer: JsonObject, sentence: str) -> ExitCode:
    if call.choices.json:
        call.terminal.json(answer)
    else:
        call.terminal.write([sentence])
    return ExitCode.DONE


def reload(call: Context) -> ExitCode:
    """`rocketctl reload`; errors in task files make it fail, although everything that is good has been loaded."""
    answer = the_object(Client(call.choices.socket).post("/v1/reload"))
    problems = from_json(objects(answer.get("problems")))
    if call.choices.json:
        call.terminal.json(answer)
    else:
        tasks, disabled = number(answer, "tasks") or 0, number(answer, "disabled")
        loaded = f"{counted(tasks, 'task')} loaded{f', {disabled} disabled' if disabled else ''}"
        text_of_all = "\n".join([*map(str, problems), loaded])
        call.terminal.show(coloured(text_of_all, problems, call.look).split("\n"))
    return ExitCode.FAILED if any(problem.severity == "error" for problem in problems) else ExitCode.DONE
