"""The keys of a task, `[task.NAME]`."""

from typing import Final

from rocketd.config import table_values, value_types
from rocketd.config.access_settings import OPERATORS, VIEW_OUTPUT
from rocketd.config.deadline_settings import MAX_AGE, SLOW_AFTER
from rocketd.config.engine_settings import ENGINE_SETTINGS
from rocketd.config.fleet_settings import HOST_PATTERNS, RUN_ON
from rocketd.config.former_names import FORMERLY
from rocketd.config.hook_settings import HOOKS_OF_TASK
from rocketd.config.http_settings import PING, TASK_WEBHOOKS
from rocketd.config.ignored_warnings import IGNORE_WARNINGS
from rocketd.config.output_values import FILE, LIMIT, PRINTED
from rocketd.config.resource_limits import NAMES, limits
from rocketd.config.setting import Setting, table
from rocketd.config.splay_value import NO_SPLAY, SPLAY_VALUE
from rocketd.config.tag_values import TAGS_VALUE
from rocketd.config.task_mail_settings import mail
from rocketd.config.unit_table import unit
from rocketd.config.value_types import BOOLEAN, CODES, DURATION, DURATION_OR_INFINITY, NON_EMPTY, PATH, TEXT, ValueType
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.task import ExecutorKind, Limit, Mail, On, OutputKind, Overlap

_MAX: Final = 2**31 - 1

