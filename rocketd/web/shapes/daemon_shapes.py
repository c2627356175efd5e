"""The shapes of what the daemon says of itself, of its task files, and of other hosts."""

from typing import Final

from rocketd.web.shapes.shape import (
    NEXT,
    Key,
    Kind,
    Shape,
    event,
    flag,
    instant,
    integer,
    many,
    one,
    seconds,
    text,
    texts,
)

DAEMON_SHAPES: Final = (
    Shape(
        "Status",
        (
            text("version", "the daemon's version"),
            integer("pid", "its PID"),
            instant("since", "when it was started", null=False),
            text("store", "the place of the records"),
            text("timezone", "the name of the host's time zone; `localtime` if it has none"),
            integer("tasks", "how many tasks are loaded"),
            integer("disabled", "how many are disabled"),
            integer("running", "how many runs are active"),
            integer("problems", "how many problems the task files have"),
            one("file_problems", "File problems", "the same, by their effect"),
            many("not_loaded", "Not loaded", "files of which something is missing"),
            texts("directories", "where task files are read"),
            text("degraded", "what does not work at the moment; null if everything works", null=True),
            flag("stopping", "whether the daemon is shutting down and starts nothing new"),
            text("fleet", "the name of its fleet; null if it is in none", null=True),
        ),
    ),
    Shape(
        "File problems",
        (
            integer("files", "files of which nothing is loaded"),
            integer("missing", "their tasks"),
            integer("kept", "files whose last good tasks stay"),
            integer("tasks", "single tasks that are not loaded"),
            integer("errors", "other errors"),
            integer("warnings", "warnings"),
        ),
    ),
    Shape(
        "Not loaded",
        (
            text("file", "its path"),
            text(
                "outcome",
                "`bad`: nothing of it is loaded; `kept`: its last good tasks stay; `loaded`: only these tasks are "
                "missing, and the file is listed once per problem",
                words=("bad", "kept", "loaded"),
            ),
            texts("tasks", "the names of the tasks that are missing, as far as they are known"),
            integer("line", "the line of the first error"),
            text("problem", "the first error"),
        ),
    ),
    event("status", "what does not work has changed, or the daemon stops", extends="Status"),
    Shape(
        "Reload",
        (
            integer("tasks", "how many tasks are loaded"),
            integer("disabled", "how many are disabled"),
            many("problems", "Problem", "as in `rocketctl check --json`"),
        ),
    ),
    Shape(
        "Problem",
        (
            text("file", "its path"),
            integer("line", "where it is; 0 if that is the file as a whole"),
            integer("column"),
            text("task", "which task it is about; empty if none"),
            text("severity", words=("error", "warning")),
            text("message", "what is wrong, a sentence"),
            text("hint", "what to do; may be empty"),
            text("source_line", "the line as it is written"),
            integer("width", "how many characters of it are meant"),
            integer("source_column", "from which one on"),
        ),
    ),
    Shape(
        "Pruned records",
        (
            integer("records", "how many were deleted"),
            instant("before", "they were older than this", null=False),
            flag("dry_run", "whether they were only counted"),
        ),
    ),
    Shape(
        "Fleet",
        (
            text("fleet", "its name"),
            text("host", "the name of this host"),
            many("hosts", "Host", "its hosts"),
        ),
    ),
    Shape("Drained host", (text("host", "this host"), flag("drained", "whether it is to own no tasks"))),
    Shape(
        "Moved tasks",
        (text("host", "the host that is to own them"), texts("tasks", "the task, and those that have its mutex")),
    ),
    Shape("Lost host", (text("host", "its name"), texts("runs", "its runs that count as lost now: `report/17`"))),
    Shape(
        "Host",
        (
            text("host", "its name"),
            text(
                "state",
                "`alive`; `silent`: its lease has run out; `lost`: `lost_after` as well; `stopped`: it has said so",
                words=("alive", "silent", "lost", "stopped"),
            ),
            seconds("lease_left", "when its lease runs out, negative if it has"),
            instant("seen", "its last sign of life"),
            seconds("silent_for", "since when it is silent"),
            seconds("lost_after", "after which time it is lost"),
            instant("joined", "when it joined last"),
            seconds("clock_offset", "how far its clock is ahead of that of the database", null=True),
            text("version", "its rocketd"),
            texts("tags", "the tags of its `[fleet]`"),
            integer("tasks", "how many tasks it has"),
            integer("running", "how many runs are active"),
            integer("waiting", "how many records it had not sent"),
            integer("owned", 'tasks with `run_on = "one"` that it owns'),
            texts("differs", "its tasks that are not as on most other hosts"),
            text("obstacle", "why it owns no tasks, `drained` if somebody has said so; empty if it may"),
            text("state_id", "the id of its state directory"),
        ),
    ),
    Shape(
        "Fleet task",
        (
            text("host", "whose it is; what is said of the task is as that host's version of rocketd says it"),
            flag("alive", "whether that host is alive"),
            text(
                "owner",
                'which host owns it, or did so last; null without `run_on = "one"`, and if it was handed back',
                null=True,
            ),
        ),
        extends="Task",
        partial=True,
    ),
    Shape(
        "Fleet counts",
        tuple(
            integer(state, meaning)
            for state, meaning in {
                "running": "tasks that were running when their host was heard of last",
                "failed": "tasks whose last telling end was a failure",
                "late": "tasks that are overdue",
                "missed": "tasks whose newest event is a missed chance",
                "paused": "tasks that are paused",
                "one": 'tasks with `run_on = "one"`',
            }.items()
        ),
    ),
    Shape(
        "Fleet tasks",
        (
            many("tasks", "Fleet task", "as many as `limit` says"),
            flag("more", "whether there are more than these"),
            NEXT,
            integer("total", "how many there are on all pages"),
            one("counts", "Fleet counts", "how many of those with this `match` and `host` are in each state"),
        ),
    ),
    Shape(
        "Fleet run",
        (
            text("scope", "which state directory counts its number"),
            Key("open", Kind.FLAG, "true for a run of a host that is not alive", optional=True),
        ),
        extends="Run",
    ),
    Shape(
        "Client",
        (
            text("by", "who asks, as records say it"),
            integer("uid", "the user id of the process that asks"),
            texts(
                "may",
                "`act`, everything; `look`, at all tasks; `operate`, look at the tasks in `operates`, run, stop, pause "
                "and resume them",
            ),
            texts("operates", "those tasks; null if it may do everything", null=True),
        ),
    ),
    Shape("Error", (text("error", "what is wrong, a sentence"), text("hint", "what to do; may be empty"))),
)
"""The shapes, in the order of the manual."""
