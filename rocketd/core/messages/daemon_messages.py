"""The messages about the daemon itself, and about what operators did."""

from rocketd.core.duration import approximate_duration, format_duration
from rocketd.core.instant import Duration, Instant
from rocketd.core.instant_text import timestamp
from rocketd.core.messages.message import Message, MessageId, Priority
from rocketd.core.model.run import Run
from rocketd.core.plural import counted


def paused(task: str, by: str, until: str = "", reason: str = "") -> Message:
    """Report that somebody paused a task; `until` is a local time for people, empty for "until resumed"."""
    message = f"{task} was paused by {by} until {until or 'someone resumes it'}{f': {reason}' if reason else ''}"
    return Message(message, Priority.NOTICE, MessageId.PAUSED, {"ROCKETD_TASK": task})


def resumed(task: str, by: str) -> Message:
    """Report that a task may run again."""
    return Message(f"{task} was resumed by {by}", Priority.NOTICE, MessageId.RESUMED, {"ROCKETD_TASK": task})


def stop_requested(run: Run, by: str) -> Message:
    """Report who asked for the end of a run."""
    fields = {"ROCKETD_TASK": run.task, "ROCKETD_RUN_ID": run.run_id}
    return Message(f"{run.task}/{run.number} is being stopped by {by}", Priority.NOTICE, fields=fields)


def renamed(old: str, new: str) -> Message:
    """Report that a task takes over what another name has left."""
    return Message(f"{new} takes over from {old}, its former name", Priority.NOTICE, fields={"ROCKETD_TASK": new})


def not_renamed(old: str, new: str) -> Message:
    """Report that a task takes over nothing, as it has a past."""
    message = f"{new} takes over nothing from {old}, its former name: {new} has run before, or been loaded"
    return Message(message, Priority.NOTICE, fields={"ROCKETD_TASK": new})


def reload_requested(by: str) -> Message:
    """Report who asked for a reload."""
    return Message(f"{by} has the task files read again", Priority.INFO)


def ready(version: str, tasks: int, problems: int) -> Message:
    """Report that the history has been read and tasks are scheduled; `problems` counts all of them."""
    message = f"rocketd {version} is ready: {counted(tasks, 'task')}, {counted(problems, 'problem')}"
    return Message(message, _by_problems(problems), MessageId.READY, _counts(tasks, problems))


def reloaded(tasks: int, problems: int) -> Message:
    """Report that the task files were read again."""
    message = f"reloaded: {counted(tasks, 'task')}, {counted(problems, 'problem')}"
    return Message(message, _by_problems(problems), MessageId.RELOADED, _counts(tasks, problems))


def pruned(records: int, before: str, by: str) -> Message:
    """Report that somebody deleted old records; `before` is a local time for people."""
    return Message(f"{by} deleted {counted(records, 'record')} older than {before}", Priority.NOTICE)


def pruned_by_age(records: int, before: Instant) -> Message:
    """Report that records older than `keep` were deleted, as every hour."""
    message = f"deleted {counted(records, 'record')} older than {timestamp(before)} (keep in [store])"
    return Message(message, Priority.NOTICE)


def reload_failed(traceback: str) -> Message:
    """Report an error that no task file should cause."""
    return Message(f"cannot reload the task files: {traceback}", Priority.ERROR)


def problem(text: str, file: str, *, task: str = "", warning: bool = False) -> Message:
    """Report one problem of a task file, in the words of `rocketctl check`."""
    fields = {"ROCKETD_FILE": file} | ({"ROCKETD_TASK": task} if task else {})
    return Message(text, Priority.WARNING if warning else Priority.ERROR, MessageId.PROBLEM, fields)


def stopping(running: int, grace: Duration | None, left: int = 0) -> Message:
    """Report that rocketd is shutting down, and how long it waits for its runs; `grace` None: until they end.

    `left` is how many go on without it.
    """
    limit = "" if grace is None else f" up to {format_duration(grace)}"
    runs = [f"waiting{limit} for {counted(running, 'run')}"] if running else []
    runs += [f"leaving {counted(left, 'run')} to systemd"] if left else []
    return Message(": ".join(filter(None, ("stopping", "; ".join(runs)))), Priority.INFO, MessageId.STOPPING)


def clock_step(by: Duration, *, while_down: bool = False) -> Message:
    """Report that the wall clock jumped; `by` is negative when it was set back."""
    when = " while rocketd was down" if while_down else ""
    message = f"the clock was set {'back' if by < 0 else 'forward'} by {approximate_duration(abs(by))}{when}"
    return Message(message, Priority.NOTICE, MessageId.CLOCK_STEP, {"ROCKETD_STEP_USEC": str(by)})


def zone_changed(zone: str) -> Message:
    """Report that the host has moved to another time zone, and with it the tasks that use the host's."""
    return Message(
        f"the time zone of the host is now {zone}; the tasks that use it have been armed again", Priority.NOTICE
    )


def calendar_changed(path: str) -> Message:
    """Report that the dates of a calendar have changed: from now on they count."""
    return Message(f"{path} has changed; the tasks that ask it go by it now", Priority.NOTICE)