COMMAND: Final = Setting[str | tuple[str, ...]](
    "command",
    ValueType("list of strings, or string", value_types.command),
    "",
    "none",
    "The program to run as `user`, and its arguments. A name without a slash is looked up in `PATH`; `./` is relative "
    "to `directory`. A string needs `shell = true`. A task has either a `command` or a `function`.",
    shared=False,
)
SHELL: Final = Setting(
    "shell",
    BOOLEAN,
    default=False,
    shown="`false`",
    meaning="Run `command` with `/bin/sh -c`.",
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
    "The Python interpreter for `function`.",
    only="function",
)
PARAMETERS: Final = Setting(
    "parameters",
    ValueType("table", table_values.parameters),
    "",
    "none",
    "Keyword arguments for `function`; a `command` gets them as JSON on standard input.",
)
WHEN: Final = Setting("when", ValueType("condition", value_types.string), "false", "`false`", "The start condition.")
STOP_WHEN: Final = Setting(
    "stop_when",
    ValueType("condition", value_types.string),
    "false",
    "`false`",
    "Stops an active run as soon as this condition holds.",
)
TIMEOUT: Final = Setting[Duration | None](
    "timeout",
    DURATION_OR_INFINITY,
    None,
    "`infinity`",
    "Stops a run that takes longer, counted from the start of its process.",
)
KILL_GRACE: Final = Setting(
    "kill_grace",
    DURATION,
    10 * SECOND,
    "`10s`",
    "The time between SIGTERM and SIGKILL when a run is stopped.",
)
OVERLAP: Final = Setting(
    "overlap",
    ValueType("`wait`, `skip`, `replace` or `allow`", value_types.choice(Overlap)),
    Overlap.WAIT,
    "`wait`",
    "What to do if the task is due while it is still running. `wait`: start after the end if it is still due; `skip`: "
    "give up what falls due meanwhile; `replace`: stop the active run, then start; `allow`: run both.",
)
RESTART_DELAY: Final = Setting(
    "restart_delay",
    DURATION,
    SECOND,
    "`1s`",
    "The shortest pause between the end of a run and the next start, if only that end makes the task due again.",
)
CRASH_LIMIT: Final = Setting(
    "crash_limit",
    ValueType("integer", value_types.integer(1, 100)),
    3,
    "`3`",
    "After this many crashes (the daemon or the host went down), a run counts as done.",
)
MUTEX: Final = Setting(
    "mutex",
    TEXT,
    "",
    "none",
    'A name. Of all tasks with the same name, one run is active at a time. `""` overrides `[defaults]` with none.',
)
PRIORITY: Final = Setting(
    "priority",
    ValueType("integer", value_types.integer(-_MAX, _MAX)),
    0,
    "`0`",
    "If several tasks are due and slots are scarce, the highest priority starts first.",
)
ON: Final = Setting[On | None](
    "on",
    ValueType("`boot`, `startup` or `shutdown`", value_types.optional(value_types.choice(On))),
    None,
    "none",
    "An additional start: at the first start of the daemon after a boot, at each start of the daemon, or before it "
    'stops. `""` overrides `[defaults]` with none.',
)
SPLAY: Final = Setting(
    "splay",
    SPLAY_VALUE,
    NO_SPLAY,
    "none",
    "Spreads the starts of tasks, and of the same task on many hosts: each tick, window and interval begins later by "
    "a part of this time, or of its own length if that is shorter. The part is a stable hash of host and task; "
    'with `{ most = "10 min", each = "run" }` each run has a part of its own.',
)
ENABLED: Final = Setting("enabled", BOOLEAN, default=True, shown="`true`", meaning="Load the task.")
TAGS: Final[Setting[tuple[str, ...]]] = Setting(
    "tags",
    TAGS_VALUE,
    (),
    "`[]`",
    "Names by which conditions and commands find the task, together with all others that have them: "
    '`after_any_fail("tag:db")`. Letters, digits, `.`, `_` and `-`.',
)
HOSTS: Final = Setting[tuple[str, ...]](
    "hosts",
    HOST_PATTERNS,
    (),
    "every host that has the file",
    "Load the task only on these hosts: names with `*` and `?`, `@` and a tag of `[fleet]`, and with `!` in front "
    'those that are left out, as in `["web*", "@eu", "!web9"]`. `[]` overrides `[defaults]` with every host.',
)
DESCRIPTION: Final = Setting("description", TEXT, "", "empty", "A description for people.")
TIMEZONE: Final = Setting(
    "timezone",
    NON_EMPTY,
    "",
    "the daemon's",
    "The time zone of the task's conditions and its `TZ`, such as `Europe/Helsinki`; `local` is the host's zone.",
)
USER: Final = Setting(
    "user",
    NON_EMPTY,
    "",
    "the daemon's",
    "The user of the process, by name or number, with the supplementary groups of a login (as `User=` in "
    "systemd.exec(5)).",
)
GROUP: Final = Setting(
    "group", NON_EMPTY, "", "the user's", "The primary group, by name or number (as `Group=` in systemd.exec(5))."
)
DIRECTORY: Final = Setting(
    "directory",
    PATH,
    "",
    "the user's home",
    "The working directory, entered as `user`. If the home is missing or closed to the user, the default is `/`.",
)
UMASK: Final = Setting(
    "umask", ValueType("octal digits in quotes", value_types.umask), 0o022, "`0022`", "The file mode mask."
)
NICE: Final = Setting(
    "nice",
    ValueType("integer", value_types.integer(-20, 19)),
    0,
    "`0`",
    "The nice level, from -20 (most favoured) to 19.",
)
LIMITS: Final = Setting[tuple[Limit, ...]](
    "limits",
    ValueType("table", limits),
    (),
    "none",
    "Resource limits (setrlimit(2)), like `LimitNOFILE=` in systemd.exec(5), in lower case: `{ nofile = 1024, "
    'core = 0, cpu = "10min", fsize = "1G:2G" }`. One value sets both limits, `SOFT:HARD` each; `infinity` is none. '
    f"Resources: {', '.join(f'`{name}`' for name in NAMES)}. Merged with those of `[defaults]`. "
    "If a limit prevents the start, the run fails; `nproc` alone is tried again for some minutes before.",
)
ENVIRONMENT: Final = Setting[tuple[tuple[str, str], ...]](
    "environment",
    ValueType("table of strings", table_values.environment),
    (),
    "none",
    "Variables in addition to a clean `PATH HOME USER LOGNAME SHELL LANG TZ`. Merged with those of `[defaults]`.",
)
ENVIRONMENT_FILES: Final = Setting[tuple[str, ...]](
    "environment_files",
    ValueType("list of paths", value_types.paths),
    (),
    "none",
    "Files with variables (as `EnvironmentFile=` in systemd.exec(5)), read at each start as `user`. A file with a "
    "leading `-` may be missing. Only regular files of up to 1 MiB are read.",
)
SUCCESS_CODES: Final = Setting(
    "success_codes", CODES, frozenset({0}), "`[0]`", "Exit codes that mean success.", only="command"
)
INACTION_CODES: Final = Setting[frozenset[int]](
    "inaction_codes",
    CODES,
    frozenset(),
    "`[]`",
    "Exit codes that mean there was nothing to do.",
    only="command",
)
FAILS_ON: Final = Setting[frozenset[OutputKind]](
    "fails_on",
    PRINTED,
    frozenset(),
    "`[]`",
    "A run that prints anything (`output`), or anything on standard error (`stderr`), fails, whatever its exit code.",
    only="command",
)
OUTPUT_TAIL: Final = Setting(
    "output_tail",
    ValueType("size", value_types.size(16 * 1024**2)),
    16 * 1024,
    '`"16 KiB"`',
    "How much of the end of the output the run's record keeps. The journal gets all of it.",
)
OUTPUT_LIMIT: Final = Setting[int | None](
    "output_limit",
    LIMIT,
    None,
    "that of `[rocketd]`",
    "How much output of a run the journal takes per minute; each line counts 100 bytes more than its length. The "
    "journal omits the rest, which the journal and the record note. `0`: the journal gets no output.",
)
OUTPUT_FILE: Final = Setting[str](
    "output_file",
    FILE,
    "",
    "none",
    "A file to which the output is also appended, as the task's user. `%Y`, `%m`, `%d`, `%H` and other numbers of "
    "strftime(3) stand for the start of the run, `{task}` and `{number}` for the run, and `%%` for `%`. "
    '`""` overrides `[defaults]` with none.',
)
SEPARATE_STDERR: Final = Setting(
    "separate_stderr",
    BOOLEAN,
    default=False,
    shown="`false`",
    meaning="Log standard error as a stream of its own, `stderr`. Lines of the two streams may then change places; "
    "without it, all lines keep their order, in the stream `stdout`.",
)
EXECUTOR: Final = Setting[ExecutorKind | None](
    "executor",
    value_types.EXECUTOR,
    None,
    "that of `[rocketd]`",
    "`unit`: each run is a unit of systemd, and outlives the daemon; not possible with `function`, `fails_on`, "
    '`output_file`, `output_limit`, `separate_stderr` and `on = "shutdown"`. `process`: each run is a process of the '
    "daemon. `auto`: as `auto` in `[rocketd]`, whatever that says.",
)
UNIT: Final = Setting[tuple[tuple[str, str], ...]](
    "unit",
    ValueType("table", unit),
    (),
    "none",
    "What systemd itself is told about the units of its runs, in systemd's words: settings of systemd.exec(5) and "
    'systemd.resource-control(5), as in `{ MemoryMax = "2G", ProtectSystem = "strict" }`. Its runs are units then. '
    "Joined with those of `[defaults]`.",
)
TASK_MAIL: Final = Setting(
    "mail", ValueType("table", mail), Mail(), "`[mail]`", "Overrides `receivers` and `on` of `[mail]` for this task."
)

TASK: Final = table(
    *(COMMAND, SHELL, FUNCTION, PYTHON, PARAMETERS, WHEN, STOP_WHEN, TIMEOUT, KILL_GRACE, OVERLAP, RESTART_DELAY),
    *(CRASH_LIMIT, MUTEX, PRIORITY, ON, RUN_ON, SPLAY, ENABLED, HOSTS, TAGS, DESCRIPTION, TIMEZONE),
    *(USER, GROUP, DIRECTORY, UMASK, NICE, LIMITS, ENVIRONMENT, ENVIRONMENT_FILES),
    *(SUCCESS_CODES, INACTION_CODES, FAILS_ON, OUTPUT_TAIL, OUTPUT_LIMIT),
    *(OUTPUT_FILE, SEPARATE_STDERR, EXECUTOR, UNIT, *ENGINE_SETTINGS.values(), TASK_MAIL, *HOOKS_OF_TASK),
    *(MAX_AGE, SLOW_AFTER, PING, TASK_WEBHOOKS, FORMERLY, OPERATORS, VIEW_OUTPUT, IGNORE_WARNINGS),
)
