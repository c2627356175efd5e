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


class CommandOption(NamedTuple):
    """One option: `names` as they are typed, `field` in `Choices`."""

    names: tuple[str, ...]
    field: str
    kind: OptionKind
    help: str
    metavar: str = ""
    repeats: bool = False


class CommandArgument(NamedTuple):
    """What a verb is about; `how_many` as in argparse: exactly one, `?` or `*`."""

    metavar: str
    field: str
    kind: OptionKind
    help: str
    how_many: str = ""


class Command(NamedTuple):
    """One verb, and what it takes."""

    name: str
    help: str
    arguments: tuple[CommandArgument, ...] = ()
    options: tuple[CommandOption, ...] = ()
    offline: bool = False
    """Whether it works without a daemon."""


ACTIONS: Final = ("run", "success", "fail", "terminate", "inaction", "crash", "missed", "withdrawn")
"""The values of `core.run.Action`, which is not imported here: `rocketctl` starts fast."""

GLOBAL: Final = (
    CommandOption(
        ("--config-dir",),
        "config_dir",
        OptionKind.DIRECTORY,
        "read task files here, and only here (repeatable)",
        "DIR",
        repeats=True,
    ),
    CommandOption(("--state-dir",), "state_dir", OptionKind.DIRECTORY, "where the daemon keeps its records", "DIR"),
    CommandOption(("--runtime-dir",), "runtime_dir", OptionKind.DIRECTORY, "where the daemon's socket is", "DIR"),
    CommandOption(("--json",), "json", OptionKind.FLAG, "print JSON"),
    CommandOption(("--no-pager",), "no_pager", OptionKind.FLAG, "do not use a pager"),
    CommandOption(("-l", "--full"), "full", OptionKind.FLAG, "do not cut lines to the width of the terminal"),
)

_TASK: Final = CommandArgument("TASK", "subject", OptionKind.TASK, "name of a task")
_SUBJECT: Final = CommandArgument(
    "TASK|RUN", "subject", OptionKind.SUBJECT, "name of a task; or a run: its id or TASK/NUMBER"
)
_PATHS: Final = CommandArgument(
    "PATH",
    "paths",
    OptionKind.PATH,
    "a task file or a directory of them; none: those that the daemon reads",
    how_many="*",
)
_PERIOD: Final = (
    CommandOption(
        ("--since",), "since", OptionKind.TIME, "started at or after: 2h ago, yesterday, '2026-11-24 10:00'", "TIME"
    ),
    CommandOption(("--until",), "until", OptionKind.TIME, "started before", "TIME"),
    CommandOption(
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
    Command("list", "show every task, the next one first", offline=True),
    Command("show", "show everything about a task or a run", (_SUBJECT,), offline=True),
    Command(
        "history",
        "show runs, the newest first",
        (_TASK._replace(how_many="?"),),
        (*_PERIOD, CommandOption(("-n", "--limit"), "limit", OptionKind.NUMBER, "at most this many (100)", "NUMBER")),
        offline=True,
    ),
    Command(
        "export",
        "write all that is recorded about runs, the first recorded first: a JSON object a line, or CSV",
        (_TASK._replace(how_many="?"),),
        (*_PERIOD, CommandOption(("--csv",), "csv", OptionKind.FLAG, "write CSV, with a line of headings")),
        offline=True,
    ),
    Command(
        "prune",
        "delete old records (the daemon does this once an hour)",
        (),
        (
            CommandOption(
                ("--before",),
                "before",
                OptionKind.TIME,
                "delete records older than TIME, instead of those older than keep",
                "TIME",
            ),
            CommandOption(("--dry-run",), "dry_run", OptionKind.FLAG, "only say how many there are"),
        ),
        offline=True,
    ),
    Command(
        "log",
        "show what a task or a run printed, from the journal",
        (_SUBJECT,),
        (
            CommandOption(("-f", "--follow"), "follow", OptionKind.FLAG, "keep following new output"),
            CommandOption(
                ("--stderr",), "stderr", OptionKind.FLAG, "only standard error, of a task with separate_stderr"
            ),
        ),
        offline=True,
    ),
    Command(
        "why",
        "show what tasks wait for: each condition part by part",
        (_TASK._replace(field="subjects", how_many="*"),),
        (
            CommandOption(("--all",), "every", OptionKind.FLAG, "every loaded task"),
            CommandOption(
                ("--at",), "at", OptionKind.TIME, "at another time: as it was then, or will be if nothing comes", "TIME"
            ),
        ),
        offline=True,
    ),
    Command(
        "explain",
        "show what a condition means: its normal form, and when a task with it would start",
        (CommandArgument("CONDITION", "condition", OptionKind.CONDITION, "a condition, in quotes"),),
        (
            CommandOption(("-n", "--count"), "starts", OptionKind.NUMBER, "so many starts (5)", "NUMBER"),
            CommandOption(("--from",), "begin", OptionKind.TIME, "as if first loaded then (now)", "TIME"),
            CommandOption(("--timezone",), "timezone", OptionKind.ZONE, "read and show times in this zone", "ZONE"),
        ),
        offline=True,
    ),
    Command(
        "simulate",
        "show what would run when, if each run took its usual time and succeeded",
        (_PATHS,),
        (
            CommandOption(("--from",), "begin", OptionKind.TIME, "from when on (now)", "TIME"),
            CommandOption(("--to",), "end", OptionKind.TIME, "until when (a day later)", "TIME"),
        ),
        offline=True,
    ),
    Command(
        "run",
        "start a task now",
        (_TASK,),
        (
            CommandOption(
                _WAIT, "wait", OptionKind.FLAG, "show its output; exit with 0 for success, 1 for any other end"
            ),
            CommandOption(
                ("--exit-code",), "exit_code", OptionKind.FLAG, "with --wait: exit with the task's own exit code"
            ),
            CommandOption(("--as-scheduled",), "as_scheduled", OptionKind.FLAG, "count it as the run that was due"),
        ),
    ),
    Command(
        "stop",
        "terminate a run, or every run of a task",
        (_SUBJECT,),
        (CommandOption(_WAIT, "wait", OptionKind.FLAG, "return when it has ended"),),
    ),
    Command(
        "pause",
        "stop scheduling a task until it is resumed; survives restarts",
        (_TASK,),
        (
            CommandOption(
                ("--until",), "until", OptionKind.TIME, "go on at: in 2h, tomorrow, '2026-11-24 10:00'", "TIME"
            ),
            CommandOption(("--reason",), "reason", OptionKind.TEXT, "the reason, shown by list, show and why", "TEXT"),
        ),
    ),
    Command("resume", "let a paused task go on", (_TASK,)),
    Command(
        "check",
        "find every problem of every task file",
        (_PATHS,),
        offline=True,
    ),
    Command("reload", "read the task files again, and say what is wrong with them"),
    Command("status", "show the state of the daemon"),
)

OFFLINE: Final = tuple(verb.name for verb in VERBS if verb.offline)
"""The verbs that work without a daemon."""
