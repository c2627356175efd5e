"""The verbs of `rocketctl` and their options: one table for the parser, the help, the man page and the completions."""

from typing import Final

from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption
from rocketd.cli.operating_verbs import OPERATING_VERBS, YES
from rocketd.cli.overview_verbs import HEALTH, LIST, METRICS, OF_FLEET, STATISTICS, WEB
from rocketd.cli.task_file_verbs import PATHS, TASK_FILE_VERBS

ACTIONS: Final = ("run", "success", "fail", "terminate", "inaction", "crash", "missed", "withdrawn")
"""The values of `core.run.Action`, which is not imported here so that `rocketctl` starts fast."""

GLOBAL: Final = (
    VerbOption(
        ("-H", "--host"), "host", OptionKind.TEXT, "do it on another host, over ssh: web2 or admin@web2", "HOST"
    ),
    VerbOption(
        ("--config-dir",),
        "config_dir",
        OptionKind.DIRECTORY,
        "read task files only from here (repeatable)",
        "DIR",
        repeats=True,
    ),
    VerbOption(("--state-dir",), "state_dir", OptionKind.DIRECTORY, "where the daemon keeps its records", "DIR"),
    VerbOption(("--runtime-dir",), "runtime_dir", OptionKind.DIRECTORY, "where the daemon's socket is", "DIR"),
    VerbOption(("--user",), "user", OptionKind.FLAG, "talk to the daemon of this user, not to that of the system"),
    VerbOption(("--json",), "json", OptionKind.FLAG, "print JSON"),
    VerbOption(("--no-pager",), "no_pager", OptionKind.FLAG, "do not use a pager"),
    VerbOption(("-l", "--full"), "full", OptionKind.FLAG, "do not shorten lines to fit the terminal"),
)

