"""The keys of a task, `[task.NAME]`."""

from typing import Final

from rocketd.config import table_values, value_types
from rocketd.config.output_values import FILE, LIMIT
from rocketd.config.resource_limits import NAMES, limits
from rocketd.config.setting import Setting, table
from rocketd.config.task_mail_settings import mail
from rocketd.config.value_types import BOOLEAN, CODES, DURATION, DURATION_OR_INFINITY, NON_EMPTY, PATH, TEXT, ValueType
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.task import Limit, Mail, On, Overlap

_MOST: Final = 2**31 - 1

COMMAND: Final = Setting[str | tuple[str, ...]](
    "command",
    ValueType("list of strings, or string", value_types.command),
    "",
    "none",
    "The program to run, with the rights of `user`, and its arguments. One without a slash is looked up in `PATH`; "
    "`./` begins at `directory`. A string needs `shell = true`. A task has a `command` or a `function`.",
    shared=False,
)
SHELL: Final = Setting(
    "shell",
    BOOLEAN,
    default=False,
    shown="`false`",
    meaning="Whether `command` is a text for `/bin/sh -c`.",
    only="command",
)
FUNCTION: Final = Setting(
    "function",
    ValueType("string", value_types.function),
    "",
    "none",
    "A Python function, `package.module:function`, run in a child interpreter.",
    shared=False,
)
PYTHON: Final = Setting(
    "python",
    PATH,
    "",
    "the daemon's own",
    "The interpreter that runs `function`.",
    only="function",
)
PARAMETERS: Final = Setting(
    "parameters",
    ValueType("table", table_values.parameters),
    "",
    "none",
    "Keyword arguments of a `function`; a `command` gets them as JSON on its standard input.",
)
WHEN: Final = Setting("when", ValueType("condition", value_types.string), "false", "`false`", "The start condition.")
STOP_WHEN: Final = Setting(
    "stop_when",
    ValueType("condition", value_types.string),
    "false",
    "`false`",
    "Terminates a running run as soon as it holds.",
)
TIMEOUT: Final = Setting[Duration | None](
    "timeout",
    DURATION_OR_INFINITY,
    None,
    "`infinity`",
    "Terminates a run that takes longer, from the moment at which its process is there.",
)
KILL_GRACE: Final = Setting(
    "kill_grace",
    DURATION,
    10 * SECOND,
    "`10s`",
    "How long after SIGTERM the processes of a run get SIGKILL.",
)
OVERLAP: Final = Setting(
    "overlap",
    ValueType("`wait`, `skip`, `replace` or `allow`", value_types.choice(Overlap)),
    Overlap.WAIT,
    "`wait`",
    "What to do when the task is due while it is still running: start after the end if it is still due, give up what "
    "falls due meanwhile, stop the running one and start, start beside it.",
)
RESTART_DELAY: Final = Setting(
    "restart_delay", DURATION, SECOND, "`1s`", "The least pause after an end that alone makes the task due again."
)
CRASH_LIMIT: Final = Setting(
    "crash_limit",
    ValueType("integer", value_types.integer(1, 100)),
    3,
    "`3`",
    "How many crashes (the daemon or the host went down) before a run counts as done.",
)
MUTEX: Final = Setting(
    "mutex",
    TEXT,
    "",
    "none",
    'A name: at most one run of all tasks with the same one at a time. `""` is none, where `[defaults]` names one.',
)
PRIORITY: Final = Setting(
    "priority",
    ValueType("integer", value_types.integer(-_MOST, _MOST)),
    0,
    "`0`",
    "Who goes first when several are due and slots are short: the highest.",
)
ON: Final = Setting[On | None](
    "on",
    ValueType("`boot`, `startup` or `shutdown`", value_types.optional(value_types.choice(On))),
    None,
    "none",
    "Runs then, as well: at the first start of the daemon after a boot, at each start, before it stops. "
    '`""` is none, where `[defaults]` has one.',
)
SPLAY: Final = Setting(
    "splay",
    DURATION,
    0,
    "none",
    "Spreads its starts, and those of hosts with the same task: each tick, window and interval begins later by a part "
    "of this, or of its own length if that is shorter. The part is a stable hash of host and task.",
)
ENABLED: Final = Setting("enabled", BOOLEAN, default=True, shown="`true`", meaning="Whether the task is loaded.")
DESCRIPTION: Final = Setting("description", TEXT, "", "empty", "A sentence for people.")
TIMEZONE: Final = Setting(
    "timezone",
    NON_EMPTY,
    "",
    "the daemon's",
    "The time zone of its conditions, as `Europe/Helsinki`, and its `TZ`; `local` is the host's.",
)
USER: Final = Setting(
    "user",
    NON_EMPTY,
    "",
    "the daemon's",
    "Who runs it, by name or number, with the supplementary groups of a login (`User=` of systemd.exec(5)).",
)
GROUP: Final = Setting(
    "group", NON_EMPTY, "", "the user's", "Its primary group, by name or number (`Group=` of systemd.exec(5))."
)
DIRECTORY: Final = Setting(
    "directory",
    PATH,
    "",
    "the user's home",
    "The working directory, entered with the rights of `user`. The home may be missing, or not that user's to enter: "
    "then it is `/`.",
)
UMASK: Final = Setting(
    "umask", ValueType("octal digits in quotes", value_types.umask), 0o022, "`0022`", "The file mode mask."
)
NICE: Final = Setting(
    "nice",
    ValueType("integer", value_types.integer(-20, 19)),
    0,
    "`0`",
    "The nice level, from -20, most favoured, to 19.",
)
LIMITS: Final = Setting[tuple[Limit, ...]](
    "limits",
    ValueType("table", limits),
    (),
    "none",
    "Resource limits (setrlimit(2)), as `LimitNOFILE=` of systemd.exec(5) in small letters: `{ nofile = 1024, "
    'core = 0, cpu = "10min", fsize = "1G:2G" }`. One value is both limits, `SOFT:HARD` gives each, `infinity` none. '
    f"Resources: {', '.join(f'`{name}`' for name in NAMES)}. Joined with those of `[defaults]`.",
)
ENVIRONMENT: Final = Setting[tuple[tuple[str, str], ...]](
    "environment",
    ValueType("table of strings", table_values.environment),
    (),
    "none",
    "Variables on top of a clean `PATH HOME USER LOGNAME SHELL LANG TZ`. Joined with those of `[defaults]`.",
)
ENVIRONMENT_FILES: Final = Setting[tuple[str, ...]](
    "environment_files",
    ValueType("list of paths", value_types.paths),
    (),
    "none",
    "Files with variables (`EnvironmentFile=` of systemd.exec(5)), read at each start with the rights of `user`; with "
    "`-` in front it may be missing. Only regular files are opened, of 1 MiB at most.",
)
SUCCESS_CODES: Final = Setting(
    "success_codes", CODES, frozenset({0}), "`[0]`", "Exit codes that mean success.", only="command"
)
INACTION_CODES: Final = Setting[frozenset[int]](
    "inaction_codes",
    CODES,
    frozenset(),
    "`[]`",
    "Exit codes that mean that there was nothing to do.",
    only="command",
)
OUTPUT_TAIL: Final = Setting(
    "output_tail",
    ValueType("size", value_types.size(16 * 1024**2)),
    16 * 1024,
    '`"16 KiB"`',
    "How much of the end of its output the record keeps; all of it goes to the journal.",
)
OUTPUT_LIMIT: Final = Setting[int | None](
    "output_limit",
    LIMIT,
    None,
    "that of `[rocketd]`",
    "How much of its output a run may tell to the journal within a minute; a line counts 100 bytes beside its own. "
    "What goes beyond it is left out there, which the journal and the record say. `0` tells nothing to the journal.",
)
OUTPUT_FILE: Final = Setting[str](
    "output_file",
    FILE,
    "",
    "none",
    "A file to which all that it prints is appended as well, as the task's user. `%Y`, `%m`, `%d`, `%H` and other "
    "numbers of strftime(3) are those of the run's start, `{task}` and `{number}` the run's own; `%%` is a `%`. "
    '`""` is none, where `[defaults]` has one.',
)
SEPARATE_STDERR: Final = Setting(
    "separate_stderr",
    BOOLEAN,
    default=False,
    shown="`false`",
    meaning="Whether standard error is told apart from standard output, as the stream `stderr`. Then lines of the two "
    "may change places; otherwise they stay in the order in which they were written, as the stream `stdout`.",
)
TASK_MAIL: Final = Setting(
    "mail", ValueType("table", mail), Mail(), "`[mail]`", "Overrides `receivers` and `on` of `[mail]` for this task."
)

TASK: Final = table(
    *(COMMAND, SHELL, FUNCTION, PYTHON, PARAMETERS, WHEN, STOP_WHEN, TIMEOUT, KILL_GRACE, OVERLAP, RESTART_DELAY),
    *(CRASH_LIMIT, MUTEX, PRIORITY, ON, SPLAY, ENABLED, DESCRIPTION, TIMEZONE, USER, GROUP, DIRECTORY, UMASK, NICE),
    *(LIMITS, ENVIRONMENT, ENVIRONMENT_FILES, SUCCESS_CODES, INACTION_CODES, OUTPUT_TAIL, OUTPUT_LIMIT),
    *(OUTPUT_FILE, SEPARATE_STDERR, TASK_MAIL),
)
