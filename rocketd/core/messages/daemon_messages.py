"""What the journal is told about the daemon itself, and about what operators did."""

from rocketd.core.duration import format_duration
from rocketd.core.instant import Duration, Instant, datetime_of
from rocketd.core.messages.message import Message, MessageId, Priority
from rocketd.core.plural import counted


def paused(task: str, by: str, until: str = "", reason: str = "") -> Message:
    """Tell that somebody paused a task; `until` is a local time for people, empty for "until resumed"."""
    message = f"{task} paused by {by} until {until or 'resumed'}{f': {reason}' if reason else ''}"
    return Message(message, Priority.NOTICE, MessageId.PAUSED, {"ROCKETD_TASK": task})


def resumed(task: str, by: str) -> Message:
    """Tell that a task may run again."""
    return Message(f"{task} resumed by {by}", Priority.NOTICE, MessageId.RESUMED, {"ROCKETD_TASK": task})


def ready(version: str, tasks: int, problems: int) -> Message:
    """Tell that the past is known and the schedule goes on; `problems` are those of task files and all others."""
    message = f"rocketd {version} is ready: {counted(tasks, 'task')}, {counted(problems, 'problem')}"
    return Message(message, _by_problems(problems), MessageId.READY, _counts(tasks, problems))


def reloaded(tasks: int, problems: int) -> Message:
    """Tell that the task files were read again."""
    message = f"reloaded: {counted(tasks, 'task')}, {counted(problems, 'problem')}"
    return Message(message, _by_problems(problems), MessageId.RELOADED, _counts(tasks, problems))


def pruned(records: int, before: str, by: str) -> Message:
    """Tell that somebody had old records thrown away; `before` is a local time for people."""
    return Message(f"{counted(records, 'record')} from before {before} thrown away by {by}", Priority.NOTICE)


def pruned_by_age(records: int, before: Instant) -> Message:
    """Tell that old records were thrown away as `keep` says, nobody having asked for it."""
    shown = datetime_of(before).isoformat(sep=" ", timespec="seconds")
    return Message(f"{counted(records, 'record')} from before {shown} thrown away: older than keep", Priority.NOTICE)


def reload_failed(told: str) -> Message:
    """Tell, with its traceback, of an error that no task file should cause."""
    return Message(f"the task files could not be read again: {told}", Priority.ERROR)


def problem(text: str, file: str, *, task: str = "", warning: bool = False) -> Message:
    """Tell one problem of a task file, in the words of `rocketctl check`."""
    fields = {"ROCKETD_FILE": file} | ({"ROCKETD_TASK": task} if task else {})
    return Message(text, Priority.WARNING if warning else Priority.ERROR, MessageId.PROBLEM, fields)


def stopping(running: int, grace: Duration | None) -> Message:
    """Tell that nothing new starts any more."""
    end = "go on to the end" if grace is None else f"take {format_duration(grace)} to end"
    drain = f": {counted(running, 'run')} may {end}" if running else ""
    return Message(f"stopping{drain}", Priority.INFO, MessageId.STOPPING)


def clock_step(by: Duration, *, while_down: bool = False) -> Message:
    """Tell that the wall clock jumped; `by` is negative when it was set back."""
    when = " while rocketd was down" if while_down else ""
    message = f"the clock was set {'back' if by < 0 else 'forward'} by {format_duration(abs(by))}{when}"
    return Message(message, Priority.NOTICE, MessageId.CLOCK_STEP, {"ROCKETD_STEP_USEC": str(by)})


def zone_changed(zone: str) -> Message:
    """Tell that the host is in another time zone now, and with it the tasks that go by the host's."""
    return Message(f"the time zone of the host is {zone} now; tasks that go by it are armed anew", Priority.NOTICE)


def far_ahead(task: str) -> Message:
    """Tell that records of a task lie in the future, so that the clock must have been wrong when they were written."""
    message = f"{task}: what is recorded of it lies more than three hours in the future, and counts as past for now"
    return Message(message, Priority.WARNING, MessageId.CLOCK_STEP, {"ROCKETD_TASK": task})


def suspended(for_: Duration) -> Message:
    """Tell that the host slept."""
    message = f"the host was suspended for {format_duration(for_)}"
    return Message(message, Priority.NOTICE, MessageId.SUSPENDED, {"ROCKETD_SUSPENDED_USEC": str(for_)})


