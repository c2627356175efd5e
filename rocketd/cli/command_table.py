"""The verbs of `rocketctl` and their options: one table for the parser, the help, the man page and the completions."""

from enum import Enum, auto
from typing import Final, NamedTuple


class OptionKind(Enum):
    """What stands for an option's or argument's value: a completion asks for it."""

    FLAG = auto()
    TASK = auto()
    RUN = auto()
    SUBJECT = auto()
    """A task or a run."""
    ACTION = auto()
    TIME = auto()
    NUMBER = auto()
    TEXT = auto()
    CONDITION = auto()
    ZONE = auto()
    DIRECTORY = auto()
    PATH = auto()


class VerbOption(NamedTuple):
    """One option: `names` as they are typed, `field` in `Choices`."""

    names: tuple[str, ...]
    field: str
    kind: OptionKind
    help: str
    metavar: str = ""
    repeats: bool = False


class VerbArgument(NamedTuple):
    """What a verb is about; `how_many` as in argparse: exactly one, `?` or `*`."""

    metavar: str
    field: str
    kind: OptionKind
    help: str
    how_many: str = ""


class Verb(NamedTuple):
    """One verb, and what it takes."""

    name: str
    help: str
    arguments: tuple[VerbArgument, ...] = ()
    options: tuple[VerbOption, ...] = ()
    offline: bool = False
    """Whether it works without a daemon."""


ACTIONS: Final = ("run", "success", "fail", "terminate", "inaction", "crash", "missed", "withdrawn")
"""The values of `core.run.Action`, which is not imported here: `rocketctl` starts fast."""

GLOBAL: Final = (
    VerbOption(
        ("--config-dir",),
        "config_dir",
        OptionKind.DIRECTORY,
        "read task files here, and only here (repeatable)",
        "DIR",
        repeats=True,
    ),
    VerbOption(("--state-dir",), "state_dir", OptionKind.DIRECTORY, "where the daemon keeps its records", "DIR"),
    VerbOption(("--runtime-dir",), "runtime_dir", OptionKind.DIRECTORY, "where the daemon's socket is", "DIR"),
    VerbOption(("--json",), "json", OptionKind.FLAG, "print JSON"),
    VerbOption(("--no-pager",), "no_pager", OptionKind.FLAG, "do not use a pager"),
    VerbOption(("-l", "--full"), "full", OptionKind.FLAG, "do not cut lines to the width of the terminal"),
)

_TASK: Final = VerbArgument("TASK", "subject", OptionKind.TASK, "name of a task")
_SUBJECT: Final = VerbArgument(
    "TASK|RUN", "subject", OptionKind.SUBJECT, "name of a task; or a run: its id or TASK/NUMBER"
)
_PATHS: Final = VerbArgument(
    "PATH",
    "paths",
    OptionKind.PATH,
    "a task file or a directory of them; none: those that the daemon reads",
    how_many="*",
)
_PERIOD: Final = (
    VerbOption(
        ("--since",), "since", OptionKind.TIME, "started at or after: 2h ago, yesterday, '2026-11-24 10:00'", "TIME"
    ),
    VerbOption(("--until",), "until", OptionKind.TIME, "started before", "TIME"),
    VerbOption(
        ("--action",),
        "action",
        OptionKind.ACTION,
        f"only these: {', '.join(ACTIONS)} (repeatable, or with commas)",
        "ACTION",
        repeats=True,
    ),
)
_WAIT: Final = ("--wait",)

