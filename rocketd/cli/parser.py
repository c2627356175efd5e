"""Parses the command line of `rocketctl`."""

import os
from argparse import SUPPRESS, ArgumentParser, HelpFormatter
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple, NoReturn

from rocketd import __version__
from rocketd.cli.command_table import ACTIONS, GLOBAL, OFFLINE, VERBS
from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption
from rocketd.cli.exit_codes import UsageError
from rocketd.cli.overview_verbs import SORT_ORDERS
from rocketd.cli.render.terminal_text import joined
from rocketd.core.suggestion import did_you_mean

LIMIT: Final = 100
STARTS: Final = 5
COMPARED_DAYS: Final = 7
_NEEDS_TASKS: Final = frozenset({"why", "run", "stop", "pause", "resume"})
MOST: Final = 1_000_000_000
OPERATIONS: Final = {
    "": (0, 0),
    "move": (2, 2),
    "drain": (0, 1),
    "undrain": (0, 1),
    "lost": (1, 1),
    "sql": (0, 0),
    "upgrade": (0, 1),
}
"""What `fleet` does, and how many words that takes, from and to; without one it shows the hosts."""


OPERANDS: Final = {"move": "TASK HOST", "drain": "[HOST]", "undrain": "[HOST]", "lost": "HOST", "upgrade": "[URL]"}


class Choices(NamedTuple):
    """The parsed command line."""

    verb: str
    host: str | None = None
    """Where to do it, over ssh; None: here."""
    config_dir: Sequence[str] = ()
    state_dir: str = ""
    runtime_dir: str = ""
    user: bool = False
    json: bool = False
    no_pager: bool = False
    full: bool = False
    subject: str = ""
    paths: Sequence[str] = ()
    since: str = ""
    until: str = ""
    action: Sequence[str] = ()
    limit: int = LIMIT
    follow: bool = False
    stderr: bool = False
    overdue: bool = False
    wait: bool = False
    exit_code: bool = False
    as_scheduled: bool = False
    reason: str = ""
    subjects: Sequence[str] = ()
    words: Sequence[str] = ()
    every: bool = False
    at: str = ""
    condition: str = ""
    starts: int = STARTS
    begin: str = ""
    end: str = ""
    timezone: str = ""
    boots: Sequence[str] = ()
    splay: str = ""
    each_run: bool = False
    task: str = ""
    csv: bool = False
    before: str = ""
    dry_run: bool = False
    crontab: Sequence[str] = ()
    cron_d: Sequence[str] = ()
    user_crontabs: Sequence[str] = ()
    anacrontab: Sequence[str] = ()
    timers: Sequence[str] | None = None
    output: str = ""
    compare: int = 0
    """For how many days; 0: not at all."""
    disable: bool = False
    undo: bool = False
    diff: bool = False
    against: str = ""
    file: str = ""
    yes: bool = False
    failed: bool = False
    running: bool = False
    paused: bool = False
    missing: bool = False
    tag: Sequence[str] = ()
    from_file: str = ""
    sort: str = "next"
    day: str = ""
    svg: str = ""
    fleet: bool = False
    operation: str = ""
    operands: Sequence[str] = ()
    max_age: str = ""
    warning: int = 0
    critical: int = 1
    format: str = "openmetrics"
    textfile: str = ""
    port: int = 0
    write: bool = False
    no_browser: bool = False

    @property
    def socket(self) -> str:
        """The socket of the daemon."""
        return os.path.join(self.runtime_dir, "control.sock")  # noqa: PTH118 - pathlib costs a tenth of the start-up