_TASK: Final = VerbArgument("TASK", "subject", OptionKind.TASK, "name of a task")
_SUBJECT: Final = VerbArgument(
    "TASK|RUN", "subject", OptionKind.SUBJECT, "name of a task, or a run: its id or TASK/NUMBER"
)
_PERIOD: Final = (
    VerbOption(
        ("--since",),
        "since",
        OptionKind.TIME,
        "only runs that started then or later: 2h ago, yesterday, '2026-11-24 10:00'",
        "TIME",
    ),
    VerbOption(("--until",), "until", OptionKind.TIME, "only runs that started earlier", "TIME"),
    VerbOption(
        ("--action",),
        "action",
        OptionKind.ACTION,
        f"only these actions, separated by commas: {', '.join(ACTIONS)} (repeatable)",
        "ACTION",
        repeats=True,
    ),
)
VERBS: Final = (
    LIST,
    Verb("show", "show everything about a task or a run", (_SUBJECT,), offline=True),
    Verb(
        "history",
        "list runs, newest first",
        (_TASK._replace(how_many="?"),),
        (
            *_PERIOD,
            VerbOption(
                ("-n", "--limit"), "limit", OptionKind.NUMBER, "show at most this many (default: 100)", "NUMBER"
            ),
            OF_FLEET,
        ),
        offline=True,
    ),
    Verb(
        "export",
        "write all records of runs, oldest first, as JSON (one object per line) or CSV",
        (_TASK._replace(how_many="?"),),
        (*_PERIOD, VerbOption(("--csv",), "csv", OptionKind.FLAG, "write CSV, with a header line")),
        offline=True,
    ),
    Verb(
        "prune",
        "delete old records (the daemon does this every hour)",
        (),
        (
            VerbOption(
                ("--before",),
                "before",
                OptionKind.TIME,
                "delete records older than TIME instead of those older than keep",
                "TIME",
            ),
            VerbOption(("--dry-run",), "dry_run", OptionKind.FLAG, "only count them"),
        ),
        offline=True,
    ),
    Verb(
        "log",
        "show the output of a task or a run, from the journal",
        (_SUBJECT,),
        (
            VerbOption(("-f", "--follow"), "follow", OptionKind.FLAG, "keep showing new output"),
            VerbOption(
                ("--stderr",), "stderr", OptionKind.FLAG, "show only standard error, for a task with separate_stderr"
            ),
        ),
        offline=True,
    ),
    Verb(
        "why",
        "explain what tasks wait for, each condition part by part",
        (_TASK._replace(field="subjects", how_many="*"),),
        (
            VerbOption(("--all",), "every", OptionKind.FLAG, "explain every loaded task"),
            VerbOption(
                ("--at",),
                "at",
                OptionKind.TIME,
                "explain another time: the past, or the future if no event occurs",
                "TIME",
            ),
        ),
        offline=True,
    ),
    Verb(
        "explain",
        "explain a condition: its normal form, and when a task with it would start",
        (VerbArgument("CONDITION", "condition", OptionKind.CONDITION, "a condition, in quotes"),),
        (
            VerbOption(("-n", "--count"), "starts", OptionKind.NUMBER, "show this many starts (default: 5)", "NUMBER"),
            VerbOption(
                ("--from",), "begin", OptionKind.TIME, "as if the task was first loaded then (default: now)", "TIME"
            ),
            VerbOption(("--timezone",), "timezone", OptionKind.ZONE, "read and show times in this zone", "ZONE"),
            VerbOption(
                ("--boot",),
                "boots",
                OptionKind.TIME,
                "as if the host booted then as well, after the first load (repeatable)",
                "TIME",
                repeats=True,
            ),
            VerbOption(
                ("--splay",), "splay", OptionKind.TEXT, "as if the task had this splay, on this host", "DURATION"
            ),
            VerbOption(("--each-run",), "each_run", OptionKind.FLAG, "draw the part of the splay anew for each run"),
            VerbOption(
                ("--task",), "task", OptionKind.TEXT, "the name of the task, on which its splay depends", "NAME"
            ),
        ),
        offline=True,
    ),
    Verb(
        "simulate",
        "simulate what would run when, if each run took its usual time and succeeded",
        (PATHS,),
        (
            VerbOption(("--from",), "begin", OptionKind.TIME, "start then (default: now)", "TIME"),
            VerbOption(("--to",), "end", OptionKind.TIME, "end then (default: a day after the start)", "TIME"),
        ),
        offline=True,
    ),
    Verb(
        "calendar",
        "write the holidays of a country as a file (make), or list calendars and their days (show)",
        (
            VerbArgument("make|show", "subject", OptionKind.TEXT, "what to do"),
            VerbArgument(
                "ARGUMENT",
                "words",
                OptionKind.TEXT,
                "for make: a country and years, DE-BY 2026..2028; for show: the name of a calendar, and a year",
                "*",
            ),
        ),
        offline=True,
    ),
    *STATISTICS,
    *OPERATING_VERBS,
    *TASK_FILE_VERBS,
    Verb("reload", "read the task files again, and report their problems"),
    Verb("status", "show the state of the daemon"),
    Verb(
        "fleet",
        "show the hosts that share a history with this one, move their tasks, or make the tables for it",
        (
            VerbArgument(
                "OPERATION",
                "operation",
                OptionKind.TEXT,
                "move TASK HOST: have that host own a task that this one owns; drain: have this host own none; "
                "undrain: end that; lost HOST: that silent host is dead, so its runs are over; sql: print the tables "
                "and roles for psql; upgrade [URL]: bring the tables up to date",
                how_many="?",
            ),
            VerbArgument("OPERAND", "operands", OptionKind.TEXT, "what that takes", how_many="*"),
        ),
        (YES._replace(help="for lost: do not ask"),),
    ),
    HEALTH,
    METRICS,
    WEB,
)

OFFLINE: Final = tuple(verb.name for verb in VERBS if verb.offline)
"""The verbs that work without a daemon."""
