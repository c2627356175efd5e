"""The verbs of `rocketctl` and their options: one table for the parser, the help, the man page and the completions."""

from enum import Enum, auto
from typing import Final, NamedTuple


class Kind(Enum):
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


class Option(NamedTuple):
    """One option: `names` as they are typed, `field` in `Choices`."""

    names: tuple[str, ...]
    field: str
    kind: Kind
    help: str
    metavar: str = ""
    repeats: bool = False


class Argument(NamedTuple):
    """What a verb is about; `how_many` as in argparse: exactly one, `?` or `*`."""

    metavar: str
    field: str
    kind: Kind
    help: str
    how_many: str = ""


class Verb(NamedTuple):
    """One verb, and what it takes."""

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    offline: bool = False
    """Whether it works without a daemon."""


ACTIONS: Final = ("run", "success", "fail", "terminate", "inaction", "crash", "missed", "withdrawn")
"""The values of `core.run.Action`, which is not imported here: `rocketctl` starts fast."""

GLOBAL: Final = (
    Option(
        ("--config-dir",),
        "config_dir",
        Kind.DIRECTORY,
        "read task files here, and only here (repeatable)",
        "DIR",
        repeats=True,
    ),
    Option(("--state-dir",), "state_dir", Kind.DIRECTORY, "where the daemon keeps its records", "DIR"),
    Option(("--runtime-dir",), "runtime_dir", Kind.DIRECTORY, "where the daemon's socket is", "DIR"),
    Option(("--json",), "json", Kind.FLAG, "print JSON"),
    Option(("--no-pager",), "no_pager", Kind.FLAG, "do not use a pager"),
    Option(("-l", "--full"), "full", Kind.FLAG, "do not cut lines to the width of the terminal"),
)

_TASK: Final = Argument("TASK", "subject", Kind.TASK, "name of a task")
_SUBJECT: Final = Argument("TASK|RUN", "subject", Kind.SUBJECT, "name of a task; or a run: its id or TASK/NUMBER")
_PATHS: Final = Argument(
    "PATH",
    "paths",
    Kind.PATH,
    "a task file or a directory of them; none: those that the daemon reads",
    how_many="*",
)
_PERIOD: Final = (
    Option(("--since",), "since", Kind.TIME, "started at or after: 2h ago, yesterday, '2026-11-24 10:00'", "TIME"),
    Option(("--until",), "until", Kind.TIME, "started before", "TIME"),
    Option(
        ("--action",),
        "action",
        Kind.ACTION,
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
        (*_PERIOD, Option(("-n", "--limit"), "limit", Kind.NUMBER, "at most this many (100)", "NUMBER")),
        offline=True,
    ),
    Verb(
        "export",
        "write all that is recorded about runs, the first recorded first: a JSON object a line, or CSV",
        (_TASK._replace(how_many="?"),),
        (*_PERIOD, Option(("--csv",), "csv", Kind.FLAG, "write CSV, with a line of headings")),
        offline=True,
    ),
    Verb(
        "prune",
        "throw old records away, as the daemon does by itself once an hour",
        (),
        (
            Option(("--before",), "before", Kind.TIME, "those from before then, in place of what keep says", "TIME"),
            Option(("--dry-run",), "dry_run", Kind.FLAG, "only say how many there are"),
        ),
        offline=True,
    ),
    Verb(
        "log",
        "show what a task or a run printed, from the journal",
        (_SUBJECT,),
        (
            Option(("-f", "--follow"), "follow", Kind.FLAG, "go on with what it prints from now on"),
            Option(("--stderr",), "stderr", Kind.FLAG, "only standard error, of a task with separate_stderr"),
        ),
        offline=True,
    ),
    Verb(
        "why",
        "show what tasks wait for: each condition part by part",
        (_TASK._replace(field="subjects", how_many="*"),),
        (
            Option(("--all",), "every", Kind.FLAG, "every loaded task"),
            Option(("--at",), "at", Kind.TIME, "at another time: as it was then, or will be if nothing comes", "TIME"),
        ),
        offline=True,
    ),
    Verb(
        "explain",
        "show what a condition means: its normal form, and when a task with it would start",
        (Argument("CONDITION", "condition", Kind.CONDITION, "a condition, in quotes"),),
        (
            Option(("-n", "--count"), "starts", Kind.NUMBER, "so many starts (5)", "NUMBER"),
            Option(("--from",), "begin", Kind.TIME, "as if first loaded then (now)", "TIME"),
            Option(("--timezone",), "timezone", Kind.ZONE, "read and show times in this zone", "ZONE"),
        ),
        offline=True,
    ),
    Verb(
        "simulate",
        "show what would run when, if each run took its usual time and succeeded",
        (_PATHS,),
        (
            Option(("--from",), "begin", Kind.TIME, "from when on (now)", "TIME"),
            Option(("--to",), "end", Kind.TIME, "until when (a day later)", "TIME"),
        ),
        offline=True,
    ),
    Verb(
        "run",
        "start a task now",
        (_TASK,),
        (
            Option(_WAIT, "wait", Kind.FLAG, "show its output; exit with 0 for success, 1 for any other end"),
            Option(("--exit-code",), "exit_code", Kind.FLAG, "with --wait: exit with the task's own exit code"),
            Option(("--as-scheduled",), "as_scheduled", Kind.FLAG, "count it as the run that was due"),
        ),
    ),
    Verb(
        "stop",
        "terminate a run, or every run of a task",
        (_SUBJECT,),
        (Option(_WAIT, "wait", Kind.FLAG, "return when it has ended"),),
    ),
    Verb(
        "pause",
        "start a task no more; survives restarts",
        (_TASK,),
        (
            Option(("--until",), "until", Kind.TIME, "go on at: in 2h, tomorrow, '2026-11-24 10:00'", "TIME"),
            Option(("--reason",), "reason", Kind.TEXT, "why, for those who wonder", "TEXT"),
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
    Verb("status", "show how the daemon is"),
)

OFFLINE: Final = tuple(verb.name for verb in VERBS if verb.offline)
"""The verbs that work without a daemon."""