class _Help(HelpFormatter):
    """Finds the width of the terminal without shutil, which argparse would import in every call."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    given = os.environ.get("COLUMNS", "")
    try:
        return int(given) if given.isdecimal() else os.get_terminal_size(1).columns
    except OSError:
        return 80


class _ArgumentParser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see {self.prog} --help")


def parse(arguments: Sequence[str]) -> Choices:
    """Parse the command line; global options may come before or after the verb. Raises UsageError."""
    verb = _verb(arguments)
    given = vars(_parser(verb).parse_args(arguments))
    subjects = given.get("subjects", ())
    if given.get("subject") == "" or "" in subjects:
        msg = "the name of a task or run is empty"
        raise UsageError(msg)
    before: dict[str, object] = {}
    if first := given.pop("config_dir_before", None):
        before["config_dir"] = [*first, *given.pop("config_dir", [])]
    choices = Choices(**{**given, **before})
    if choices.user:
        choices = _of_user(choices)
    return _checked(choices._replace(state_dir=_state_dir(choices), runtime_dir=_runtime_dir(choices)))


def _verb(arguments: Sequence[str]) -> Verb | None:
    """Return the verb, so that only its own parser must be built; None: argparse reports what is missing."""
    names = {verb.name: verb for verb in VERBS}
    valued = {name for option in GLOBAL if option.kind is not OptionKind.FLAG for name in option.names}
    for before, word in zip(["", *arguments], arguments, strict=False):
        if not word.startswith("-") and before not in valued:
            return names.get(word) or _unknown(word)
    return None


def _unknown(word: str) -> NoReturn:
    from rocketd.cli.foreign_verbs import HINTS  # noqa: PLC0415 - few calls need it

    msg = f"{word!r} is not a verb"
    if hint := HINTS.get(word.lower()):
        raise UsageError(msg, hint=hint)
    raise UsageError(msg, hint=did_you_mean(word, [verb.name for verb in VERBS]) or "see rocketctl --help")


def _parser(only: Verb | None) -> ArgumentParser:
    parser = _ArgumentParser(
        prog="rocketctl",
        description="Control the task scheduler rocketd.",
        epilog=f"{joined(OFFLINE, 'and')} need no daemon. See rocketctl(1).",
        allow_abbrev=False,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"rocketd {__version__}")
    for option in GLOBAL:
        _add_option(parser, option, field=option.field + "_before" * option.repeats)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, title="verbs")
    for verb in VERBS if only is None else (only,):
        subparser = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=_sentence(verb.help),
            allow_abbrev=False,
            formatter_class=_Help,
        )
        _fill(subparser, verb)
    return parser


def _fill(parser: ArgumentParser, verb: Verb) -> None:
    for argument in verb.arguments:
        _add_argument(parser, argument)
    for option in (*verb.options, *GLOBAL):
        _add_option(parser, option, field=option.field)


def _add_argument(parser: ArgumentParser, argument: VerbArgument) -> None:
    if argument.how_many:
        parser.add_argument(
            argument.field, metavar=argument.metavar, help=argument.help, nargs=argument.how_many, default=SUPPRESS
        )
    else:
        parser.add_argument(argument.field, metavar=argument.metavar, help=argument.help)


def _add_option(parser: ArgumentParser, option: VerbOption, *, field: str) -> None:
    """Add an option without a default, so that a value before the verb is kept if there is none after it."""
    if option.kind is OptionKind.FLAG:
        parser.add_argument(*option.names, dest=field, action="store_true", default=SUPPRESS, help=option.help)
        return
    parser.add_argument(
        *option.names,
        dest=field,
        action="append" if option.repeats else "store",
        nargs=option.how_many or None,
        const=COMPARED_DAYS if option.how_many == "?" else None,
        default=SUPPRESS,
        type=partial(_positive, option.names[-1]) if option.kind is OptionKind.NUMBER else str,
        metavar=option.metavar,
        help=option.help,
    )


def _positive(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:20]) <= MOST):
        msg = f"{name} takes a number from 1 to {MOST}, not {text!r}"
        raise UsageError(msg)
    return int(text)


def _checked(choices: Choices) -> Choices:
    actions = [word for words in choices.action for word in words.split(",")]
    for word in actions:
        if word not in ACTIONS:
            msg = f"{word!r} is not an action"
            raise UsageError(msg, hint=f"allowed: {', '.join(ACTIONS)}")
    if choices.exit_code and not choices.wait:
        msg = "--exit-code needs --wait: there is no exit code before the end"
        raise UsageError(msg)
    if choices.csv and choices.json:
        msg = "either --csv or --json, not both"
        raise UsageError(msg)
    if choices.against and not choices.diff:
        msg = "--against needs --diff"
        raise UsageError(msg)
    if choices.sort not in SORT_ORDERS:
        msg = f"--sort takes {joined(SORT_ORDERS, 'or')}, not {choices.sort!r}"
        raise UsageError(msg)
    if choices.verb in _NEEDS_TASKS and bool(choices.subjects) is choices.every:
        msg = "give one or more tasks" if choices.verb == "run" else "give one or more tasks, or --all"
        raise UsageError(msg, hint=f"see rocketctl {choices.verb} --help")
    if choices.operation not in OPERATIONS:
        msg = f"{choices.operation!r} is not an operation on the fleet"
        raise UsageError(msg, hint=did_you_mean(choices.operation, OPERATIONS) or f"{joined([*OPERATIONS][1:], 'or')}")
    least, most = OPERATIONS[choices.operation]
    if not least <= len(choices.operands) <= most:
        msg = f"fleet {choices.operation} takes {OPERANDS.get(choices.operation, 'nothing more')}"
        raise UsageError(msg, hint="see rocketctl fleet --help")
    return choices._replace(action=actions)


def _of_user(choices: Choices) -> Choices:
    """Fill in the directories of this user where none are given; raises UsageError."""
    from rocketd.cli.user_directories import user_directories  # noqa: PLC0415 - only for --user

    found = user_directories()
    return choices._replace(
        state_dir=choices.state_dir or found.state,
        runtime_dir=choices.runtime_dir or found.runtime,
        config_dir=choices.config_dir or [found.config],
    )


def _state_dir(choices: Choices) -> str:
    return choices.state_dir or _first_directory("STATE_DIRECTORY") or "/var/lib/rocketd"


def _runtime_dir(choices: Choices) -> str:
    return choices.runtime_dir or _first_directory("RUNTIME_DIRECTORY") or "/run/rocketd"


def _first_directory(variable: str) -> str:
    """One of systemd's directories; of several in the variable, the first (systemd.exec(5))."""
    return os.environ.get(variable, "").split(":")[0]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