def unobserved(probe: str, problem: str) -> Message:
    """Tell that a condition cannot be observed, so that it is unknown; once, until it can be."""
    fields = {"ROCKETD_PROBE": probe}
    return Message(f"{probe} is unknown: {problem}", Priority.WARNING, MessageId.UNOBSERVED, fields)


def observed_again(probe: str) -> Message:
    """Tell that it can."""
    fields = {"ROCKETD_PROBE": probe}
    return Message(f"{probe} is observed again", Priority.NOTICE, MessageId.OBSERVED_AGAIN, fields)


def store_degraded(why: str) -> Message:
    """Tell that records cannot be written, so nothing starts."""
    message = f"the store cannot be written, so no task starts until it can: {why}"
    return Message(message, Priority.ERROR, MessageId.STORE_DEGRADED)


def store_spooled(why: str) -> Message:
    """Tell that records are kept beside the store, so that tasks go on."""
    message = f"tasks go on, and their records wait in the state directory until the store can be written: {why}"
    return Message(message, Priority.ERROR, MessageId.STORE_SPOOLED)


def store_recovered(after: Duration) -> Message:
    """Tell that records are written again."""
    return Message(
        f"the store can be written again, after {format_duration(after)}", Priority.NOTICE, MessageId.STORE_RECOVERED
    )


def damaged(what: str) -> Message:
    """Tell that something that is kept was damaged, removed or replaced."""
    return Message(what, Priority.ERROR, MessageId.DAMAGED)


def shortage(why: str) -> Message:
    """Tell that starts fail for want of what the host must give, so that tasks wait; once, until that is over."""
    return Message(f"the host is short of what a start takes, so tasks wait: {why}", Priority.ERROR, MessageId.SHORTAGE)


def shortage_over() -> Message:
    """Tell that tasks start again."""
    return Message("tasks start again: the host has what that takes", Priority.NOTICE, MessageId.SHORTAGE_OVER)


def records_go(note: str) -> Message:
    """Tell where run records go, or what became of some of them."""
    return Message(note, Priority.NOTICE)


def repository_away(why: str) -> Message:
    """Tell that records wait in the state directory; tasks run as ever."""
    message = f"tasks go on, and their records wait in the state directory until the repository is back: {why}"
    return Message(message, Priority.ERROR, MessageId.REPOSITORY_AWAY)


def repository_recovered() -> Message:
    """Tell that the repository has all records."""
    return Message("the run log's repository is back, and has all records", Priority.NOTICE, MessageId.REPOSITORY_BACK)


def waits(what: str) -> Message:
    """Tell that the daemon waits for something outside of it that does not answer."""
    return Message(f"waiting: {what}", Priority.WARNING)


def answered(what: str, after: Duration) -> Message:
    """Tell that it waits no longer."""
    return Message(f"no longer waiting for {what}, after {format_duration(after)}", Priority.NOTICE)


def host_changed(come: int, gone: int) -> Message:
    """Tell that the tasks are others because the host has changed, without anybody's reload."""
    changes = [f"{counted(come, 'task')} loaded"] if come else []
    changes += [f"{counted(gone, 'task')} no longer"] if gone else []
    what = " and ".join(changes) or "tasks or problems are others now"
    return Message(f"the host has changed: {what}", Priority.NOTICE)


def mail_failed(why: str) -> Message:
    """Tell that mail cannot be sent at the moment."""
    return Message(f"mail cannot be sent: {why}", Priority.ERROR, MessageId.MAIL_FAILED)


def mail_sent_again() -> Message:
    """Tell that mail is sent again."""
    return Message("mail is sent again", Priority.NOTICE, MessageId.MAIL_SENT_AGAIN)


def lines_left_out(count: int) -> Message:
    """Tell that the journal took entries too slowly, and how many it will never get."""
    message = f"{counted(count, 'entry', 'entries')} left out here, because the journal did not take them in time"
    return Message(message, Priority.WARNING, MessageId.LINES_LEFT_OUT, {"ROCKETD_COUNT": str(count)})


def _by_problems(problems: int) -> Priority:
    return Priority.WARNING if problems else Priority.INFO


def _counts(tasks: int, problems: int) -> dict[str, str]:
    return {"ROCKETD_TASKS": str(tasks), "ROCKETD_PROBLEMS": str(problems)}
