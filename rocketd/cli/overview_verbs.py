"""The verbs that show many tasks at once: a part of the table of verbs."""

from typing import Final

from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption

SORT_ORDERS: Final = ("next", "last", "name")
PATTERNS: Final = VerbArgument(
    "PATTERN", "subjects", OptionKind.TASK, "names of tasks, patterns like 'db-*', or tag:NAME", how_many="*"
)

OF_FLEET: Final = VerbOption(("--fleet",), "fleet", OptionKind.FLAG, "of all hosts that share a history with this one")
HEALTH: Final = Verb(
    "health",
    "say whether tasks are in order, as a plugin of Nagios and its kin",
    (PATTERNS,),
    (
        VerbOption(
            ("--max-age",), "max_age", OptionKind.TEXT, "how old the last success may be, for all tasks: 25h", "TIME"
        ),
        VerbOption(("-w", "--warning"), "warning", OptionKind.NUMBER, "WARNING from this many bad tasks on", "NUMBER"),
        VerbOption(
            ("-c", "--critical"), "critical", OptionKind.NUMBER, "CRITICAL from this many on (default: 1)", "NUMBER"
        ),
    ),
)
METRICS: Final = Verb(
    "metrics",
    "write metrics for Prometheus",
    (),
    (
        VerbOption(("--format",), "format", OptionKind.TEXT, "openmetrics (default) or text", "FORMAT"),
        VerbOption(("--textfile",), "textfile", OptionKind.PATH, "write them to FILE in one step, as text", "FILE"),
    ),
)
WEB: Final = Verb(
    "web",
    "show the tasks as a page in your browser, on this host only, until Ctrl-C",
    (),
    (
        VerbOption(("--port",), "port", OptionKind.NUMBER, "listen on this port (default: any free one)", "PORT"),
        VerbOption(("--write",), "write", OptionKind.FLAG, "with buttons to run, stop, pause and resume"),
        VerbOption(("--no-browser",), "no_browser", OptionKind.FLAG, "only print the address, open no browser"),
    ),
)

LIST: Final = Verb(
    "list",
    "list tasks, the next one first",
    (PATTERNS,),
    (
        VerbOption(("--failed",), "failed", OptionKind.FLAG, "only those whose newest run has failed"),
        VerbOption(("--running",), "running", OptionKind.FLAG, "only those that are running"),
        VerbOption(("--paused",), "paused", OptionKind.FLAG, "only those that are paused"),
        VerbOption(("--overdue",), "overdue", OptionKind.FLAG, "only those without a success for their max_age"),
        VerbOption(("--missing",), "missing", OptionKind.FLAG, "the tasks that errors keep from being loaded"),
        VerbOption(("--tag",), "tag", OptionKind.TAG, "only those with this tag (repeatable)", "TAG", repeats=True),
        VerbOption(("--file",), "from_file", OptionKind.PATH, "only those of this file: its path or name", "FILE"),
        VerbOption(
            ("--sort",), "sort", OptionKind.ORDER, "next (default), last (the newest run first) or name", "ORDER"
        ),
        OF_FLEET,
    ),
    offline=True,
)

STATISTICS: Final = (
    Verb(
        "stats",
        "show how the runs of tasks went, and how long they took",
        (PATTERNS,),
        (
            VerbOption(
                ("--since",),
                "since",
                OptionKind.TIME,
                "only runs that started then or later (default: 30 days)",
                "TIME",
            ),
        ),
        offline=True,
    ),
    Verb(
        "timeline",
        "show a day as a row per task: what ran, failed, was missed, and is expected",
        (PATTERNS,),
        (
            VerbOption(("--day",), "day", OptionKind.TIME, "this day: yesterday, 2026-11-24 (default: today)", "DAY"),
            VerbOption(("--since",), "since", OptionKind.TIME, "from then on, in place of a day", "TIME"),
            VerbOption(("--until",), "until", OptionKind.TIME, "up to then (default: now)", "TIME"),
            VerbOption(("--svg",), "svg", OptionKind.PATH, "write a picture into this file", "FILE"),
        ),
        offline=True,
    ),
)
