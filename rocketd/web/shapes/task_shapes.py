"""The shapes of tasks, and of what explains them."""

from typing import Final

from rocketd.core.model.run import Action, Cause
from rocketd.core.model.task import Overlap
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

_EXPLAINED: Final = (
    text("condition", "the condition, or this part of it"),
    Key("holds", Kind.FLAG, "whether it holds; null if that is unknown", null=True),
    instant("since", "since when"),
    instant("until", "until when"),
    text("because", "the reason, a sentence"),
    many("parts", "Explained part", "what it is made of"),
)

TASK_SHAPES: Final = (
    Shape(
        "Task",
        (
            text("task", "its name"),
            text("description", "what it is for"),
            instant(
                "next",
                "when it is expected to start, including its splay; null if unknown. For a paused task, the first "
                "start after the pause; null if the pause has no end",
            ),
            text("next_if", "the condition on probes that must hold then", null=True),
            text("now_if", "the condition on probes that starts it earlier, as soon as it holds", null=True),
            instant("last_start", "when its newest run started"),
            text("last_action", "how that ended, `run` while it is active", null=True, words=tuple(map(str, Action))),
            text("last_cause", "what ended it, as `cause` of a run", null=True, words=tuple(map(str, Cause))),
            text("last_run_id", "its id", null=True),
            instant("last_end", "when a run of it ended last"),
            seconds("last_runtime", "how long that took", null=True),
            seconds(
                "usual_runtime",
                "the median of its last 20 successful runs; null with fewer than three, or if they have not been read "
                "yet",
                null=True,
            ),
            instant("last_success", "when it succeeded last, or had nothing to do"),
            flag("failing", "whether its last telling end was a failure"),
            seconds("max_age", "how old its last success may be; null if it has no `max_age`", null=True),
            instant("overdue_at", "when it is overdue, or has been since; null if it has no `max_age`"),
            seconds(
                "slow_after",
                "after how long an active run is slow; null if it has no `slow_after`, or its usual runtime is unknown",
                null=True,
            ),
            instant("armed_at", "from when on its ticks count"),
            flag("running", "whether it is running; a run whose start waits for its record is not running yet"),
            text(
                "waits",
                "what keeps it from starting although it is due: a slot, a mutex, its record, a resource of the host; "
                "null if nothing does",
                null=True,
            ),
            flag("paused", "whether it is paused"),
            text("run_on", "`each` or `one`: which of the hosts of a fleet that have it run it"),
            text("standby", "why another host, or none, decides about it; null if this host does", null=True),
            flag("disabled", "whether it is disabled"),
            flag("elsewhere", "whether it is disabled because its `hosts` do not select this host"),
            text("when", "its condition, in the normal form"),
            text("on", "the occasion at which it also runs: `boot` `startup` `shutdown`", null=True),
            texts("tags", "its tags"),
            text("file", "its task file"),
            Key("line", Kind.INTEGER, "where it begins in its file; only of a disabled task", optional=True),
        ),
    ),
    Shape(
        "Listed task", (), "Task", "A task on a page: with `fields`, only `task` and what was asked for", partial=True
    ),
    Shape(
        "Counts",
        tuple(
            integer(state, meaning)
            for state, meaning in {
                "running": "tasks that are running",
                "failed": "tasks whose last telling end was a failure",
                "late": "tasks that are overdue",
                "missed": "tasks whose newest event is a missed chance",
                "paused": "tasks that are paused",
                "disabled": "tasks that are disabled",
                "enabled": "tasks that are neither",
            }.items()
        ),
    ),
    Shape(
        "Page of tasks",
        (
            many("tasks", "Listed task", "as many as `limit` says"),
            NEXT,
            integer("total", "how many there are on all pages"),
            one("counts", "Counts", "how many of those with this `match` and `tag` are in each state"),
        ),
    ),
    Shape(
        "Overview",
        (
            Key("status", Kind.OBJECT, "the status; null for who may not look at all tasks", null=True, of="Status"),
            one("client", "Client", "who asks, and what that one may do"),
            one("counts", "Counts", "how many tasks are in each state"),
            many("running", "Task", "those that are running, up to 50"),
            many("failed", "Task", "those whose last telling end was a failure, the newest 10"),
            many("late", "Task", "those that are overdue, up to 10"),
            many("next", "Task", "those that will start next, 10"),
            integer("event_id", "the number of the newest event: `after` for those that follow"),
        ),
    ),
    Shape(
        "Task in full",
        (
            texts("command", "an argv, or null: then it is a function", null=True),
            text("function", "`MODULE:FUNCTION`, or null: then it is a command", null=True),
            text("user", "as whom it runs", null=True),
            text("directory", "where", null=True),
            text("umask", "an octal number of four digits"),
            integer("nice", "its nice value", null=True),
            texts("environment", "the names of the variables; their values may be secrets"),
            texts("environment_files", "files with more of them"),
            text("stop_when", "here and in the next keys as in its [file](settings.md)"),
            text("timezone"),
            seconds("timeout", null=True),
            seconds("kill_grace"),
            text("overlap", words=tuple(map(str, Overlap))),
            seconds("restart_delay"),
            integer("crash_limit"),
            text("mutex", null=True),
            integer("priority"),
            seconds("splay"),
            text("splay_each", "`run` if each run has a part of the splay of its own", words=("run", "host")),
            text("output_file", null=True),
            flag("separate_stderr"),
            text(
                "executor",
                "what carries out its runs; null if the task is disabled",
                null=True,
                words=("unit", "process", "engine"),
            ),
            text(
                "executor_reason",
                "why its runs are processes, although units are the default or were asked for; if an "
                "engine carries them out, which one",
                null=True,
            ),
            seconds("next_splay", "by how much its splay delays `next`; null if it does not", null=True),
            integer("next_number", "the number of its next run"),
            instant("due", "since when it is due"),
            text("blocked", "why it has not started, although it is due", null=True),
            instant("paused_until", "when the pause ends"),
            text("paused_by", "who paused it; empty if it is not paused"),
            text("paused_reason", "why"),
            many("going", "Active run", "its active runs"),
            many("hooks", "Hook", "its [hooks](../how-to/notifications.md)"),
            many("runs", "Run", "its 5 newest runs"),
        ),
        extends="Task",
    ),
    Shape(
        "Hook",
        (
            text("hook", "`on_fail` and others"),
            texts("command"),
            instant("last", "when it ended last"),
            text("about", "the run that it was about", null=True),
            text("error", "what was wrong; null if it succeeded", null=True),
        ),
    ),
    Shape(
        "Explanation",
        (
            text("task", "its name"),
            *_EXPLAINED,
            text("waiting_for", "what the task waits for, a sentence"),
            text("timezone", "the time zone of the sentences"),
        ),
    ),
    Shape("Explained part", _EXPLAINED),
    Shape(
        "Page of explanations",
        (
            many("answers", "Explanation", "of up to 256 loaded tasks in order of name, from the name after `after`"),
            NEXT,
        ),
    ),
    Shape(
        "Paused task",
        (text("task"), flag("paused", "true"), instant("paused_until", "when the pause ends by itself")),
    ),
    Shape("Resumed task", (text("task"), flag("paused", "false"))),
    event("task", "the entry of a task in `/v1/tasks` has changed, for whatever reason", extends="Task"),
    event(
        "counts",
        "how many tasks are in each state has changed, or the listener has just begun; at most five times a second",
        extends="Counts",
    ),
    event("tasks", "task files were read again, or more than 256 entries have changed at once"),
)
"""The shapes, in the order of the manual."""
