"""The verbs that show many tasks at once: a part of the table of verbs."""

from typing import Final

from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption

SORT_ORDERS: Final = ("next", "last", "name")
PATTERNS: Final = VerbArgument(
    "PATTERN", "subjects", OptionKind.TASK, "names of tasks, patterns like 'db-*', or tag:NAME", how_many="*"
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
        VerbOption(("--tag",), "tag", OptionKind.TEXT, "only those with this tag (repeatable)", "TAG", repeats=True),
        VerbOption(("--file",), "from_file", OptionKind.PATH, "only those of this file: its path or name", "FILE"),
        VerbOption(
            ("--sort",), "sort", OptionKind.TEXT, "next (default), last (the newest run first) or name", "ORDER"
        ),
    ),
    offline=True,
)