def far_ahead(task: str) -> Message:
    """Report that records of a task are dated in the future: the clock must have been wrong when they were written."""
    message = f"{task}: its records are dated more than 3 h in the future (wrong clock?); treating them as now"
    return Message(message, Priority.WARNING, MessageId.CLOCK_STEP, {"ROCKETD_TASK": task})


def suspended(for_: Duration) -> Message:
    """Report that the host slept."""
    message = f"the host was suspended for {approximate_duration(for_)}"
    return Message(message, Priority.NOTICE, MessageId.SUSPENDED, {"ROCKETD_SUSPENDED_USEC": str(for_)})


def unobserved(probe: str, problem: str) -> Message:
    """Report, once, that a condition cannot be observed, so that it is unknown."""
    fields = {"ROCKETD_PROBE": probe}
    return Message(f"{probe} is unknown: {problem}", Priority.WARNING, MessageId.UNOBSERVED, fields)


def observed_again(probe: str) -> Message:
    """Report that a condition can be observed again."""
    fields = {"ROCKETD_PROBE": probe}
    return Message(f"{probe} can be observed again", Priority.NOTICE, MessageId.OBSERVED_AGAIN, fields)


def store_degraded(why: str) -> Message:
    """Report that records cannot be written, so no task starts."""
    message = f"cannot write the run log; no task starts until it is writable again: {why}"
    return Message(message, Priority.ERROR, MessageId.STORE_DEGRADED)


def store_spooled(why: str) -> Message:
    """Report that records are kept in the spool, so that tasks start again."""
    message = f"cannot write the run log; tasks keep starting, and their records wait in the spool: {why}"
    return Message(message, Priority.ERROR, MessageId.STORE_SPOOLED)


def store_recovered(after: Duration) -> Message:
    """Report that records are written again."""
    return Message(
        f"the run log is writable again, after {approximate_duration(after)}",
        Priority.NOTICE,
        MessageId.STORE_RECOVERED,
    )


def store_answers() -> Message:
    """Report that the disk or file server under the store answers again."""
    return Message("the store answers again", Priority.NOTICE, MessageId.STORE_RECOVERED)


def damaged(what: str) -> Message:
    """Report that something in the state directory was damaged, removed or replaced."""
    return Message(what, Priority.ERROR, MessageId.DAMAGED)


def shortage(why: str) -> Message:
    """Report, once, that starts fail because the host lacks resources, so that tasks wait."""
    return Message(
        f"the host lacks the resources to start tasks, so due tasks wait: {why}", Priority.ERROR, MessageId.SHORTAGE
    )


def shortage_over() -> Message:
    """Report that tasks start again."""
    return Message("tasks start again: the host has enough resources", Priority.NOTICE, MessageId.SHORTAGE_OVER)


def records_note(note: str) -> Message:
    """Report where run records are written to, or what became of some of them."""
    return Message(note, Priority.NOTICE)


def repository_away(why: str, *, in_memory: bool = False) -> Message:
    """Report that the repository cannot be written; tasks run as before."""
    place = "memory only, and are lost if the program ends first" if in_memory else "the state directory"
    message = f"cannot write the repository; tasks keep running, and their records wait in {place}: {why}"
    return Message(message, Priority.ERROR, MessageId.REPOSITORY_AWAY)


def repository_recovered() -> Message:
    """Report that the repository has all records."""
    return Message("the repository is available again and has all records", Priority.NOTICE, MessageId.REPOSITORY_BACK)


def waits(what: str) -> Message:
    """Report that the daemon waits for something outside that does not answer."""
    return Message(f"waiting: {what}", Priority.WARNING)


def answered(what: str, after: Duration) -> Message:
    """Report that it waits no longer."""
    return Message(f"no longer waiting for {what}, after {approximate_duration(after)}", Priority.NOTICE)


def host_changed(loaded: int, unloaded: int) -> Message:
    """Report that tasks were loaded or unloaded because the host has changed, without a reload."""
    changes = [f"{counted(loaded, 'task')} loaded"] if loaded else []
    changes += [f"{counted(unloaded, 'task')} unloaded"] if unloaded else []
    what = " and ".join(changes) or "the tasks or problems have changed"
    return Message(f"the host has changed: {what}", Priority.NOTICE)


def mail_failed(why: str) -> Message:
    """Report that mail cannot be sent at the moment."""
    return Message(f"cannot send mail: {why}", Priority.ERROR, MessageId.MAIL_FAILED)


def mail_sent_again() -> Message:
    """Report that mail can be sent again."""
    return Message("mail can be sent again", Priority.NOTICE, MessageId.MAIL_SENT_AGAIN)


def lines_left_out(count: int) -> Message:
    """Report that the journal accepted entries too slowly, and how many were dropped."""
    message = f"{counted(count, 'log entry', 'log entries')} dropped here: the journal was too slow"
    return Message(message, Priority.WARNING, MessageId.LINES_LEFT_OUT, {"ROCKETD_COUNT": str(count)})


def _by_problems(problems: int) -> Priority:
    return Priority.WARNING if problems else Priority.INFO


def _counts(tasks: int, problems: int) -> dict[str, str]:
    return {"ROCKETD_TASKS": str(tasks), "ROCKETD_PROBLEMS": str(problems)}
