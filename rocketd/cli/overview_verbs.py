"""The verbs that show many tasks at once: a part of the table of verbs."""

from typing import Final

from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption

SORT_ORDERS: Final = ("next", "last", "name")
PATTERNS: Final = VerbArgument(
    "PATTERN", "subjects", OptionKind.TASK, "names of tasks, patterns like 'db-*', or tag:NAME", how_many="*"
)

OF_FLEET: Final = VerbOption(("--fleet",), "fleet", OptionKind.FLAG, "of all hosts that share a history with this one")

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
        VerbOption(("--tag",), "tag", OptionKind.TEXT, "only those with this tag (repeatable)", "TAG", repeats=True),
        VerbOption(("--file",), "from_file", OptionKind.PATH, "only those of this file: its path or name", "FILE"),
        VerbOption(
            ("--sort",), "sort", OptionKind.TEXT, "next (default), last (the newest run first) or name", "ORDER"
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
