"""The shapes of runs and of what they print."""

from typing import Final

from rocketd.core.model.run import Action, Cause, Trigger
from rocketd.web.shapes.shape import NEXT, Key, Kind, Shape, event, instant, integer, many, seconds, text

_ACTIONS: Final = tuple(map(str, Action))
_CAUSES: Final = tuple(map(str, Cause))
_TRIGGERS: Final = tuple(map(str, Trigger))

_START: Final = (
    text("task", "the name of its task"),
    text("run_id", "its id, a UUID"),
    integer("number", "its number; 0 for an interval of misses"),
    integer("attempt", "1, or more if it is a retry"),
    instant("due", "from when its condition held", null=True),
    instant("start", "when it was decided", null=True),
    text("trigger", "why it was started", words=_TRIGGERS),
    text("reason", "the same as a sentence"),
    text("cause_task", "the task whose run made it due", null=True),
    text("cause_run_id", "that run", null=True),
)
_END: Final = (
    instant("end", "when it ended"),
    seconds("runtime", "from the start of its process to its end, or until now", null=True),
    seconds(
        "cpu_time",
        "what it has used, as the next three keys; null where [unknown](usage.md)",
        null=True,
    ),
    integer("memory_peak", "bytes", null=True),
    integer("io_read", "bytes", null=True),
    integer("io_written", "bytes", null=True),
    text(
        "cause",
        "how it ended: `exit` `timeout` `stop_when` `operator` `replace` `shutdown` `down`; why it never began: "
        "`shortage` `store`, or one of the others",
        null=True,
        words=_CAUSES,
    ),
    integer("exit_code", "its exit code", null=True),
    integer("signal", "the signal that ended it", null=True),
    text("message", "what went wrong or is missing, as a sentence; often empty"),
    text("exc_text", "the traceback of a function; null if the client may not see it", null=True),
    text(
        "output",
        "the end of its output; in the answer about a single run also while it is active; null if the client may not "
        "see it",
        null=True,
    ),
)
_ACTION: Final = text(
    "action",
    "`run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never "
    "began; `missed` for scheduled runs that did not happen",
    words=_ACTIONS,
)

RUN_SHAPES: Final = (
    Shape(
        "Run",
        (
            *_START,
            _ACTION,
            *_END,
            text("host", "where it ran", null=True),
            text("boot_id", "in which boot", null=True),
            integer("pid", "its process", null=True),
            integer("pid_start", "field 22 of `/proc/PID/stat`", null=True),
        ),
    ),
    Shape("Active run", (*_START, instant("begun", "when it got its process; null if it has none yet"))),
    Shape("Log page", (many("runs", "Run", "up to 250, oldest first"), NEXT._replace(kind=Kind.INTEGER))),
    Shape(
        "Timeline row",
        (
            text("task", "its name; a task of one part may come again in the next"),
            Key(
                "runs",
                Kind.BAR,
                "`[number, start, end, action]` of each; `end` is null while it is active",
                array=True,
            ),
            Key("missed", Kind.INSTANT, "when each interval of misses began", array=True),
        ),
    ),
    Shape("Timeline", (many("rows", "Timeline row", "a row per task"), NEXT)),
    Shape(
        "Planned start",
        (text("task"), instant("at", "when it is expected to start", null=False), text("reason", "why, a sentence")),
    ),
    Shape(
        "Plan",
        (
            many("starts", "Planned start", "in order of time"),
            NEXT,
            Key(
                "complete",
                Kind.FLAG,
                "whether all starts until then are known: the search ends after 20,000 starts, or 5 seconds",
            ),
        ),
    ),
    Shape(
        "Stretch",
        (
            instant("at", "its beginning", null=False),
            *(
                integer(str(action), "how many runs ended so")
                for action in (Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION)
            ),
            integer("missed", "how many chances were missed"),
            seconds("seconds", "how long its runs took, all together"),
        ),
    ),
    Shape(
        "Statistics",
        (
            seconds("step", "the length of a stretch, longer than asked for if there were more than 1000"),
            many("buckets", "Stretch", "those in which something ended"),
        ),
    ),
    Shape(
        "Started run",
        (
            text("task"),
            text("run_id", "the run; null if it has not started", null=True),
            integer("number", "its number; null if it has not started", null=True),
            text("waits", "what the start waits for; null if it has started", null=True),
        ),
    ),
    Shape("Stopping runs", (text("task"), Key("stopping", Kind.INTEGER, "the numbers of the runs", array=True))),
    event("started", "a run was decided and is recorded", *_START, _ACTION),
    event("spawned", "it got its process", *_START, _ACTION, integer("pid", "its process")),
    event("finished", "it ended", *_START, _ACTION, *_END),
    event(
        "withdrawn",
        "it never began, and its task is still due",
        *_START,
        _ACTION,
        instant("end", null=False),
        text("cause", words=_CAUSES),
        text("message", "why it never began"),
    ),
    event(
        "missed",
        "chances passed, and nothing will run for them",
        text("task"),
        text("run_id"),
        instant("at", "when this was noticed"),
        instant("first", "the first chance that was missed"),
        instant("last", "the last one"),
        integer("count", "how many"),
        text("reason", "why"),
    ),
    event(
        "output",
        "a run printed a line",
        text("task"),
        text("run_id"),
        integer("number"),
        text("stream", "`stdout`, or `stderr` for tasks with `separate_stderr`", words=("stdout", "stderr")),
        text("line", "the line"),
        numbered=False,
    ),
    event(
        "lost",
        "events were dropped here, because this client was too slow; up to about 16 MiB of output can wait for it",
        integer("count", "how many; null if that is not known", null=True),
        numbered=False,
    ),
    event("alive", "sent after 30 seconds without an event", instant("at", "the time", null=False)),
    Shape(
        "Output line",
        (
            text("event", "`output`", words=("output",)),
            text(
                "stream",
                "`stdout` or `stderr`; null for what was printed before the request",
                null=True,
                words=("stdout", "stderr"),
            ),
            text("line", "the line"),
            integer("n", "its number in this answer"),
        ),
    ),
    Shape("Output end", (text("event", "`end`", words=("end",)), _ACTION)),
)
"""The shapes, in the order of the manual."""