VERBS: Final = (
    Verb("list", "show every task, the next one first", offline=True),
    Verb("show", "show everything about a task or a run", (_SUBJECT,), offline=True),
    Verb(
        "history",
        "show runs, the newest first",
        (_TASK._replace(how_many="?"),),
        (*_PERIOD, VerbOption(("-n", "--limit"), "limit", OptionKind.NUMBER, "at most this many (100)", "NUMBER")),
        offline=True,
    ),
    Verb(
        "export",
        "write all that is recorded about runs, the first recorded first: a JSON object a line, or CSV",
        (_TASK._replace(how_many="?"),),
        (*_PERIOD, VerbOption(("--csv",), "csv", OptionKind.FLAG, "write CSV, with a line of headings")),
        offline=True,
    ),
    Verb(
        "prune",
        "delete old records (the daemon does this once an hour)",
        (),
        (
            VerbOption(
                ("--before",),
                "before",
                OptionKind.TIME,
                "delete records older than TIME, instead of those older than keep",
                "TIME",
            ),
            VerbOption(("--dry-run",), "dry_run", OptionKind.FLAG, "only say how many there are"),
        ),
        offline=True,
    ),
    Verb(
        "log",
        "show what a task or a run printed, from the journal",
        (_SUBJECT,),
        (
            VerbOption(("-f", "--follow"), "follow", OptionKind.FLAG, "keep following new output"),
            VerbOption(("--stderr",), "stderr", OptionKind.FLAG, "only standard error, of a task with separate_stderr"),
        ),
        offline=True,
    ),
    Verb(
        "why",
        "show what tasks wait for: each condition part by part",
        (_TASK._replace(field="subjects", how_many="*"),),
        (
            VerbOption(("--all",), "every", OptionKind.FLAG, "every loaded task"),
            VerbOption(
                ("--at",), "at", OptionKind.TIME, "at another time: as it was then, or will be if nothing comes", "TIME"
            ),
        ),
        offline=True,
    ),
    Verb(
        "explain",
        "show what a condition means: its normal form, and when a task with it would start",
        (VerbArgument("CONDITION", "condition", OptionKind.CONDITION, "a condition, in quotes"),),
        (
            VerbOption(("-n", "--count"), "starts", OptionKind.NUMBER, "so many starts (5)", "NUMBER"),
            VerbOption(("--from",), "begin", OptionKind.TIME, "as if first loaded then (now)", "TIME"),
            VerbOption(("--timezone",), "timezone", OptionKind.ZONE, "read and show times in this zone", "ZONE"),
        ),
        offline=True,
    ),
    Verb(
        "simulate",
        "show what would run when, if each run took its usual time and succeeded",
        (_PATHS,),
        (
            VerbOption(("--from",), "begin", OptionKind.TIME, "from when on (now)", "TIME"),
            VerbOption(("--to",), "end", OptionKind.TIME, "until when (a day later)", "TIME"),
        ),
        offline=True,
    ),
    Verb(
        "run",
        "start a task now",
        (_TASK,),
        (
            VerbOption(_WAIT, "wait", OptionKind.FLAG, "show its output; exit with 0 for success, 1 for any other end"),
            VerbOption(
                ("--exit-code",), "exit_code", OptionKind.FLAG, "with --wait: exit with the task's own exit code"
            ),
            VerbOption(("--as-scheduled",), "as_scheduled", OptionKind.FLAG, "count it as the run that was due"),
        ),
    ),
    Verb(
        "stop",
        "terminate a run, or every run of a task",
        (_SUBJECT,),
        (VerbOption(_WAIT, "wait", OptionKind.FLAG, "return when it has ended"),),
    ),
    Verb(
        "pause",
        "stop scheduling a task until it is resumed; survives restarts",
        (_TASK,),
        (
            VerbOption(("--until",), "until", OptionKind.TIME, "go on at: in 2h, tomorrow, '2026-11-24 10:00'", "TIME"),
            VerbOption(("--reason",), "reason", OptionKind.TEXT, "the reason, shown by list, show and why", "TEXT"),
        ),
    ),
    Verb("resume", "let a paused task go on", (_TASK,)),
    Verb(
        "check",
        "find every problem of every task file",
        (_PATHS,),
        offline=True,
    ),
    Verb("reload", "read the task files again, and say what is wrong with them"),
    Verb("status", "show the state of the daemon"),
)

OFFLINE: Final = tuple(verb.name for verb in VERBS if verb.offline)
"""The verbs that work without a daemon."""
