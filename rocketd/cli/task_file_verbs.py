"""The verbs that are about task files: a part of the table of verbs."""

from typing import Final

from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption
from rocketd.cli.operating_verbs import YES

PATHS: Final = VerbArgument(
    "PATH",
    "paths",
    OptionKind.PATH,
    "a task file or directory (default: those that the daemon reads)",
    how_many="*",
)
TASK_FILE_VERBS: Final = (
    Verb(
        "check",
        "check task files, and report every problem",
        (PATHS,),
        (
            VerbOption(("--diff",), "diff", OptionKind.FLAG, "also show what would change, and the next starts"),
            VerbOption(
                ("--against",),
                "against",
                OptionKind.DIRECTORY,
                "with --diff: compare with these files instead of the installed ones",
                "DIR",
            ),
        ),
        offline=True,
    ),
    Verb(
        "edit",
        "edit a task file: check it, show what changes, install it",
        (VerbArgument("TASK|FILE", "file", OptionKind.TASK, "a task, or a task file by name or path", how_many="?"),),
        (YES._replace(help="do not ask"),),
        offline=True,
    ),
    Verb(
        "new",
        "write a new task in a file of its own, in the same way",
        (VerbArgument("NAME", "file", OptionKind.TEXT, "the name of the new task"),),
        (YES._replace(help="do not ask"),),
        offline=True,
    ),
    Verb(
        "import",
        "turn cron jobs and systemd timers into task files",
        (),
        (
            VerbOption(
                ("--crontab",),
                "crontab",
                OptionKind.PATH,
                "a crontab of either form (repeatable)",
                "FILE",
                repeats=True,
            ),
            VerbOption(
                ("--cron-d",), "cron_d", OptionKind.DIRECTORY, "tables with a user: /etc/cron.d", "DIR", repeats=True
            ),
            VerbOption(
                ("--user-crontabs",),
                "user_crontabs",
                OptionKind.DIRECTORY,
                "tables named for their users: /var/spool/cron/crontabs",
                "DIR",
                repeats=True,
            ),
            VerbOption(("--anacrontab",), "anacrontab", OptionKind.PATH, "/etc/anacrontab", "FILE", repeats=True),
            VerbOption(
                ("--timers",),
                "timers",
                OptionKind.TEXT,
                "timers, by name, file or directory (default: those that are enabled)",
                "UNIT",
                how_many="*",
            ),
            VerbOption(
                ("--output",), "output", OptionKind.DIRECTORY, "write the files there (default: show them)", "DIR"
            ),
            VerbOption(
                ("--compare",),
                "compare",
                OptionKind.NUMBER,
                "put the times of old and new for so many days side by side (default: 7)",
                "DAYS",
                how_many="?",
            ),
            VerbOption(("--disable",), "disable", OptionKind.FLAG, "switch the old entries off, reversibly"),
            VerbOption(("--undo",), "undo", OptionKind.FLAG, "switch the old entries on again"),
        ),
        offline=True,
    ),
)
